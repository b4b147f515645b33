import { PREFIX, type RunDocument } from "../../contract/index.ts";
import { BusyError, NotFoundError } from "../../kernel/index.ts";
import { describeHeld, listTasks, type Orchestration } from "../../operations/index.ts";
import type { HandlersOf, Parts } from "../handler.ts";
import { ledgerRun, ledgerRuns } from "../ledger-runs.ts";

/** Runs of an answer unless told otherwise. */
const RUNS = 50;

export const runHandlers: HandlersOf<"listRuns" | "showRun" | "runTask"> = {
  listRuns: async (parts, { query: { task, limit = RUNS } }) => {
    const started = parts.runs.list().filter((run) => task === undefined || run.task === task);
    const runs = [...started, ...ledgerRuns(parts.instance(), parts.orchestration(), limit, task)];
    // Both are in order, and where both began in the same instant the order is of no meaning.
    return { status: 200, body: { runs: runs.toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1)).slice(0, limit) } };
  },

  showRun: async (parts, { params: { id } }) => ({ status: 200, body: findRun(parts, id) }),

  runTask: async (parts, { params: { name }, body: { wait = false } }) => {
    const orchestration = parts.orchestration();
    const task = orchestration?.defined.tasks.find((one) => one.name === name);
    if (orchestration === null || task === undefined) throw noTask(parts, name);
    const started = await orchestration.orchestrator.runNow(task, { wait: 0, token: null, onWaiting: () => {} });
    if (started === "already-running") throw new BusyError("TASK_RUNNING", `Task "${name}" runs already`);
    if ("held" in started) throw leaseHeld(started.held);
    const run_id = runningId(orchestration, name);
    if (!wait) return { status: 202, body: { run_id }, headers: { location: `${PREFIX}/runs/${run_id}` } };
    await started.end;
    return { status: 200, body: findRun(parts, run_id) };
  },
};

function runningId({ ledger }: Orchestration, name: string): string {
  const id = ledger.running().find(({ task }) => task === name)?.id ?? ledger.history(name, 1)[0]?.id;
  return `task-${id ?? 0}`;
}

function findRun(parts: Parts, id: string): RunDocument {
  const found = parts.runs.get(id) ?? ledgerRun(parts.instance(), parts.orchestration(), id);
  if (found !== undefined) return found;
  throw new NotFoundError("RUN_NOT_FOUND", `No run "${id}" is remembered`, {
    hint: "Runs of the API are forgotten at a restart, and after 200 others; what they made is in the list of backups",
  });
}

function noTask({ instance }: Parts, name: string): NotFoundError {
  const names = listTasks(instance()).flatMap((task) => (task.kind === "task" ? [task.name] : []));
  return new NotFoundError("TASK_NOT_FOUND", `No task that can be run is called "${name}"`, {
    hint: names.length === 0 ? "Declare it below `tasks`" : `There are: ${names.join(", ")}`,
  });
}

function leaseHeld(held: Parameters<typeof describeHeld>[0]): BusyError {
  const { holder, reservedFor, contended } = held;
  return new BusyError("LEASE_HELD", describeHeld(held), {
    hint: "Ask again later; GET /lease says who has it",
    details: { holdingOwner: holder?.owner ?? null, holdingPid: holder?.pid ?? null, since: holder?.since ?? null, reservedFor, contended },
  });
}
