import { PREFIX, type LifecycleReport } from "../../contract/index.ts";
import { beforeMigration, MIGRATION_WAIT, shutdown, startup, type Instance, type LifecycleBackup } from "../../operations/index.ts";
import type { HandlersOf, Parts } from "../handler.ts";
import { problemOf } from "../problem-of.ts";

// A client that hangs up gives up nothing: its runtime may have ended, which is no reason to have no backup of it.
export const lifecycleHandlers: HandlersOf<"startup" | "shutdown" | "beforeMigration"> = {
  startup: async (parts) => {
    const how = { log: parts.log, restoring: isRestoring(parts), signal: parts.giveUp };
    return answerOf(await follow(parts, "startup", async (instance) => await startup(instance, how)));
  },

  shutdown: async (parts, { body: { budget_ms } }) => {
    const report = await follow(parts, "shutdown", async (instance) => {
      // The daemon that serves goes on, so nothing of its own is ended: a backup of its that runs is waited for.
      const budget = budget_ms ?? instance.config.orchestrator.shutdownTimeout;
      return await shutdown(instance, { log: parts.log, restoring: isRestoring(parts), budget, giveUp: parts.giveUp });
    });
    return answerOf(report);
  },

  beforeMigration: async (parts, { body: { from, to, wait_ms = MIGRATION_WAIT } }) => {
    const tags = [...(from === undefined ? [] : [`schema-from-${from}`]), ...(to === undefined ? [] : [`schema-to-${to}`])];
    const report = await follow(parts, "pre-migration", async (instance) => {
      const taken = await beforeMigration(instance, { wait: wait_ms, log: parts.log, tags, signal: parts.giveUp });
      // Nobody is to migrate then, so this is a failure of the request.
      if (taken.outcome === "failed" || taken.outcome === "deferred") throw taken.error;
      return taken;
    });
    return { status: 201, body: report, headers: placeOf(report) };
  },
};

function isRestoring({ runs }: Parts): boolean {
  return runs.isRunning("restore", "undo");
}

/** Runs the operation as a run of this API: seen at /runs while it runs, and after. */
async function follow(
  { runs, instance }: Parts,
  trigger: LifecycleReport["trigger"],
  take: (instance: Instance) => Promise<LifecycleBackup>,
): Promise<LifecycleReport> {
  const run = runs.follow({
    kind: "backup",
    trigger,
    work: async ({ id, hear }) => {
      const opened = instance();
      const heard: Instance = { ...opened, runEngine: async (request) => await opened.runEngine({ ...request, onEvent: hear }) };
      return reportOf(id, trigger, await take(heard));
    },
    ended: ({ outcome, problem }) => ({
      outcome: outcome === "taken" ? "completed" : outcome === "failed" ? "failed" : "skipped",
      reason_code: problem?.code ?? null,
      reason: problem?.detail ?? (outcome === "off" ? `The ${trigger} backup is off in the configuration` : null),
      problem,
    }),
  });
  return await run.done;
}

function reportOf(run_id: string, trigger: LifecycleReport["trigger"], taken: LifecycleBackup): LifecycleReport {
  const { outcome } = taken;
  return {
    run_id,
    trigger,
    outcome,
    backup_id: outcome === "taken" ? taken.id : null,
    complete: outcome === "taken" ? taken.complete : null,
    problem: outcome === "failed" || outcome === "deferred" ? problemOf(taken.error) : null,
  };
}

/** A failure is an outcome here and no failure of the request: `curl --fail` keeps no runtime from starting or stopping. */
function answerOf(
  report: LifecycleReport,
):
  | { readonly status: 201; readonly body: LifecycleReport; readonly headers: Readonly<Record<string, string>> }
  | { readonly status: 200; readonly body: LifecycleReport; readonly mayEndOtherwise: boolean } {
  if (report.outcome === "taken") return { status: 201, body: report, headers: placeOf(report) };
  return { status: 200, body: report, mayEndOtherwise: report.outcome !== "off" };
}

function placeOf({ backup_id }: LifecycleReport): Readonly<Record<string, string>> {
  return { location: `${PREFIX}/admin/backups/${backup_id}` };
}
