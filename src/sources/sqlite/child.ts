/**
 * The process that opens databases: each through SQLite and nothing else, because closing any other descriptor of a
 * database file drops every POSIX lock that this process holds on it. Requests come as JSON lines, one after the
 * other; when standard input ends, the engine is gone and so is this process.
 *
 * It never checkpoints, writes no page, and changes no pragma of a source.
 */
import { backup, DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { messageOf } from "../../kernel/index.ts";
import type { CopyAnswer, CopyRequest, WriteAnswer, WriteRequest } from "./copy-protocol.ts";
import { inNameOf } from "./in-name-of.ts";
import type { Span } from "../../vault/index.ts";
import { failureOf, numberOf, openImmutable, quickCheck, schemaSha256, seen } from "./inspect-database.ts";
import { writeSpans } from "./write-spans.ts";

type Step = Extract<CopyAnswer, { ok: false }>["step"];

/** Above every page count: at the default rate each commit of another process restarts the copy, and it never ends. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Opens the source and holds a snapshot of it. The read comes before the copy because backup() of a locked source
 * spins for ever, while a read gives up after the busy timeout.
 */
function openSource(request: CopyRequest): DatabaseSync {
  const database = request.cold
    ? openImmutable(request.path)
    : new DatabaseSync(request.path, { readOnly: true, timeout: request.busyTimeout });
  try {
    database.exec("BEGIN");
    database.prepare("PRAGMA user_version").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

async function copy(request: CopyRequest): Promise<CopyAnswer> {
  let step: Step = "open";
  try {
    const before = seen(request.path);
    if (!request.copied) {
      const source = inNameOf(request.as, () => openSource(request));
      step = "copy";
      try {
        await backup(source, request.target, { rate: ALL_PAGES });
      } finally {
        source.close();
      }
    }
    const after = seen(request.path);
    step = "inspect";
    const staged = openImmutable(request.target);
    try {
      return {
        ok: true,
        before,
        after,
        pageSize: numberOf(staged, "page_size"),
        pages: numberOf(staged, "page_count"),
        userVersion: numberOf(staged, "user_version"),
        applicationId: numberOf(staged, "application_id"),
        schemaSha256: schemaSha256(staged),
        ...(request.quickCheck ? quickCheck(staged) : { quickCheck: null, quickCheckProblem: null }),
      };
    } finally {
      staged.close();
    }
  } catch (error) {
    return { ok: false, ...failureOf(error), step };
  }
}

/** While no database is open here: files that are closed on the way take no lock along. */
function write({ spans, target }: WriteRequest): WriteAnswer {
  try {
    const bytes = spans.map((span): Span => {
      return span.kind === "zeros" ? span : { ...span, device: BigInt(span.device), inode: BigInt(span.inode) };
    });
    return { ok: true, written: writeSpans(bytes, target) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

process.umask(0o077);
const lines = createInterface({ input: process.stdin });
let working: Promise<void> = Promise.resolve();
lines.on("line", (line) => {
  working = working.then(async () => {
    const request = JSON.parse(line) as CopyRequest | WriteRequest;
    const answer = request.kind === "write" ? write(request) : await copy(request);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
});
// A copy under way is nobody's any more: the engine's staging folder goes with the engine.
lines.on("close", () => process.kill(process.pid, "SIGKILL"));
