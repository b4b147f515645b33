import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHURN_FILES, CHURN_LINE, CHURN_SIZE, churnProcess } from "../support/churn-process.ts";
import { documentOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const BACKUPS = 4;
const COMPONENTS = `  memory: { path: memory, exclude: [".replacement"] }
  logs:   { path: memory/run.log }
  main:   { path: main.txt }`;

/** Whether every byte is the same. */
function isUniform(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length, bytes[0]));
}

/** As it lies while it is overwritten, by somebody who may be kept waiting for longer than two readings take: new, and old behind it. */
function isMidway(bytes: Buffer): boolean {
  const change = bytes.findIndex((byte) => byte !== bytes[0]);
  return change < 0 || isUniform(bytes.subarray(change));
}

/** Number of the last whole line; throws unless the lines are numbered from 1, with nothing but the end cut off. */
function lastLine(bytes: Buffer): number {
  const lines = bytes.toString("latin1").split("\n");
  const rest = lines.pop() ?? "";
  for (const [index, line] of lines.entries())
    if (line !== String(index + 1).padStart(CHURN_LINE - 1, "0")) throw new Error(`Line ${index + 1} is ${JSON.stringify(line)}`);
  if (
    !String(lines.length + 1)
      .padStart(CHURN_LINE - 1, "0")
      .startsWith(rest)
  )
    throw new Error(`The cut line is ${JSON.stringify(rest)}`);
  return lines.length;
}

/** It is numbered at its beginning first: an end that is ahead, or behind by more than one, never stood there with it. */
function isTorn(bytes: Buffer): boolean {
  const ahead = bytes.readBigInt64BE(0) - bytes.readBigInt64BE(bytes.length - 8);
  return ahead !== 0n && ahead !== 1n;
}

function filesIn(folder: string): [string, Buffer][] {
  return existsSync(folder) ? readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]) : [];
}

describe.each(STORED_FORMS)("files that grow, shrink, vanish, move and are replaced while they are read, %s", (_name, form) => {
  it(
    "every backup is listed, verifies and restores; each file is whole, or said not to have held still",
    { timeout: 240_000 },
    async () => {
      using folder = temporaryFolder();
      const { run } = makeInstance(folder.path, COMPONENTS, { form });
      writeTree(folder.path, { "main.txt": "main", "memory/steady.md": "steady" });
      const seen = { grew: 0, replaced: 0, rewritten: 0, vanished: 0, torn: 0 };
      const taken: BackupDocument[] = [];
      {
        await using _ = await churnProcess(folder.join("memory"));
        for (let n = 0; n < BACKUPS; n += 1) {
          const result = await run("backup", "--json");
          expect(result.stderr).toBe("");
          expect([0, 3], String(result.signal)).toContain(result.exitCode);
          const backup = documentOf<BackupDocument>(result, result.exitCode ?? -1);
          expect(backup.not_captured).toEqual([]);
          expect(backup.alarms).toEqual([]);
          taken.push(backup);
        }
      }
      expect((await run("verify", "--all")).exitCode).toBe(0);

      for (const { id, status, warnings } of taken) {
        const out = folder.join("out", id);
        expect((await run("restore", id, "--to", out, "--owner", "current")).exitCode).toBe(0);
        const memory = join(out, "memory");
        const says = (path: string, what: string): boolean =>
          warnings.some((line) => line.startsWith(`memory/${path}: `) && line.includes(what));
        expect(readFileSync(join(memory, "steady.md"), "utf8")).toBe("steady");
        for (const [name, bytes] of filesIn(join(memory, "replaced"))) {
          expect([bytes.length, isUniform(bytes)], `replaced/${name}`).toEqual([CHURN_SIZE, true]);
        }
        for (const [name, bytes] of filesIn(join(memory, "rewritten"))) {
          expect(bytes.length).toBe(CHURN_SIZE);
          if (!isUniform(bytes) && !isMidway(bytes))
            expect(says(`rewritten/${name}`, "did not hold still"), `rewritten/${name} is mixed, and nothing was said`).toBe(true);
        }
        const torn = isTorn(readFileSync(join(memory, "restless")));
        if (torn) expect(says("restless", "did not hold still"), "restless is torn, and nothing was said").toBe(true);
        seen.torn += torn ? 1 : 0;
        for (const sort of ["shrinking", "passing"]) {
          for (const [name, bytes] of filesIn(join(memory, sort))) expect(isUniform(bytes), `${sort}/${name}`).toBe(true);
        }
        const shrinking = filesIn(join(memory, "shrinking")).map(([name]) => name);
        for (let n = 0; n < CHURN_FILES; n += 1) {
          if (!shrinking.includes(String(n)))
            expect(says(`shrinking/${n}`, "kept shrinking"), `shrinking/${n} is not there, and nothing was said`).toBe(true);
        }
        for (const [, bytes] of filesIn(join(memory, "growing"))) expect(lastLine(bytes)).toBeGreaterThan(0);
        expect(filesIn(join(memory, "growing"))).toHaveLength(CHURN_FILES);
        const log = readFileSync(join(out, "logs", "run.log"));
        expect(lastLine(log)).toBeGreaterThan(CHURN_FILES);
        // As a component of its own it ends with a whole line, also under its writer.
        expect(log.at(-1)).toBe(10);
        // Omissions for a reason that is not harmless make it partial, and nothing else does.
        const unreadable = warnings.filter((line) => line.includes("kept shrinking"));
        expect(status, warnings.join("\n")).toBe(unreadable.length > 0 ? "partial" : "complete");
        seen.grew += warnings.filter((line) => line.includes(": grew")).length;
        seen.replaced += warnings.filter((line) => line.includes(": was replaced")).length;
        seen.rewritten += warnings.filter((line) => line.includes(": did not hold still")).length;
        const shown = documentOf<{
          manifest: { component_details: Record<string, { omissions: { reason: string }[]; changed: { change: string }[] }> };
        }>(await run("backup", "show", id, "--json"), 0);
        const { omissions = [], changed = [] } = shown.manifest.component_details["memory"] ?? {};
        seen.vanished +=
          omissions.filter(({ reason }) => reason === "vanished").length + changed.filter(({ change }) => change === "vanished").length;
      }
      // Were nothing ever caught in the act, all of the above would say little.
      expect(seen.grew + seen.replaced + seen.vanished, JSON.stringify(seen)).toBeGreaterThan(0);
      expect(seen.rewritten, JSON.stringify(seen)).toBeGreaterThan(0);
    },
  );
});

describe("a component that is one file, while it is overwritten in place", () => {
  it("is stored as read and makes the backup partial when it is critical", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  main: { path: churn/restless }\n  other: { path: churn/run.log }");
    await using _ = await churnProcess(folder.join("churn"));
    let partial = 0;
    for (let n = 0; n < 3; n += 1) {
      const result = await run("backup", "--json");
      const { components, warnings } = documentOf<BackupDocument>(result, result.exitCode ?? -1);
      const moved = warnings.some((line) => line.startsWith("main/restless: did not hold still"));
      expect(result.exitCode).toBe(moved ? 3 : 0);
      expect(components.find(({ name }) => name === "main")?.good).toBe(!moved);
      if (moved) partial += 1;
    }
    expect(partial).toBeGreaterThan(0);
  });
});
