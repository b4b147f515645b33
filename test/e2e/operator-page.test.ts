import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const CONFIG = `name: operator
components:
  orchestrator:    { path: orchestrator_config.json }
  state:           { path: { from: orchestrator_config.json, pointer: /stateFile, env: STATE_FILE }, importance: critical }
  knowledge-packs: { path: { from: orchestrator_config.json, pointer: /knowledgePackDir }, importance: high }
  logs:            { path: { from: orchestrator_config.json, pointer: /logsDir }, importance: medium, exclude: ["*.tmp"] }
backup: { path: backups, compression: false }
`;

function operator(folder: string, stateFile: string): string {
  writeTree(folder, {
    "holdfast.yaml": CONFIG,
    "orchestrator_config.json": JSON.stringify({ stateFile, logsDir: "./logs", knowledgePackDir: "./logs/../knowledge-packs" }),
    "logs/run.log": "started\n",
    "logs/draft.tmp": "x",
    "knowledge-packs/pack.json": "{}",
    "state.json": '{"tasks":[1,2,3]}',
  });
  return join(folder, "holdfast.yaml");
}

function backups(folder: string): string[] {
  const vault = join(folder, "backups");
  return existsSync(vault) ? readdirSync(vault).filter((name) => !name.startsWith(".")) : [];
}

describe("the operator page's orchestrator_config.json", () => {
  it("is followed through pointers, and what was resolved is recorded", async () => {
    using folder = temporaryFolder();
    const config = operator(folder.path, "state.json");
    const taken = await holdfast(["--config", config, "backup", "--json"]);
    expect(taken.exitCode).toBe(0);
    const shown = (await holdfast(["--config", config, "backup", "show", "latest", "--json"])).json<{
      manifest: { component_details: Record<string, { resolved_path: string; source: string }> };
    }>();
    expect(shown.manifest.component_details["state"]).toMatchObject({ resolved_path: folder.join("state.json"), source: "json" });
    const listed = (await holdfast(["--config", config, "ls", "latest", "--recursive"])).stdout;
    for (const path of ["orchestrator/orchestrator_config.json", "state/state.json", "knowledge-packs/pack.json", "logs/run.log"])
      expect(listed).toContain(path);
    expect(listed).not.toContain("draft.tmp");
  });

  it("gives way to the environment variable when that is set", async () => {
    using folder = temporaryFolder();
    const config = operator(folder.path, "state.json");
    writeFileSync(folder.join("elsewhere.json"), '{"from":"environment"}');
    const env = { STATE_FILE: folder.join("elsewhere.json") };
    expect((await holdfast(["--config", config, "backup"], { env })).exitCode).toBe(0);
    expect((await holdfast(["--config", config, "cat", "latest", "state"], { env })).stdout).toBe('{"from":"environment"}');
  });

  it.each([
    ["is missing", "gone.json", "COMPONENT_MISSING", () => {}],
    ["is torn JSON", "state.json", "DOCUMENT_INVALID", (folder: string) => writeFileSync(join(folder, "state.json"), '{"tasks":[1,2')],
    ["is mongo:…", "mongo:state", "COMPONENT_PATH", () => {}],
    ["is sqlite:…", "sqlite:state.db", "COMPONENT_PATH", () => {}],
  ] as const)("a stateFile that %s fails loudly and makes no backup", async (_what, stateFile, code, prepare) => {
    using folder = temporaryFolder();
    const config = operator(folder.path, stateFile);
    prepare(folder.path);
    const failed = await holdfast(["--config", config, "backup", "--json"]);
    expect(failed.exitCode).toBe(1);
    expect(failed.json()).toMatchObject({ schema: "holdfast.error/1", error: { code } });
    expect(backups(folder.path)).toEqual([]);
    const status = await holdfast(["--config", config, "status"]);
    expect(status.exitCode).toBe(4);
    expect(status.stdout).toContain("NOT SAFE");
  });

  it("a failed run after a good one is not hidden by it", async () => {
    using folder = temporaryFolder();
    const config = operator(folder.path, "state.json");
    expect((await holdfast(["--config", config, "backup"])).exitCode).toBe(0);
    expect((await holdfast(["--config", config, "status"])).exitCode).toBe(0);
    writeFileSync(folder.join("state.json"), "{");
    expect((await holdfast(["--config", config, "backup"])).exitCode).toBe(1);
    expect((await holdfast(["--config", config, "status"])).exitCode).toBe(4);
    expect(backups(folder.path)).toHaveLength(1);
  });
});
