import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openApi } from "../support/api.ts";
import { documentOf, failureOf, makeInstance, type StatusDocument } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const STATE = "  state: { path: state.json }";

/** What differs between two looks at the same thing. */
function withoutTimes(text: string): string {
  return text.replaceAll(/^(holdfast_(?:read_timestamp|component_\w+_age)_seconds\S*) .*$/gm, "$1");
}

describe("holdfast status --metrics-file", () => {
  it("replaces the file whole with what the daemon's GET /metrics says, for every account to read", async () => {
    using folder = temporaryFolder();
    const { run, config } = makeInstance(folder.path, STATE);
    writeFileSync(folder.join("state.json"), "{}\n");
    mkdirSync(folder.join("textfile"));
    const file = folder.join("textfile/holdfast.prom");
    writeFileSync(file, "old");
    expect((await run("backup")).exitCode).toBe(0);
    const report = documentOf<StatusDocument>(await run("status", "--json", "--metrics-file", file), 0);
    expect(report.safe).toBe(true);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("\nholdfast_safe 1\n");
    const served = await openApi(config).ask("GET", "/metrics");
    expect(withoutTimes(text)).toBe(withoutTimes(served.text));
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder.join("textfile"))).toEqual(["holdfast.prom"]);
  });

  it("is written as well when something is not safe, and the command still ends with 4", async () => {
    using folder = temporaryFolder();
    const { runWith } = makeInstance(folder.path, STATE);
    const result = await runWith({ cwd: folder.path }, "status", "--quiet", "--metrics-file", "holdfast.prom");
    expect(result.exitCode).toBe(4);
    expect(readFileSync(folder.join("holdfast.prom"), "utf8")).toContain("\nholdfast_safe 0\n");
  });

  it.each([
    ["in a folder that is not there", "missing/holdfast.prom"],
    ["that is a folder", "textfile"],
  ])("a file %s is an error, and nothing is left of it", async (_, name) => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, STATE);
    mkdirSync(folder.join("textfile"));
    const before = readdirSync(folder.path);
    const failure = failureOf(await run("status", "--json", "--metrics-file", folder.join(name)), 1);
    expect(failure).toMatchObject({ code: "FILE_SYSTEM", message: expect.stringContaining("Cannot write the metrics to ") as string });
    expect(readdirSync(folder.path)).toEqual(before);
  });
});
