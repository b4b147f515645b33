import { CaptureError } from "../../kernel/index.ts";
import type { Reading, SqliteDetails } from "../../vault/index.ts";
import { headOf } from "../head.ts";
import type { Notes } from "../notes.ts";
import { readingOf } from "../reading-of.ts";
import type { ReadingRequest } from "../reading-request.ts";
import type { Root } from "../root.ts";
import { BUSY_TIMEOUT } from "./busy-timeout.ts";
import { pinTrouble } from "./confirm-pin.ts";
import type { Checked } from "./inspect-database.ts";
import { PIN_BOUNDS } from "./pin-bounds.ts";
import { pinDatabase, type PinnedDatabase } from "./pin-database.ts";
import { checkIsDue, detailsOf } from "./sqlite-details.ts";

const UNCHECKED: Checked = { quickCheck: null, quickCheckProblem: null };

/**
 * A database that lies where it lies, with a process that holds one committed state of it until this is closed or its time
 * is up. What was stored of it is good when confirm() passes, and void otherwise.
 *
 * @returns undefined when it is not to be read so, or cannot be: then it is staged
 */
export async function pinnedReading(root: Root, request: ReadingRequest, notes: Notes): Promise<Reading | undefined> {
  if ((request.read !== "pinned" && request.read !== "held") || request.cut || (request.raw ?? false) !== false) return undefined;
  const bounds = request.pinBounds ?? PIN_BOUNDS;
  const compared = request.quickCheckBefore?.has(root.name) === true;
  const pinned = await pinDatabase({
    path: root.real,
    busyTimeout: request.busyTimeout ?? BUSY_TIMEOUT,
    // With a rollback journal writers would wait until all of it is stored.
    modes: request.read === "held" ? ["wal"] : ["wal", "cold"],
    bounds: compared ? bounds : { ...bounds, largest: bounds.largestNew },
    signal: request.signal,
  });
  if (pinned === undefined) return undefined;
  for (const warning of pinned.warnings) notes.warn(warning);
  return readingUnder(new Pin(pinned, root), root, request, notes);
}

function readingUnder(pin: Pin, root: Root, request: ReadingRequest, notes: Notes): Reading {
  const { answer, cold, look, spans, stats } = pin.database;
  const { pageSize, pages, userVersion, applicationId, schemaSha256 } = answer;
  const known = request.quickCheckBefore?.get(root.name);
  const due = checkIsDue(known, request.now);
  const describe = (checked: Checked): ReturnType<typeof detailsOf> =>
    detailsOf({
      path: root.real,
      answer: { pageSize, pages, userVersion, applicationId, schemaSha256, ...checked },
      journalMode: "wal",
      read: cold === null ? "pinned" : "cold",
      checked: due,
      known,
      now: request.now,
    });
  let details: SqliteDetails = describe(UNCHECKED).details;
  const { sparse: _, ...head } = headOf(root.name, "file", stats);
  return readingOf({
    signal: request.signal,
    *entries() {
      yield {
        head: { ...head, size: pages * pageSize, database: true },
        content: { kind: "staged", spans, movable: false, ...(look === undefined ? {} : { look }) },
      };
      // Beside the storing, which is under way by now.
      if (due) pin.check();
    },
    query: (sql) => pin.query(sql),
    lost: () => pin.expired(),
    async confirm() {
      const learned = describe(await pin.confirm());
      for (const warning of learned.warnings) notes.warn(warning);
      if (learned.suspect) notes.suspect();
      ({ details } = learned);
    },
    report: () => ({ source: "sqlite", resolved_path: root.real, sqlite: details, ...notes.result() }),
    close: () => pin.end(),
  });
}

/** The time that a snapshot is held, and what is asked of it. */
class Pin {
  readonly database: PinnedDatabase;
  readonly #path: string;
  #checked: Promise<Checked | undefined> = Promise.resolve(UNCHECKED);

  constructor(database: PinnedDatabase, root: Root) {
    this.database = database;
    this.#path = root.path;
  }

  check(): void {
    this.#checked = this.database.snapshot.ask({ kind: "check" }).then((answer) => (answer?.ok === true ? answer : undefined));
  }

  async query(sql: string): Promise<unknown> {
    const answer = await this.database.snapshot.ask({ kind: "ask", sql });
    if (answer === undefined) throw this.#lost("the process that held its snapshot has ended");
    if (!answer.ok) throw new Error(answer.message);
    return answer.value;
  }

  /** @throws CaptureError COMPONENT_MOVED when what was taken of it must be thrown away */
  async confirm(): Promise<Checked> {
    const checked = await this.#checked;
    const trouble = await pinTrouble(this.database);
    if (trouble !== undefined) throw this.#lost(trouble);
    if (checked === undefined) throw this.#lost("it could not be checked");
    return checked;
  }

  expired(): CaptureError | undefined {
    return this.database.watch.expired() ? this.#lost("") : undefined;
  }

  #lost(why: string): CaptureError {
    const expired = this.database.watch.expired();
    const reason = expired ? "its snapshot was held for as long as it may be" : why;
    return new CaptureError("COMPONENT_MOVED", `What was read of "${this.#path}" cannot be used: ${reason}`, {
      details: { pin: expired ? "expired" : "lost" },
      hint: 'Set "read: staged" for it when this happens again',
    });
  }

  async end(): Promise<void> {
    this.database.watch[Symbol.dispose]();
    await this.database.snapshot.end();
  }
}
