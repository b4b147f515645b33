import { PREFIX, type PlanDocument, type PlanRequest, type RestoreReport, type UndoReport } from "../../contract/index.ts";
import { describeDecision, prune, show, type PruneReport, type RestorePlan } from "../../operations/index.ts";
import type { HandlersOf } from "../handler.ts";

export const restoreHandlers: HandlersOf<"restore" | "planRestore" | "undoRestore" | "showRetention" | "prune"> = {
  restore: async ({ runs, instance }, { body }) => {
    const { backup_id, force = false, wait = true } = body;
    // Whether it is there is told at once, also to who does not wait.
    await show(instance(), backup_id);
    const args = ["restore", backup_id, "--yes", ...choice(body), ...(force ? ["--force"] : [])];
    const run = runs.start({ kind: "restore", args, urgent: true, backupId: backup_id, finish: restored });
    if (!wait) return { status: 202, body: { run_id: run.run_id }, headers: { location: `${PREFIX}/runs/${run.run_id}` } };
    return { status: 200, body: await run.done };
  },

  planRestore: async ({ readings, instance }, { body, signal }) => {
    const { id } = await show(instance(), body.backup_id);
    const document = await readings.run(["restore", id, "--dry-run", ...choice(body)], signal);
    return { status: 200, body: planOf(id, document as unknown as RestorePlan) };
  },

  undoRestore: async ({ runs }, { body: { restore_id, force = false, restart = true } }) => {
    const args = [
      "restore",
      restore_id === undefined ? "--undo" : `--undo=${restore_id}`,
      "--yes",
      ...(force ? ["--force"] : []),
      ...(restart ? [] : ["--no-restart"]),
    ];
    const finish = (document: Readonly<Record<string, unknown>>, run_id: string): UndoReport => {
      const { id, restore, components, warnings } = document as unknown as UndoneDocument;
      return { run_id, backup_id: id, restore_id: restore, components, warnings };
    };
    return { status: 200, body: await runs.start({ kind: "undo", args, urgent: true, finish }).done };
  },

  showRetention: async ({ instance }) => {
    const { decisions, removed, standsDown } = await prune(instance(), { dryRun: true });
    return { status: 200, body: { decisions: decisions.map(decisionOf), removed, stands_down: standsDown } };
  },

  prune: async ({ runs }, { body: { wait = false } }) => {
    const run = runs.start({
      kind: "prune",
      args: ["prune"],
      urgent: wait,
      finish: (document, run_id) => {
        const { decisions, removed, swept, standsDown, notes } = document as unknown as PruneReport;
        return { run_id, decisions: decisions.map(decisionOf), removed, swept, stands_down: standsDown, notes };
      },
    });
    if (!wait) return { status: 202, body: { run_id: run.run_id }, headers: { location: `${PREFIX}/runs/${run.run_id}` } };
    return { status: 200, body: await run.done };
  },
};

/** Values stand in the same word as their option, so that none is taken for an option. */
function choice({ components = [], paths = [], restart = true }: PlanRequest): string[] {
  return [
    ...components.map((name) => `--component=${name}`),
    ...paths.map((glob) => `--path=${glob}`),
    ...(restart ? [] : ["--no-restart"]),
  ];
}

function decisionOf(decision: PruneReport["decisions"][number]): { id: string; keep: boolean; reason: string } {
  return { id: decision.id, keep: decision.keep, reason: describeDecision(decision) };
}

function planOf(backup_id: string, { components, refusals, warnings }: RestorePlan): PlanDocument {
  return {
    backup_id,
    components: components.map(({ component, how, target, entries, bytes, moves, untouched }) => ({
      component,
      how,
      target,
      entries,
      bytes,
      moves: moves.length,
      untouched,
    })),
    refusals,
    warnings,
  };
}

/** What `holdfast restore --json` prints. */
interface RestoredDocument {
  readonly id: string;
  readonly restore: string;
  readonly safety: string | null;
  readonly runtime: "none declared" | "left alone" | "stopped and started";
  readonly checks: RestoreReport["checks"];
  readonly warnings: readonly string[];
  readonly plan: RestorePlan;
}

interface UndoneDocument {
  readonly id: string;
  readonly restore: string;
  readonly components: readonly string[];
  readonly warnings: readonly string[];
}

function restored(document: Readonly<Record<string, unknown>>, run_id: string): RestoreReport {
  const { id, restore, safety, runtime, checks, warnings, plan } = document as unknown as RestoredDocument;
  return {
    run_id,
    backup_id: id,
    restore_id: restore,
    safety_backup_id: safety,
    restart_required: runtime !== "stopped and started",
    components: plan.components.map(({ component, how, target, entries, bytes }) => ({ component, how, target, entries, bytes })),
    checks,
    warnings,
  };
}
