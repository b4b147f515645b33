import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { daemonStage, inState } from "../support/daemon-stage.ts";
import { CHECKOUT } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";

/** A package of its own with its own tools, of which the generator works with TypeScript 5 alone. */
const CLIENT = join(CHECKOUT, "test", "generated-client");

async function tool(path: string, args: readonly string[], cwd: string): Promise<ProgramResult> {
  return await runProgram([process.execPath, join(CLIENT, "node_modules", path), ...args], { cwd });
}

describe("a client that a public generator made of the OpenAPI document", () => {
  it("compiles strictly with TypeScript 5, takes a backup over the daemon's socket, and has its errors typed", async () => {
    await using stage = daemonStage({ backup: "enabled: false", more: "server: { listen: '127.0.0.1:0' }\n" });
    const daemon = await stage.daemon();
    const [, url = ""] = await daemon.saw(/Listening on (http:\/\/[\d.]+:\d+)/);
    const token = (name: string): string => readFileSync(inState(stage, "tokens", name), "utf8").trim();
    const made = await fetch(`${url}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token("read")}` } });
    writeFileSync(stage.join("openapi.json"), await made.text());

    const generated = await tool("openapi-typescript/bin/cli.js", ["openapi.json", "--output", "schema.ts"], stage.folder);
    expect(generated.exitCode, generated.stdout + generated.stderr).toBe(0);
    expect((await tool("typescript/bin/tsc", ["--version"], stage.folder)).stdout).toMatch(/^Version 5\./);
    const compile = async (): Promise<ProgramResult> => await tool("typescript/bin/tsc", ["--project", "tsconfig.json"], stage.folder);
    // What is generated stays out of the checkout: to the compiler both folders are one.
    writeFileSync(
      stage.join("tsconfig.json"),
      JSON.stringify({
        extends: join(CLIENT, "tsconfig.json"),
        compilerOptions: { rootDirs: [CLIENT, stage.folder] },
        files: [join(CLIENT, "main.ts")],
      }),
    );
    const compiled = await compile();
    expect(compiled.stdout).toBe("");
    expect(compiled.exitCode).toBe(0);

    const ran = await runProgram([process.execPath, join(CLIENT, "main.ts"), url, token("operate")], { cwd: stage.folder });
    expect(ran.stderr).toBe("");
    const { backup_id, ...told } = ran.json<{ backup_id: string }>();
    expect(backup_id).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_manual$/);
    expect(told).toEqual({
      before: [],
      trigger: "manual",
      after: [{ id: backup_id, tags: ["by-a-stranger"] }],
      outcome: "taken",
      problem: { status: 404, code: "BACKUP_NOT_FOUND", hint: expect.any(String) as string },
      refused: [403, 400],
      health: "ok",
      promised: "fine",
    });

    // A compiler that is content with everything would be content with this.
    const document = JSON.parse(readFileSync(stage.join("openapi.json"), "utf8")) as { paths: Record<string, unknown> };
    delete document.paths["/api/v1/admin/backup"];
    writeFileSync(stage.join("openapi.json"), JSON.stringify(document));
    await tool("openapi-typescript/bin/cli.js", ["openapi.json", "--output", "schema.ts"], stage.folder);
    expect((await compile()).stdout).toMatch(/main\.ts\(\d+,\d+\): error TS\d+: .*"\/api\/v1\/admin\/backup"/);
  }, 180_000);
});
