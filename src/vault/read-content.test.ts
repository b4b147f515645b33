import { spawn } from "node:child_process";
import { createHash, hash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { describe, expect, it } from "vitest";
import { mountAt } from "../../test/support/mount.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { readContent, type ContentEnd, type ContentStep, type LiveFacts } from "./read-content.ts";
import type { Content, Span } from "./span.ts";

type Live = Extract<Content, { kind: "live" }>;

function live(path: string, appending = false): Live {
  const stats = statSync(path, { bigint: true });
  return { kind: "live", span: spanOf(path), mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, appending };
}

function spanOf(path: string): Span & { kind: "file" } {
  const stats = statSync(path, { bigint: true });
  return { kind: "file", path, device: stats.dev, inode: stats.ino, offset: 0, length: Number(stats.size) };
}

interface Result {
  readonly end: ContentEnd;
  readonly bytes: string;
  readonly size: number;
  readonly begins: number;
  readonly facts: LiveFacts | undefined;
}

/** Reads to the end; `between` runs before each step after the first. */
function read(content: Live | Extract<Content, { kind: "staged" }>, between: (step: number) => void = () => {}, buffer = 16): Result {
  const steps = readContent(content, Buffer.alloc(buffer));
  let bytes = "";
  let size = -1;
  let begins = 0;
  let facts: LiveFacts | undefined;
  for (let count = 0; ; count += 1) {
    if (count > 0) between(count);
    const next: IteratorResult<ContentStep, ContentEnd> = steps.next();
    if (next.done === true) return { end: next.value, bytes, size, begins, facts };
    if (next.value.step === "begin") {
      ({ size, facts } = next.value);
      begins += 1;
      bytes = "";
    } else bytes += Buffer.from(next.value.bytes).toString();
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What every stored result promises: header, bytes and hash agree. */
function stored(content: string, change?: string): unknown {
  return expect.objectContaining({
    bytes: content,
    size: content.length,
    end: { stored: true, size: content.length, sha256: sha256(content), change },
  });
}

/** Renames a folder to and fro, some thousand times a second. */
const MOVE_TO_AND_FRO = `
const [, here, there] = process.argv;
const still = new Int32Array(new SharedArrayBuffer(4));
for (let [from, to] = [here, there]; ; [from, to] = [to, from]) {
  require("node:fs").renameSync(from, to);
  Atomics.wait(still, 0, 0, 0.3);
}`;
const LONG = "0123456789".repeat(10);

describe("readContent() of a live file", () => {
  it.each([
    ["fits the buffer", 1024],
    ["does not fit the buffer", 16],
  ])("gives a quiet file that %s", (_, buffer) => {
    using folder = temporaryFolder();
    for (const content of ["", "short", LONG]) {
      writeFileSync(folder.join("f"), content);
      expect(read(live(folder.join("f")), undefined, buffer)).toEqual(stored(content));
    }
  });

  it.each([1, 15, 16, 17, 32, 40])("tells the hash of a front of %i bytes beside that of the whole", (front) => {
    using folder = temporaryFolder();
    const content = "0123456789".repeat(4);
    writeFileSync(folder.join("f"), content);
    const steps = readContent(live(folder.join("f")), Buffer.alloc(16), front);
    let next = steps.next();
    while (next.done !== true) next = steps.next();
    expect(next.value).toMatchObject({ sha256: hash("sha256", content), front: hash("sha256", content.slice(0, front)) });
  });

  it("stores the size seen at open of a file that grows, and says so", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    expect(read(live(folder.join("f")), () => appendFileSync(folder.join("f"), "more"))).toEqual(stored(LONG, "grew"));
  });

  it("reads a file again that changed in place, and gives the new state", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    const other = LONG.replaceAll("0", "x");
    const result = read(live(folder.join("f")), (step) => {
      if (step === 3) writeFileSync(folder.join("f"), other);
    });
    expect(result).toEqual(stored(other));
    expect(result.begins).toBe(2);
  });

  it("notices a change that has the same time as the one before, because a file system's clock stands still for milliseconds", (test) => {
    using folder = temporaryFolder();
    // Of the file systems that newer kernels know, one whose times have remained as coarse as all were before.
    using _ = mountAt(folder.path, ["-t", "ramfs", "holdfast-test"], test);
    const path = folder.join("f");
    for (let n = 0; n < 100; n += 1) {
      writeFileSync(path, LONG);
      const before = live(path);
      const descriptor = openSync(path, "r+");
      const result = read(before, (step) => {
        if (step === 4) writeSync(descriptor, "x".repeat(LONG.length), 0);
      });
      closeSync(descriptor);
      expect(result).toEqual(stored("x".repeat(LONG.length)));
    }
  });

  it("stores as read what changes every time, and says rewritten", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    let round = 0;
    const result = read(live(folder.join("f")), (step) => {
      if (step % 3 !== 0) return;
      const descriptor = openSync(folder.join("f"), "r+");
      writeFileSync(descriptor, String((round += 1)).padEnd(LONG.length, "y"));
      closeSync(descriptor);
    });
    expect(result.end).toMatchObject({ stored: true, change: "rewritten", sha256: sha256(result.bytes), size: LONG.length });
    expect(result.begins).toBe(4);
  });

  it("does not call it grown when the prefix changed as well", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    const longer = `${LONG.replaceAll("1", "z")}tail`;
    const result = read(live(folder.join("f")), (step) => {
      if (step === 4) writeFileSync(folder.join("f"), longer);
    });
    expect(result).toEqual(stored(longer));
  });

  it("gives a shrunk file with its new size", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    const result = read(live(folder.join("f")), (step) => {
      if (step === 2) truncateSync(folder.join("f"), 37);
    });
    expect(result).toEqual(stored(LONG.slice(0, 37)));
  });

  it("does not store a file that shrinks every time", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    let size = LONG.length;
    const result = read(live(folder.join("f")), () => truncateSync(folder.join("f"), (size = Math.max(17, size - 5))), 16);
    expect(result.end).toMatchObject({ stored: false });
  });

  it("reads the file that took the name of another one", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    const content = live(folder.join("f"));
    writeFileSync(folder.join("new"), "the new one");
    renameSync(folder.join("new"), folder.join("f"));
    expect(read(content)).toEqual(stored("the new one", "replaced"));
  });

  it("reads the file that took the name while it was read", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    writeFileSync(folder.join("new"), `new ${LONG}`);
    const result = read(live(folder.join("f")), (step) => {
      if (step === 3) renameSync(folder.join("new"), folder.join("f"));
    });
    expect(result).toEqual(stored(`new ${LONG}`, "replaced"));
  });

  it("does not mistake changed permissions for a changed content", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), LONG);
    const result = read(live(folder.join("f")), (step) => {
      if (step === 3) chmodSync(folder.join("f"), 0o640);
    });
    expect(result).toEqual(stored(LONG));
    expect(result.facts?.mode).toBe(0o640);
  });

  it("keeps the end that was chosen for a log, and takes everything of another file that moved since it was seen", () => {
    using folder = temporaryFolder();
    for (const appending of [true, false]) {
      writeFileSync(folder.join("f"), "line 1\nline 2\nli");
      const seen = live(folder.join("f"), appending);
      const cut = { ...seen, span: { ...seen.span, length: 14 } };
      expect(read(cut)).toEqual(stored("line 1\nline 2\n"));
      appendFileSync(folder.join("f"), "ne 3\n");
      expect(read(cut)).toEqual(stored(appending ? "line 1\nline 2\n" : "line 1\nline 2\nline 3\n", appending ? "grew" : undefined));
    }
  });

  it("takes mode, owner and time from the file whose bytes it gives", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("f"), "one");
    const content = live(folder.join("f"));
    writeFileSync(folder.join("f"), "three", { mode: 0o600 });
    utimesSync(folder.join("f"), 1000, 1234.5);
    const { facts, size } = read(content);
    expect([facts?.mtimeNs, size]).toEqual([1_234_500_000_000n, 5]);
  });

  it("reports what vanished, and what is no file any more", () => {
    using folder = temporaryFolder();
    const path = folder.join("f");
    writeFileSync(path, LONG);
    const content = live(path);
    rmSync(path);
    expect(read(content).end).toEqual({ stored: false, reason: "vanished" });
    symlinkSync("/etc/hostname", path);
    expect(read(content).end).toEqual({ stored: false, reason: "vanished" });
    rmSync(path);
    mkdirSync(path);
    expect(read(content).end).toEqual({ stored: false, reason: "vanished" });
  });

  it("calls a file vanished, and not led astray, whose folder goes back and forth between two names", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("here"));
    writeFileSync(folder.join("here", "file"), "inside");
    const content = live(folder.join("here", "file"));
    const [here, there] = [folder.join("here"), folder.join("there")];
    const mover = spawn(process.execPath, ["-e", MOVE_TO_AND_FRO, here, there], { stdio: ["ignore", "inherit", "inherit"] });
    const ends = new Map<string, number>();
    for (let n = 0; n < 20_000 || !ends.has('"vanished"'); n += 1) {
      const { end } = read(content);
      const told = end.stored ? "stored" : JSON.stringify(end.reason);
      ends.set(told, (ends.get(told) ?? 0) + 1);
    }
    expect(mover.exitCode).toBe(null);
    mover.kill("SIGKILL");
    await once(mover, "close");
    expect([...ends.keys()].toSorted()).toEqual(['"vanished"', "stored"]);
  });
});

describe("readContent() of a private copy", () => {
  it("joins spans of files and zeros", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), LONG);
    writeFileSync(folder.join("b"), "tail");
    const a = spanOf(folder.join("a"));
    const spans: Span[] = [
      { ...a, offset: 5, length: 40 },
      { kind: "zeros", length: 33 },
      spanOf(folder.join("b")),
      { ...a, offset: 0, length: 3 },
    ];
    const expected = `${LONG.slice(5, 45)}${"\0".repeat(33)}tail012`;
    expect(read({ kind: "staged", spans, movable: false })).toEqual(stored(expected));
  });

  it("refuses a copy that was replaced, linked, cut off or taken away", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    const damage: readonly (() => void)[] = [
      () => {
        copyFileSync(path, folder.join("b"));
        renameSync(folder.join("b"), path);
      },
      () => {
        renameSync(path, folder.join("b"));
        symlinkSync("b", path);
      },
      () => {
        const descriptor = openSync(path, "r+");
        ftruncateSync(descriptor, 50);
        closeSync(descriptor);
      },
      () => rmSync(path),
    ];
    for (const harm of damage) {
      rmSync(path, { force: true });
      writeFileSync(path, LONG);
      const content: Content = { kind: "staged", spans: [spanOf(path)], movable: true };
      harm();
      expect(() => read(content)).toThrow(expect.objectContaining({ code: "COMPONENT_MOVED" }));
    }
  });
});
