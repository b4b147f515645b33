import assert from "node:assert/strict";
import { closeSync, constants, fstatSync, openSync, readdirSync } from "node:fs";
import type { Content, Reading, ReadingEntry, Span } from "../vault/index.ts";

/** The two functions of a test runner that a contract needs; those of node:test and of vitest fit. */
export interface ContractRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** One source with something in it, that a contract may open again and again. */
export interface SourceSubject extends AsyncDisposable {
  /** A fresh reading of the same source. */
  open(signal?: AbortSignal): Promise<Reading>;
  /** Where its private copies lie; nothing else is in that folder. */
  readonly staging: string;
}

/**
 * What every source promises to a vault, as tests. A subject is made for each test and disposed of after it.
 *
 * @example sourceContract({ describe, it }, "tree", async () => new TreeSubject())
 */
export function sourceContract(runner: ContractRunner, name: string, makeSubject: () => Promise<SourceSubject>): void {
  const it = (promise: string, body: (subject: SourceSubject) => Promise<void>): void => {
    runner.it(promise, async () => {
      await using subject = await makeSubject();
      await body(subject);
    });
  };
  runner.describe(`source contract: ${name}`, () => {
    it("gives at least one entry, each path once, a folder before what is in it", async (subject) => {
      const entries = await read(subject);
      assert.ok(entries.length > 0, "no entry was given");
      assertOrder(entries.map(({ head }) => head.path));
    });

    it("says of every entry what a manifest needs", async (subject) => {
      for (const { head, content } of await read(subject)) {
        assert.match(head.mtime_ns, /^-?\d+$/);
        assert.equal(head.mode & ~0o7777, 0);
        assert.ok(Number.isSafeInteger(head.size) && head.size >= 0);
        assert.equal(head.type === "symlink", head.target !== undefined);
        if (head.type !== "file" || head.hard_link !== undefined) assert.equal(content.kind, "none");
        else assert.notEqual(content.kind, "none");
        if (content.kind === "none") assert.equal(head.size, 0);
      }
    });

    it("gives hard links the path of an entry that came before", async (subject) => {
      const before = new Set<string>();
      for (const { head } of await read(subject)) {
        if (head.hard_link !== undefined) assert.ok(before.has(head.hard_link), `${head.path} links to ${head.hard_link}`);
        before.add(head.path);
      }
    });

    it("gives spans that open to the declared file and hold the declared bytes", async (subject) => {
      const reading = await subject.open();
      try {
        for await (const { head, content } of reading.entries()) {
          const spans = spansOf(content);
          spans.forEach(assertSpan);
          if (spans.length > 0)
            assert.equal(
              head.size,
              spans.reduce((sum, span) => sum + span.length, 0),
            );
          if (content.kind === "stream") for await (const _ of content.open());
        }
        await reading.confirm();
      } finally {
        await reading.close();
      }
    });

    it("refuses confirm() before its entries have ended", async (subject) => {
      const reading = await subject.open();
      try {
        await assert.rejects(reading.confirm());
      } finally {
        await reading.close();
      }
    });

    it("has a complete report after confirm()", async (subject) => {
      const reading = await subject.open();
      try {
        await consume(reading);
        await reading.confirm();
        const report = reading.report();
        assert.equal(report.source === "command", report.resolved_path === null);
        assert.equal(typeof report.suspect, "boolean");
        for (const omission of report.omissions) assert.ok(omission.path !== "" && omission.reason !== "");
        assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
      } finally {
        await reading.close();
      }
    });

    it("removes its copies when it is closed, read or not, once or twice", async (subject) => {
      const whole = await subject.open();
      await consume(whole);
      await whole.close();
      await whole.close();
      assert.deepEqual(readdirSync(subject.staging), []);
      const unread = await subject.open();
      await unread.close();
      assert.deepEqual(readdirSync(subject.staging), []);
    });

    it("ends when its signal is given", async (subject) => {
      const controller = new AbortController();
      const reading = await subject.open(controller.signal);
      try {
        controller.abort();
        await assert.rejects(consume(reading));
        await assert.rejects(reading.confirm());
      } finally {
        await reading.close();
      }
      await assert.rejects(subject.open(controller.signal));
      assert.deepEqual(readdirSync(subject.staging), []);
    });
  });
}

async function read(subject: SourceSubject): Promise<readonly ReadingEntry[]> {
  const reading = await subject.open();
  try {
    const entries = await consume(reading);
    await reading.confirm();
    return entries;
  } finally {
    await reading.close();
  }
}

async function consume(reading: Reading): Promise<readonly ReadingEntry[]> {
  const entries: ReadingEntry[] = [];
  for await (const entry of reading.entries()) {
    entries.push(entry);
    if (entry.content.kind === "stream") for await (const _ of entry.content.open());
  }
  return entries;
}

function assertOrder(paths: readonly string[]): void {
  const names = (path: string): readonly string[] => (path === "." ? [] : path.split("/"));
  for (const [index, path] of paths.entries()) {
    assert.doesNotMatch(path, /^\/|\/$|\/\/|(^|\/)\.\.(\/|$)|\0/);
    const previous = paths[index - 1];
    if (previous !== undefined) assert.ok(compareNames(names(previous), names(path)) < 0, `"${previous}" comes before "${path}"`);
    const parent = path.lastIndexOf("/");
    if (parent !== -1) assert.ok(paths.lastIndexOf(path.slice(0, parent), index) !== -1, `the folder of "${path}" comes before it`);
  }
}

function compareNames(a: readonly string[], b: readonly string[]): number {
  for (const [index, name] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = Buffer.compare(Buffer.from(name), Buffer.from(other));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function spansOf(content: Content): readonly Span[] {
  if (content.kind === "staged") return content.spans;
  return content.kind === "live" ? [content.span] : [];
}

function assertSpan(span: Span): void {
  assert.ok(Number.isSafeInteger(span.length) && span.length >= 0);
  if (span.kind === "zeros") return;
  const descriptor = openSync(span.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    assert.equal(stats.dev, span.device);
    assert.equal(stats.ino, span.inode);
    assert.ok(stats.size >= BigInt(span.offset + span.length));
  } finally {
    closeSync(descriptor);
  }
}
