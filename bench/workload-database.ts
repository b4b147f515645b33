import { DatabaseSync } from "node:sqlite";
import { createProse, type Prose } from "./prose.ts";
import { createRandom, type Random } from "./random.ts";

export interface TableCounts {
  readonly messages: number;
  readonly embeddings: number;
  readonly audit: number;
}

/** float32 values in one embedding; one row fills most of a 4 KiB page, as it does in the field. */
const DIMENSIONS = 768;
const EPOCH = Date.UTC(2026, 0, 1);

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE messages (id INTEGER PRIMARY KEY, session INTEGER NOT NULL, role TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE INDEX messages_by_session ON messages (session, at);
  CREATE TABLE embeddings (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL);
  CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL);
`;
const ACTIONS = [
  "task.created",
  "task.claimed",
  "task.completed",
  "memory.written",
  "lease.granted",
  "lease.released",
  "budget.spent",
] as const;

/** Rows by table, one after another, from one stream of numbers; used by the first filling and by every activity step. */
export function createRowWriter(database: DatabaseSync, seed: number, label: string): RowWriter {
  const random = createRandom(seed, label);
  const prose = createProse(seed, random);
  const insertMessage = database.prepare("INSERT INTO messages (session, role, at, body) VALUES (?, ?, ?, ?)");
  const insertEmbedding = database.prepare("INSERT INTO embeddings (message, model, vector) VALUES (?, ?, ?)");
  const insertAudit = database.prepare("INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)");
  let time = EPOCH;
  const vector = new Float32Array(DIMENSIONS);
  const bytes = new Uint8Array(vector.buffer);
  return {
    message() {
      time += random.below(20_000);
      insertMessage.run(random.below(4000), random.below(3) === 0 ? "user" : "agent", time, prose.paragraph(random.between(150, 1400)));
    },
    embedding(message) {
      fillVector(vector, random);
      insertEmbedding.run(message, "embed-3-small", bytes);
    },
    audit() {
      time += random.below(8000);
      insertAudit.run(time, `agent-${random.below(30)}`, random.pick(ACTIONS), auditDetail(random, prose));
    },
    body: () => prose.paragraph(random.between(150, 1400)),
    random,
  };
}

export interface RowWriter {
  message(): void;
  embedding(message: number): void;
  audit(): void;
  /** The text of a message, for a row that is written again. */
  body(): string;
  readonly random: Random;
}

/** Near a normal distribution, so that exponents repeat and mantissas do not: as little to gain for a compressor as with real ones. */
function fillVector(vector: Float32Array, random: Random): void {
  for (let index = 0; index < vector.length; index += 1) {
    const sum = random.bits() + random.bits() + random.bits();
    vector[index] = (sum / 4_294_967_296 - 1.5) * 0.07;
  }
}

function auditDetail(random: Random, prose: Prose): string {
  const id = (random.bits().toString(16) + random.bits().toString(16)).padStart(16, "0");
  return JSON.stringify({ task: id, tokens: random.below(9000), millis: random.below(60_000), reason: prose.sentence() });
}

/**
 * What comes between two looks at the size. By pages about 40 % are messages, 45 % embeddings and 15 % audit, and they lie mixed,
 * as in a database that grew: one that was filled table by table, or vacuumed, keeps what changes together.
 */
const TURN = { messages: 11, embeddings: 3, audit: 20 } as const;

/**
 * Fills a new database until it has `bytes` bytes, in one transaction, and leaves it in WAL mode.
 * Pages are counted, not rows: the size is exact to one turn whatever the words came to.
 */
export function makeDatabase(path: string, seed: number, bytes: number): TableCounts {
  const database = new DatabaseSync(path);
  try {
    // Nothing of it is worth keeping when the machine dies now: the workload's record is written last.
    database.exec("PRAGMA page_size = 4096; PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA cache_size = -65536");
    database.exec(SCHEMA);
    const writer = createRowWriter(database, seed, "database");
    const pageCount = database.prepare("PRAGMA page_count");
    const pages = (): number => Number(pageCount.get()?.["page_count"]);
    const target = Math.floor(bytes / 4096);
    const counts = { messages: 0, embeddings: 0, audit: 0 };
    database.exec("BEGIN");
    database.prepare("INSERT INTO meta VALUES ('purpose', 'bench')").run();
    while (pages() < target) {
      for (let row = 0; row < TURN.messages; row += 1) writer.message();
      counts.messages += TURN.messages;
      for (let row = 0; row < TURN.embeddings; row += 1) writer.embedding(1 + writer.random.below(counts.messages));
      counts.embeddings += TURN.embeddings;
      for (let row = 0; row < TURN.audit; row += 1) writer.audit();
      counts.audit += TURN.audit;
    }
    database.exec("COMMIT");
    database.exec("PRAGMA journal_mode = wal");
    return counts;
  } finally {
    database.close();
  }
}

export function countRows(path: string): TableCounts {
  const database = new DatabaseSync(path);
  try {
    const count = (table: string): number => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
    return { messages: count("messages"), embeddings: count("embeddings"), audit: count("audit") };
  } finally {
    database.close();
  }
}
