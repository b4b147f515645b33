import type { CopyRequest, Seen } from "./copy-protocol.ts";
import type { WalIndex } from "./wal-index.ts";

/**
 * What holds a database still. "wal": the mark of a reader in its log; writers go on. "rollback": the lock of a reader; writers wait.
 * "cold": nothing does, and it is one committed state for as long as nobody has opened it.
 */
export type PinMode = "wal" | "rollback" | "cold";

/** What the engine asks of the child that holds a snapshot: one JSON line each way. "pin" comes first, and not again once it was done. */
export type PinRequest =
  | ({ readonly kind: "pin"; readonly mode: PinMode } & Pick<CopyRequest, "path" | "busyTimeout" | "as">)
  /** One number by SQL, out of the snapshot. */
  | { readonly kind: "ask"; readonly sql: string }
  | { readonly kind: "check" }
  /** Whether the snapshot has been held all the time. */
  | { readonly kind: "held" };

interface Failed {
  readonly ok: false;
  readonly sqlite: number | null;
  readonly errno: string | null;
  readonly message: string;
}

export interface Pinned {
  readonly ok: true;
  /** By stat of the path, before it was opened and while the transaction is held. */
  readonly before: Seen;
  readonly after: Seen;
  readonly pageSize: number;
  readonly pages: number;
  /** Of the log that the transaction sees; null where the file alone is the database. */
  readonly index: WalIndex | null;
  readonly userVersion: number;
  readonly applicationId: number;
  readonly schemaSha256: string | null;
}

export interface PinAnswers {
  readonly pin: Pinned | Failed;
  readonly ask: { readonly ok: true; readonly value: unknown } | Failed;
  readonly check: { readonly ok: true; readonly quickCheck: string | null; readonly quickCheckProblem: string | null } | Failed;
  readonly held: { readonly ok: true } | Failed;
}

export type PinAnswer = PinAnswers[PinRequest["kind"]];
