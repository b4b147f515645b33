import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openReading } from "./open-reading.ts";
import { readBack, testPlace, type TestPlace } from "../../test/support/source-place.ts";

/** Opens the component as an account without rights, in a process of its own. */
function asNobody(place: TestPlace): (path: string) => string {
  chmodSync(place.folder, 0o755);
  chownSync(place.staging, 65534, 65534);
  const script = `
    const { readBack } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../test/support/source-place.ts")).href)});
    const request = JSON.parse(process.argv[1], (key, value) => (key === "paths" ? new Set() : value));
    try { const { report, paths } = await readBack(request); console.log(JSON.stringify({ paths, omissions: report.omissions })) }
    catch (error) { console.log(error.code + " " + error.hint) }`;
  const argv = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "--input-type=module", "-e", script];
  return (path: string) =>
    execFileSync("setpriv", [...argv, JSON.stringify(place.request({ path }))])
      .toString()
      .trim();
}

describe("openReading() of a file", () => {
  it("tells a component that is missing from one that may not be read", async () => {
    using place = testPlace();
    const file = join(place.state, "a.txt");
    await expect(openReading(place.request({ path: file }))).rejects.toMatchObject({ code: "COMPONENT_MISSING" });
    await expect(openReading(place.request({ path: join(file, "below") }))).rejects.toMatchObject({ code: "COMPONENT_MISSING" });
    symlinkSync("nowhere", join(place.state, "dangling"));
    await expect(openReading(place.request({ path: join(place.state, "dangling") }))).rejects.toMatchObject({
      code: "COMPONENT_MISSING",
      message: expect.stringContaining("leads nowhere"),
    });
    symlinkSync("loop", join(place.state, "loop"));
    await expect(openReading(place.request({ path: join(place.state, "loop") }))).rejects.toMatchObject({ code: "COMPONENT_PATH" });
    execFileSync("mkfifo", [join(place.state, "fifo")]);
    await expect(openReading(place.request({ path: join(place.state, "fifo") }))).rejects.toMatchObject({ code: "COMPONENT_PATH" });
    await expect(openReading(place.request({ kind: "json" }))).rejects.toMatchObject({ code: "COMPONENT_PATH" });
  });

  it("names what an account may not read", () => {
    using place = testPlace();
    const open = asNobody(place);
    for (const name of ["secret.txt", "secret.json", "secret.log", "secret.db"]) {
      writeFileSync(join(place.state, name), "{}", { mode: 0o600 });
      expect(open(join(place.state, name))).toMatch(/^COMPONENT_UNREADABLE /);
    }
    mkdirSync(join(place.state, "closed"), { mode: 0o700 });
    expect(open(join(place.state, "closed"))).toMatch(/^COMPONENT_UNREADABLE /);
    writeFileSync(join(place.state, "open.txt"), "readable");
    expect(JSON.parse(open(place.state))).toEqual({
      paths: [".", "closed", "open.txt"],
      omissions: [
        { path: "closed", reason: "Cannot be listed (EACCES)", harmless: false },
        ...["secret.db", "secret.json", "secret.log", "secret.txt"].map((path) => ({
          path,
          reason: "Cannot be opened (EACCES)",
          harmless: false,
        })),
      ],
    });
  });

  it("refuses a warm write-ahead log whose -shm the account may not write, and names the owner", () => {
    using place = testPlace();
    const open = asNobody(place);
    const path = join(place.state, "a.db");
    using database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode=wal; CREATE TABLE t (x)");
    expect(open(path)).toBe('COMPONENT_UNREADABLE Run Holdfast as "root", which owns the database, or as root');
    expect(open(place.state)).toMatch(/^COMPONENT_UNREADABLE /);
  });

  it("gives one live entry under the name that was declared", async () => {
    using place = testPlace();
    writeFileSync(join(place.state, "v2.bin"), "content");
    symlinkSync("v2.bin", join(place.state, "current"));
    const { entries, report } = await readBack(place.request({ path: join(place.state, "current"), exclude: ["x"] }));
    expect(entries).toMatchObject([{ head: { path: "current", type: "file", size: 7 }, content: { kind: "live", appending: false } }]);
    expect(report).toMatchObject({ source: "file", resolved_path: join(place.state, "v2.bin") });
    expect(report.warnings).toHaveLength(1);
  });

  it("leaves the unfinished line of a log that moves, and takes a quiet one whole", async () => {
    using place = testPlace();
    const path = join(place.state, "a.jsonl");
    writeFileSync(path, '{"a":1}\n{"b":');
    const now = 1_800_000_000;
    utimesSync(path, now, now - 1);
    const moving = await readBack(place.request({ path, now: now * 1000 }));
    expect(moving.bytes.get("a.jsonl")?.toString()).toBe('{"a":1}\n');
    expect(moving.entries[0]).toMatchObject({ head: { size: 8 }, content: { kind: "live", appending: true, span: { length: 8 } } });
    utimesSync(path, now, now - 3);
    const quiet = await readBack(place.request({ path, now: now * 1000 }));
    expect(quiet.bytes.get("a.jsonl")?.toString()).toBe('{"a":1}\n{"b":');
    writeFileSync(path, "no line ends here");
    expect((await readBack(place.request({ path }))).bytes.get("a.jsonl")?.toString()).toBe("no line ends here");
    // The end of the last line lies further back than one look reaches.
    writeFileSync(path, `first\n${"x".repeat(200_000)}`);
    expect((await readBack(place.request({ path }))).bytes.get("a.jsonl")?.toString()).toBe("first\n");
  });

  it("copies a single file under a pause", async () => {
    using place = testPlace();
    const path = join(place.state, "a.txt");
    writeFileSync(path, "before");
    const reading = await openReading(place.request({ path, cut: true }));
    rmSync(path);
    for await (const { content } of reading.entries()) expect(content).toMatchObject({ kind: "staged", spans: [{ length: 6 }] });
    await reading.confirm();
    await reading.close();
  });

  it("keeps the order of a reading: entries once, confirm() after their end", async () => {
    using place = testPlace();
    const reading = await openReading(place.request());
    await expect(reading.confirm()).rejects.toMatchObject({ code: "INTERNAL" });
    for await (const _ of reading.entries());
    await expect(reading.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "INTERNAL" });
    await reading.confirm();
    await reading.close();
    await reading.close();
  });
});
