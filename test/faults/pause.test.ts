import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { watch } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { STORED_FORMS, type StoredFormName } from "../support/stored-forms.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

function script(folder: TemporaryFolder, name: string, body: string): void {
  writeFileSync(folder.join(name), `#!/bin/sh\necho ${name} >> "${folder.join("log")}"\n${body}\n`);
  chmodSync(folder.join(name), 0o755);
}

interface Paused {
  readonly form: StoredFormName;
  readonly importance: string;
  readonly pause?: string;
  readonly resume?: string;
  readonly timeout?: string;
}

function paused(folder: TemporaryFolder, { form, importance, pause = "", resume = "", timeout = "20s" }: Paused): string {
  script(folder, "pause", pause);
  script(folder, "resume", resume);
  const component = `  vectors: { path: data/memory, importance: ${importance}, pause: { command: [./pause], resume: [./resume], timeout: ${timeout} } }`;
  return makeWorkspace(folder.path, { form, components: component }).config;
}

async function waitForLine(folder: TemporaryFolder, line: string): Promise<string> {
  const log = folder.join("log");
  const read = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
  const limit = AbortSignal.timeout(30_000);
  if (read().includes(line)) return read();
  for await (const _ of watch(folder.path, { signal: limit })) if (read().includes(line)) return read();
  return read();
}

describe.each(STORED_FORMS)("pause, %s", (_name, form) => {
  it("holds the runtime only while the tree is cut, and resumes it", async () => {
    using folder = temporaryFolder();
    const config = paused(folder, { form, importance: "high" });
    expect((await holdfast(["--config", config, "backup", "--component", "vectors", "--component", "persistence"])).exitCode).toBe(0);
    expect(readFileSync(folder.join("log"), "utf8")).toBe("pause\nresume\n");
    expect((await holdfast(["--config", config, "cat", "latest", "vectors/notes/second.md"])).stdout).toBe("# Second\n");
  });

  it.each([
    ["fails", "exit 7", "exit code 7"],
    ["hangs", "sleep 600", "did not end within"],
  ])("a pause command that %s is resumed all the same, and the component is not captured", async (_what, body, reason) => {
    using folder = temporaryFolder();
    const config = paused(folder, { form, importance: "high", pause: body, timeout: "1s" });
    const taken = await holdfast(["--config", config, "backup", "--component", "vectors", "--component", "persistence", "--json"]);
    expect(taken.exitCode).toBe(3);
    expect(taken.stdout).toContain(reason);
    expect(taken.json()).toMatchObject({ not_captured: [{ name: "vectors", code: "PAUSE_FAILED" }] });
    expect(readFileSync(folder.join("log"), "utf8")).toContain("resume\n");
  });

  it("a runtime that cannot be resumed is an alarm with the command to run by hand", async () => {
    using folder = temporaryFolder();
    const config = paused(folder, { form, importance: "critical", resume: "exit 9" });
    const taken = await holdfast(["--config", config, "backup", "--component", "vectors"]);
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toContain("Cannot resume component");
    expect(taken.stderr).toContain("by hand");
    expect(readFileSync(folder.join("log"), "utf8")).toBe("pause\nresume\nresume\nresume\n");
  });

  it("kill -9 between pause and resume: the guardian resumes the runtime", async () => {
    using folder = temporaryFolder();
    const config = paused(folder, { form, importance: "high" });
    const killed = await holdfast(["--config", config, "backup", "--component", "vectors"], {
      env: { HOLDFAST_CRASHPOINT: "cut-complete" },
    });
    expect(killed.signal).toBe("SIGKILL");
    expect(await waitForLine(folder, "resume")).toBe("pause\nresume\n");
    expect((await holdfast(["--config", config, "backup", "--component", "vectors"])).exitCode).toBe(0);
  });
});
