import type { SqliteDetails } from "../../vault/index.ts";
import { firstBytes } from "../sniff.ts";
import type { CopyAnswer } from "./copy-protocol.ts";

const DAY = 86_400_000;

/** quick_check reads a whole database: at most once a day, and always after a complaint. */
export function checkIsDue(known: SqliteDetails | undefined, now: number): boolean {
  if (known === undefined || known.quick_checked_at === null) return true;
  if (known.quick_check !== "ok" && known.quick_check !== "skipped") return true;
  const age = now - Date.parse(known.quick_checked_at);
  // A check from the future is a clock that went backwards, and proves nothing.
  return !(age >= 0 && age < DAY);
}

export interface CopyToDescribe {
  readonly path: string;
  readonly answer: Pick<
    Extract<CopyAnswer, { ok: true }>,
    "pageSize" | "pages" | "userVersion" | "applicationId" | "schemaSha256" | "quickCheck" | "quickCheckProblem"
  >;
  readonly journalMode: SqliteDetails["journal_mode"];
  readonly read: SqliteDetails["read"];
  readonly checked: boolean;
  readonly known: SqliteDetails | undefined;
  readonly now: number;
}

/** The header travels with the first page of a copy: bytes 18 and 19 say 2 in WAL mode. */
export function journalModeOf(copy: string): SqliteDetails["journal_mode"] {
  return firstBytes(copy, 20)[18] === 2 ? "wal" : "rollback";
}

/** What a copy says of its database, and whether it is suspect. */
export function detailsOf(copy: CopyToDescribe): {
  readonly details: SqliteDetails;
  readonly suspect: boolean;
  readonly warnings: readonly string[];
} {
  const { answer } = copy;
  const warnings: string[] = [];
  const complaint = answer.quickCheck !== null && answer.quickCheck !== "ok" ? answer.quickCheck : undefined;
  if (complaint !== undefined) warnings.push(`"${copy.path}" is damaged, and was captured as it is: ${complaint}`);
  if (answer.schemaSha256 === null) warnings.push(`The schema of "${copy.path}" does not parse; the database was captured as it is`);
  if (answer.quickCheckProblem !== null) warnings.push(`quick_check cannot run on "${copy.path}": ${answer.quickCheckProblem}`);
  const ran = copy.checked && answer.quickCheck !== null;
  return {
    details: {
      page_size: answer.pageSize,
      pages: answer.pages,
      user_version: answer.userVersion,
      application_id: answer.applicationId,
      journal_mode: copy.journalMode,
      schema_sha256: answer.schemaSha256 ?? "unreadable",
      quick_check: answer.quickCheck ?? "skipped",
      quick_checked_at: ran ? new Date(copy.now).toISOString() : (copy.known?.quick_checked_at ?? null),
      read: copy.read,
    },
    suspect: complaint !== undefined || answer.schemaSha256 === null,
    warnings,
  };
}
