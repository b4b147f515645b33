import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, afterAll, describe, expect, it } from "vitest";
import { packageTarball } from "../../scripts/package-tarball.ts";
import { readBank } from "../support/bank.ts";
import { CHECKOUT } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";
import { writerProcess } from "../support/writer-process.ts";

// The package as a user gets it: built, packed, installed elsewhere. Workers and children are found by name at run time,
// and package.json decides which files are there at all, so that sources that work prove nothing about it.

let installed: TemporaryFolder;
let bin: string;

beforeAll(() => {
  installed = temporaryFolder();
  execFileSync(process.execPath, [join(CHECKOUT, "scripts/build.ts")], { cwd: CHECKOUT, stdio: "pipe" });
  const tarball = packageTarball(CHECKOUT, installed.path);
  writeTree(installed.path, { "package.json": '{ "private": true }' });
  const npm = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=dev", tarball.path];
  execFileSync("npm", npm, { cwd: installed.path, stdio: "pipe" });
  bin = installed.join("node_modules/.bin/holdfast");
}, 180_000);

afterAll(() => installed[Symbol.dispose]());

async function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProgramResult> {
  const result = await runProgram([process.execPath, bin, ...args], { cwd, env: { HOLDFAST_CONFIG: undefined, NO_COLOR: "1", ...env } });
  expect(result, `holdfast ${args.join(" ")}`).toMatchObject({ exitCode: 0 });
  return result;
}

describe("the packed package", () => {
  it("holds the launcher, the build and the rescue tool, and neither sources nor tests", () => {
    const top = installed.join("node_modules/holdfast");
    const files = readdirSync(top, { recursive: true, encoding: "utf8" });
    expect(readdirSync(top).toSorted()).toEqual(["LICENSE", "README.md", "bin", "dist", "package.json", "tools"]);
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    expect(statSync(bin).mode & 0o111).toBe(0o111);
  });

  it("brings no package that runs code at install time", () => {
    const manifests = readdirSync(installed.join("node_modules"), { recursive: true, encoding: "utf8" }).filter((file) =>
      /(?:^|\/)package\.json$/.test(file),
    );
    const scripts = manifests.flatMap((file) => {
      const parsed = JSON.parse(readFileSync(installed.join("node_modules", file), "utf8")) as { scripts?: Record<string, string> };
      return Object.keys(parsed.scripts ?? {}).filter((name) => ["preinstall", "install", "postinstall"].includes(name));
    });
    expect(manifests.length).toBeGreaterThan(5);
    expect(scripts).toEqual([]);
  });

  it("gives an importing program its types", async () => {
    writeTree(installed.path, {
      "program.ts":
        'import { openHoldfast, type BackupResult } from "holdfast";\nexport const open: number = openHoldfast;\nexport const size = (result: BackupResult): string => result.size_bytes;\n',
    });
    const tsc = [
      join(CHECKOUT, "node_modules/.bin/tsc"),
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "program.ts",
    ];
    const { stdout } = await runProgram(tsc, { cwd: installed.path });
    // Types that did not resolve would be any, and fit.
    expect(stdout.match(/error TS\d+/g)).toEqual(["error TS2322", "error TS2322"]);
  });

  it("backs up through the library, in a process of its own", async () => {
    using workspace = temporaryFolder();
    await using writer = await writerProcess(workspace.join("agent.db"), { tps: 50 });
    writeTree(workspace.path, {
      "holdfast.yaml": "name: embedded\ncomponents:\n  persistence: { path: agent.db }\nbackup: { path: vault }\n",
    });
    writeTree(installed.path, {
      "host.mjs": `
        import { openHoldfast } from "holdfast";
        await using holdfast = await openHoldfast({ config: process.argv[2] });
        console.log(JSON.stringify(await holdfast.backup({ trigger: "startup" })));
      `,
    });
    const result = await runProgram([process.execPath, installed.join("host.mjs"), workspace.join("holdfast.yaml")], {
      cwd: workspace.path,
    });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.json()).toMatchObject({ id: expect.stringMatching(/_startup$/) as string, status: "complete" });
    expect(writer.committed()).toBeGreaterThan(0);
  });

  it.each([
    ["one .tar.gz", "true"],
    ["a plain folder", "false"],
  ])("backs up a workspace with a live database as %s, verifies it, and restores it", async (_, compression) => {
    using workspace = temporaryFolder();
    const agent = workspace.join("agent");
    const notes = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`memory/note-${index}.md`, `# ${index}\n`.repeat(index + 1)]),
    );
    writeTree(agent, { ...notes, "data/settings.json": '{ "a": 1 }\n', "company.yaml": "name: test\n" });
    await using writer = await writerProcess(join(agent, "data/agent.db"), { tps: 0 });
    await writer.waitFor(100);

    const env = { HOLDFAST_BACKUP__COMPRESSION: compression };
    await run(agent, ["init", "--vault", workspace.join("vault"), "--format", "archive"]);
    const before = writer.committed();
    const taken = (await run(agent, ["backup", "--json"], env)).json<{ id: string; status: string }>();
    expect(taken).toMatchObject({ id: expect.stringMatching(/_manual$/) as string, status: "complete" });
    expect(readdirSync(workspace.join("vault")).toSorted()).toEqual([".vault", compression === "true" ? `${taken.id}.tar.gz` : taken.id]);
    await run(agent, ["verify", taken.id], env);
    await run(agent, ["restore", "latest:verified", "--to", workspace.join("restored"), "--yes"], env);

    const restored = readdirSync(workspace.join("restored"), { recursive: true, encoding: "utf8" });
    const find = (end: string): string =>
      workspace.join("restored", restored.find((file) => file.endsWith(end)) ?? `no ${end} among ${restored.join(" ")}`);
    for (const [path, content] of Object.entries(notes)) expect(readFileSync(find(path), "utf8")).toBe(content);
    // Whatever was committed before the backup began is in it, nothing that came after it, and no half of anything.
    const { last } = readBank(find("agent.db"));
    expect(last).toBeGreaterThanOrEqual(before);
    expect(last).toBeLessThanOrEqual(await writer.stop());
  });
});
