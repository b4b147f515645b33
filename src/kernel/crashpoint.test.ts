import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../test/support/run-program.ts";
import { CRASHPOINTS } from "./crashpoint.ts";

const MODULE = new URL("./crashpoint.ts", import.meta.url).href;

/** A process that says "before", passes one crashpoint, and says "after" also when it ends. */
async function pass(name: string, armed: string | undefined): Promise<{ signal: string | null; stdout: string; exitCode: number | null }> {
  const code = `import { writeSync } from "node:fs"; import { crashpoint } from ${JSON.stringify(MODULE)};
    process.on("exit", () => writeSync(1, "exit\\n")); writeSync(1, "before\\n"); crashpoint(${JSON.stringify(name)}); writeSync(1, "after\\n");`;
  return await runProgram([process.execPath, "--input-type=module", "-e", code], { env: { HOLDFAST_CRASHPOINT: armed } });
}

describe("crashpoint()", () => {
  it("kills the process at the named place, and nothing of it runs afterwards", async () => {
    expect(await pass("backup-claimed", "backup-claimed")).toMatchObject({ signal: "SIGKILL", exitCode: null, stdout: "before\n" });
  });

  it.each([undefined, "", "backup-claime", "backup-claimed-2", "*"])("does nothing when %j is armed", async (armed) => {
    expect(await pass("backup-claimed", armed)).toMatchObject({ signal: null, exitCode: 0, stdout: "before\nafter\nexit\n" });
  });
});

describe("CRASHPOINTS", () => {
  it("names no place twice, and each one stands in the sources", () => {
    expect(new Set(CRASHPOINTS).size).toBe(CRASHPOINTS.length);
    const sources = fileURLToPath(new URL("..", import.meta.url));
    const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith("kernel/crashpoint.ts"),
    );
    const text = files.map((name) => readFileSync(`${sources}/${name}`, "utf8")).join("\n");
    expect(CRASHPOINTS.filter((name) => !text.includes(`crashpoint("${name}")`))).toEqual([]);
  });
});
