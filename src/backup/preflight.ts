import { basename } from "node:path";
import { CaptureError, freeBytes, HoldfastError, HostError, formatBytes, lstatAt } from "../kernel/index.ts";
import { sniffKind } from "../sources/index.ts";
import { goodFor, type BackupHead, type Importance, type NotCaptured, type SourceKind } from "../vault/index.ts";
import { importanceOf, type ComponentPlan } from "./component-plan.ts";
import { hasFewLargeFiles } from "./few-large-files.ts";

/** A component that is there and will be read. */
export interface ReadyComponent {
  readonly plan: ComponentPlan;
  readonly kind: SourceKind;
  readonly importance: Importance;
  /** Newest backup that carries this component whole and not suspect. */
  readonly newestGood: BackupHead | undefined;
  /** Whether it is a tree of a few large files: said once, and held by for the whole backup. */
  readonly fewLarge: boolean;
}

export interface Preflight {
  readonly ready: readonly ReadyComponent[];
  readonly notCaptured: Readonly<Record<string, NotCaptured>>;
  readonly notes: readonly string[];
}

export interface PreflightContext {
  /** Newest first. */
  readonly known: readonly BackupHead[];
  readonly vaultPath: string;
  readonly now: number;
  /** What is missing is recorded, whatever its importance. */
  readonly salvage: boolean;
}

/** Declared sources exist, there is space to stage, the clock is sane: everything that can be known before a byte is copied. */
export function preflight(plans: readonly ComponentPlan[], { known, vaultPath, now, salvage }: PreflightContext): Preflight {
  const ready: ReadyComponent[] = [];
  const notCaptured: Record<string, NotCaptured> = {};
  const notes: string[] = [];
  for (const plan of plans) {
    const newestGood = known.find((head) => goodFor(head.manifest, plan.name));
    try {
      const kind = kindOf(plan);
      const fewLarge = kind === "tree" && hasFewLargeFiles(plan.name, plan.path, newestGood);
      ready.push({ plan, kind, importance: importanceOf(plan, kind), newestGood, fewLarge });
    } catch (error) {
      const failure =
        error instanceof HoldfastError
          ? error
          : new CaptureError("COMPONENT_UNREADABLE", `Cannot read component "${plan.name}": ${String(error)}`, { cause: error });
      if (plan.optional && failure.code === "COMPONENT_MISSING") {
        notes.push(`${plan.name}: not there, and optional`);
        continue;
      }
      notCaptured[plan.name] = refuseOrRecord(assumedImportance(plan, newestGood), failure, salvage);
    }
  }
  const newest = known[0];
  if (newest !== undefined && Date.parse(newest.manifest.timestamp) > now) {
    notes.push(`the clock says ${new Date(now).toISOString()}, and backup ${newest.id} is from later than that`);
  }
  checkStagingSpace(ready, vaultPath);
  return { ready, notCaptured, notes };
}

/** Critical, and no salvage: the error is thrown and no backup is made. Else it is recorded, and the backup is partial. */
export function refuseOrRecord(importance: Importance, failure: HoldfastError, salvage: boolean): NotCaptured {
  if ((importance === "critical" && !salvage) || failure.row.kind !== "capture") throw failure;
  return { importance, code: failure.code, reason: failure.message };
}

function kindOf(plan: ComponentPlan): SourceKind {
  if (plan.unresolved !== undefined) throw plan.unresolved;
  if (plan.command !== null) return "command";
  if (plan.path === null) throw new CaptureError("COMPONENT_PATH", `Component "${plan.name}" has no path`);
  if (lstatAt(plan.path) === undefined) {
    throw new CaptureError("COMPONENT_MISSING", `Component "${plan.name}" is not there: "${plan.path}"`, {
      hint: "Correct its path, or say `optional: true` when it may be missing",
    });
  }
  return plan.kind ?? sniffKind(plan.path);
}

/** What is missing has no kind to judge by: what it was in its newest good backup decides, else how its path looks. */
function assumedImportance(plan: ComponentPlan, newestGood: BackupHead | undefined): Importance {
  if (plan.importance !== undefined) return plan.importance;
  const before = newestGood?.manifest.component_details[plan.name];
  if (before !== undefined) return importanceOf(plan, before.source);
  if (plan.kind !== undefined) return importanceOf(plan, plan.kind);
  const looksLikeFile = plan.path !== null && basename(plan.path).includes(".");
  return plan.path === null || looksLikeFile ? "critical" : "high";
}

/** A staged database needs room for one copy beside the vault. */
function checkStagingSpace(ready: readonly ReadyComponent[], vaultPath: string): void {
  let needed = 0;
  for (const { kind, plan } of ready) {
    if (kind === "sqlite" && plan.path !== null) needed += Number(lstatAt(plan.path)?.size ?? 0n);
  }
  const free = freeBytes(vaultPath);
  if (needed > free) {
    throw new HostError(
      "NO_SPACE",
      `The vault's file system has ${formatBytes(free)} free, and copying the databases needs ${formatBytes(needed)}`,
      {
        hint: "Free space there, or move backup.path to a larger file system",
      },
    );
  }
}
