import type { DiffDocument, SearchResult } from "../../src/contract/index.ts";
import type {
  BackupResult,
  DoctorReport,
  EngineRun,
  InPlaceReport,
  PruneReport,
  RestorePlan,
  UndoReport,
  VerifiedSample,
  VerifyReport,
} from "../../src/operations/index.ts";

type Document = Readonly<Record<string, unknown>>;

/** An engine whose commands all succeed on one backup, with documents of the shape that they print with --json. */
export function answeringEngine(id: string): (run: EngineRun) => Promise<Document> {
  const plan: RestorePlan = {
    backup: id,
    components: [
      {
        component: "memory",
        how: "rename",
        target: "/srv/acme/memory",
        recorded: null,
        moves: [{ component: "memory", how: "rename", live: "/srv/acme/memory", takesAway: true, entry: ".", beside: "/srv/acme" }],
        folders: [],
        untouched: [{ path: "cache", reason: "it is excluded" }],
        entries: 2,
        bytes: 3,
      },
    ],
    refusals: [{ component: null, reason: "it is in use", hint: "Stop it", overridable: true }],
    warnings: ["a clock was set back"],
  };
  const backup: BackupResult = {
    schema: "holdfast.backup/1",
    id,
    status: "partial",
    sequence: 1,
    timestamp: "2026-03-15T00:01:00Z",
    trigger: "manual",
    location: `/vault/${id}`,
    size_bytes: 3,
    stored_bytes: 3,
    components: [{ name: "memory", good: true, bytes: 3, entries: 2 }],
    not_captured: [{ name: "logs", code: "COMPONENT_MISSING", reason: "it is not there" }],
    alarms: ["smaller by half"],
    warnings: ["a file changed"],
  };
  const restored: Omit<InPlaceReport, "head" | "files"> & { readonly restore: string } = {
    id,
    restore: "2026-03-15T00-02-00-0a1b2c",
    safety: null,
    runtime: "none declared",
    health: null,
    bytes: 3,
    plan,
    checks: [{ name: "health", complaint: null, damaged: false }],
    warnings: [],
  };
  const undone: Omit<UndoReport, "undone"> & { readonly restore: string; readonly components: readonly string[] } = {
    id,
    restore: restored.restore,
    health: null,
    components: ["memory"],
    warnings: [],
  };
  const pruned: PruneReport = {
    decisions: [{ id, keep: true, reasons: [{ component: null, why: "newest" }] }],
    removed: [],
    freed: null,
    swept: [],
    standsDown: null,
    notes: [],
  };
  const verified: VerifyReport = { results: [{ id, ok: true, entries: 2, bytes: 3, problem: null }], vault: [] };
  const sample: VerifiedSample = {
    of: "packs",
    read: 1,
    bytes: 3,
    total: 2,
    totalBytes: 6,
    unread: 1,
    oldest: null,
    verified: 0,
    backups: 1,
  };
  const doctor: DoctorReport = {
    healthy: true,
    counts: { ok: 1, warning: 0, problem: 0, unknown: 0 },
    findings: [{ check: "node", subject: null, verdict: "ok", seen: "it is new enough", todo: null }],
  };
  const compared: DiffDocument = {
    before: id,
    after: "live state",
    differences: [{ path: "memory/a.md", change: "added", bytesBefore: null, bytesAfter: 3 }],
  };
  const found: Pick<SearchResult, "found"> = {
    found: [{ backup: id, path: "memory/a.md", type: "file", size: 3, mtime_ns: "0", sha256: null, pages_sha256: null }],
  };
  const documents: Readonly<Record<string, object>> = { verify: verified, prune: pruned, doctor, diff: compared, find: found };
  return async ({ args: [command = "", ...args], onEvent, signal }) => {
    signal?.throwIfAborted();
    if (command === "backup" && args[0] === "create") {
      onEvent?.({ event: "begin", id });
      onEvent?.({ event: "progress", phase: "capture", component: "memory", bytes: 1, expected: null });
      return backup as unknown as Document;
    }
    if (command === "verify" && args.includes("--sample")) return { ...verified, sample };
    if (command === "backup") return { schema: "holdfast.removed/1", id: args[1] };
    if (command === "restore" && args.includes("--dry-run")) return { id, ...plan };
    if (command === "restore") return { ...(args[0]?.startsWith("--undo") === true ? undone : restored) };
    const document = documents[command];
    if (document === undefined) throw new Error(`Nothing is made up for ${command}`);
    return document as Document;
  };
}
