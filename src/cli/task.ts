import { Argument, Command } from "commander";
import { formatDuration, UsageError } from "../kernel/index.ts";
import type { TaskStatus } from "../operations/index.ts";
import { makeCommand, type Action, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";
import { waitOf, waitOption } from "./wait-option.ts";

export function taskCommand(runner: Runner): Command {
  const group = new Command("task")
    .summary("what the daemon runs, when, and what became of it")
    .description(
      "Tasks are declared under `tasks` of the configuration. Heavy ones run one at a time, over all processes; what each printed lies in tasks/ of the state folder",
    );
  for (const command of [listCommand(runner), runCommand(runner), historyCommand(runner)]) group.addCommand(command);
  return group;
}

function listCommand(runner: Runner): Command {
  const about = {
    summary: "every task: when it is due, what became of it last, what keeps it waiting",
    examples: ["task list", "task list --json"],
  };
  return makeCommand("list", about, runner, async ({ io, instance }) => {
    const { listTasks } = await import("../operations/index.ts");
    const tasks = listTasks(await instance());
    io.document({ schema: "holdfast.tasks/1", tasks });
    io.print(
      table(
        ["TASK", "LABEL", "HEAVY", "SCHEDULE", "STATE", "LAST RUN", "NEXT DUE"],
        tasks.map((task) => cellsOf(task)),
      ),
    );
    for (const { name, deferral } of tasks)
      if (deferral !== null)
        io.print(
          `${io.paint.yellow(deferral.starving ? "starving" : "waiting")} ${printable(name)}: deferred ${times(deferral.count)} since ${deferral.deferredSince}; ${printable(deferral.reason)}`,
        );
    return 0;
  });
}

const STATELESS: Readonly<Record<TaskStatus["kind"], string>> = { task: "never ran", service: "not running", "not declared": "no command" };

function cellsOf(task: TaskStatus): string[] {
  const state = task.state ?? STATELESS[task.kind];
  const failing = task.failures > 0 ? ` (${task.failures} in a row)` : "";
  return [
    task.name,
    task.label,
    task.heavy ? "heavy" : "-",
    scheduleText(task),
    `${state}${failing}${task.reasonCode === null ? "" : `: ${task.reasonCode}`}`,
    shortTime(task.lastRunAt),
    task.state === "running" ? "-" : shortTime(task.nextDueAt),
  ];
}

function scheduleText({ schedule, kind }: TaskStatus): string {
  if (schedule === null) return kind === "service" ? "kept running" : "-";
  const [, every] = /^periodic-sweep:(\d+)$/.exec(schedule) ?? [];
  return every === undefined ? schedule.replace(/^cron-sweep:/, "cron ") : `every ${formatDuration(Number(every)).replace(/ 0[ms]$/, "")}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function shortTime(instant: string | null): string {
  return instant === null ? "-" : instant.replace(/\.\d+Z$/, "Z");
}

function runCommand(runner: Runner): Command {
  const about = {
    summary: "run a task now, through the same gates as the daemon; exits with 5 when it is deferred",
    examples: ["task run kbSync", "task run backup --wait 10m"],
  };
  return makeCommand("run", about, runner, runIt).addArgument(new Argument("<name>", "task")).addOption(waitOption());
}

const runIt: Action = async ({ io, instance, args, options }) => {
  const wait = waitOf(options);
  const { describeHeld, runTask } = await import("../operations/index.ts");
  const name = String(args[0]);
  const run = await runTask(await instance(), name, {
    wait,
    log: (level, message) => io.remark(level === "info" ? message : `${level.toUpperCase()} ${message}`),
    signal: io.signal,
    onWaiting: (held) => io.remark(`Waiting: ${describeHeld(held)}`),
  });
  if (run.outcome === "ran") {
    io.document({ schema: "holdfast.task-run/1", task: name, ...run.end });
    printEnd(io, run.end);
    return { completed: 0, failed: 1, skipped: 5 }[run.end.outcome];
  }
  const held = run.outcome === "deferred" ? run.held : null;
  const reasonCode = held === null ? "already-running" : "heavy-maintenance-lease-held";
  io.document({
    schema: "holdfast.task-run/1",
    task: name,
    outcome: "skipped",
    reasonCode,
    reason: held === null ? "it runs already" : describeHeld(held),
    holdingOwner: held?.holder?.owner ?? null,
    holdingPid: held?.holder?.pid ?? null,
  });
  if (!io.json)
    process.stderr.write(`holdfast: deferred ${printable(name)}: ${held === null ? "it runs already" : printable(describeHeld(held))}\n`);
  return 5;
};

function printEnd(io: Io, end: { readonly outcome: string; readonly reason: string | null; readonly backupId: string | null }): void {
  io.print(
    [end.outcome, end.backupId, end.reason]
      .filter((part) => part !== null)
      .map(printable)
      .join(": "),
  );
}

function historyCommand(runner: Runner): Command {
  const about = {
    summary: "runs, the newest first, with what became of each",
    examples: ["task history", "task history kbSync --limit 5 --json"],
  };
  return makeCommand("history", about, runner, async ({ io, instance, args, options }) => {
    const { taskHistory } = await import("../operations/index.ts");
    const limit = Number(options["limit"] ?? 20);
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new UsageError("USAGE", `Not a number of runs: "${String(options["limit"])}"`, { hint: "Write a whole number above 0" });
    const runs = taskHistory(await instance(), typeof args[0] === "string" ? args[0] : null, limit);
    io.document({
      schema: "holdfast.task-history/1",
      runs: runs.map((run) => ({ ...run, startedAt: iso(run.startedAt), endedAt: iso(run.endedAt) })),
    });
    io.print(
      table(
        ["STARTED", "TASK", "WHY", "OUTCOME", "TOOK", "REASON"],
        runs.map((run) => [
          shortTime(iso(run.startedAt)),
          run.task,
          run.trigger,
          run.outcome,
          run.endedAt === null ? "-" : formatDuration(Math.max(0, run.endedAt - run.startedAt)),
          run.backupId ?? run.reason ?? "",
        ]),
      ),
    );
    return 0;
  })
    .addArgument(new Argument("[name]", "only of this task"))
    .option("--limit <count>", "so many at most (default: 20)");
}

function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
