import { namedSystemError, replaceFile, VERSION } from "../kernel/index.ts";
import { taskHistory } from "./list-tasks.ts";
import type { Instance } from "./instance.ts";
import type { Status } from "./status.ts";

type Labels = Readonly<Record<string, string>>;

/** A value that is not known is null, and left out: a made-up one would be believed. */
type Values = readonly (readonly [Labels, number | null])[];

/** Kept runs of tasks that are counted. */
const RUNS = 1000;

/** What a monitoring system reads, in the text format of Prometheus. Ages are in seconds, by this machine's clock. */
export async function metricsText(
  instance: Instance,
  { components, backups, safe, failedRun, restore, lease, tasks }: Status,
  apiRuns: readonly { readonly kind: string; readonly outcome: string; readonly count: number }[] = [],
): Promise<string> {
  const now = instance.clock.now();
  const text = await openExposition();
  text.gauge("holdfast_read_timestamp_seconds", "When all this was read: what lies in a file is as old as that", [[{}, now / 1000]]);
  text.gauge("holdfast_info", "Which version runs", [[{ version: VERSION, instance: instance.config.name }, 1]]);
  text.gauge("holdfast_safe", "1 when every critical component is safe, and where none is critical, every one", [[{}, Number(safe)]]);
  text.gauge("holdfast_backups", "Backups in the vault", [[{}, backups]]);
  text.gauge("holdfast_last_run_failed", "1 when the newest run failed and made no backup", [[{}, Number(failedRun !== null)]]);
  text.gauge("holdfast_restore_pending", "1 while a restore runs, or was cut off", [[{}, Number(restore !== null)]]);
  text.gauge(
    "holdfast_component_safe",
    "1 when the newest backup of the component is good and not overdue",
    components.map(({ name, safe: good }) => [{ component: name }, Number(good)]),
  );
  text.gauge(
    "holdfast_component_captured_timestamp_seconds",
    "Time of the newest backup that carries the component",
    components.map(({ name, capturedAt }) => [{ component: name }, capturedAt === null ? null : Date.parse(capturedAt) / 1000]),
  );
  text.gauge(
    "holdfast_component_captured_age_seconds",
    "Age of the newest backup that carries the component",
    components.map(({ name, capturedAt }) => [{ component: name }, age(capturedAt, now)]),
  );
  text.gauge(
    "holdfast_component_verified",
    "1 when a good backup of the component was ever read back whole, 0 when none was: then it has no time",
    components.map(({ name, verified }) => [{ component: name }, Number(verified !== null)]),
  );
  text.gauge(
    "holdfast_component_verified_timestamp_seconds",
    "Time of the newest verdict that the component reads back",
    components.map(({ name, verifiedAt }) => [{ component: name }, verifiedAt === null ? null : Date.parse(verifiedAt) / 1000]),
  );
  text.gauge(
    "holdfast_component_verified_age_seconds",
    "Age of the newest verdict that the component reads back",
    components.map(({ name, verifiedAt }) => [{ component: name }, age(verifiedAt, now)]),
  );
  text.gauge(
    "holdfast_component_overdue",
    "1 when no good backup is younger than twice the schedule",
    components.map(({ name, overdue }) => [{ component: name }, Number(overdue)]),
  );
  text.gauge("holdfast_lease_held", "1 while somebody does heavy work", [
    [lease === null ? {} : { owner: lease.owner ?? "" }, Number(lease !== null)],
  ]);
  text.gauge("holdfast_lease_held_seconds", "For how long", [[{}, age(lease?.since ?? null, now)]]);
  text.gauge(
    "holdfast_task_deferrals",
    "How often the task was kept from running since it was due",
    tasks.map(({ name, deferral }) => [{ task: name }, deferral?.count ?? 0]),
  );
  text.gauge(
    "holdfast_task_starving",
    "1 when it has waited past its bound",
    tasks.map(({ name, deferral }) => [{ task: name }, Number(deferral?.starving === true)]),
  );
  text.gauge(
    "holdfast_task_failures",
    "Failures in a row",
    tasks.map(({ name, failures }) => [{ task: name }, failures]),
  );
  text.gauge("holdfast_task_runs", "Runs that the ledger keeps, by outcome", runsOf(instance));
  text.counter(
    "holdfast_api_runs_total",
    "What the API has started and what became of it",
    apiRuns.map(({ kind, outcome, count }) => [{ kind, outcome }, count]),
  );
  return await text.read();
}

/**
 * The same for a machine without a daemon: a file that a collector of text files reads, such as node_exporter's. It is
 * replaced whole, and may be read by everybody, for the collector is another account.
 */
export async function writeMetrics(instance: Instance, seen: Status, file: string): Promise<void> {
  const text = await metricsText(instance, seen);
  try {
    replaceFile(file, text, 0o644);
  } catch (error) {
    throw namedSystemError(error, `write the metrics to "${file}"`);
  }
}

function age(instant: string | null, now: number): number | null {
  return instant === null ? null : Math.max(0, (now - Date.parse(instant)) / 1000);
}

function runsOf(instance: Instance): [Labels, number][] {
  const counts = new Map<string, { labels: Labels; count: number }>();
  for (const { task, outcome } of taskHistory(instance, null, RUNS)) {
    const key = `${task} ${outcome}`;
    const seen = counts.get(key) ?? { labels: { task, outcome }, count: 0 };
    counts.set(key, { ...seen, count: seen.count + 1 });
  }
  return [...counts.values()].map(({ labels, count }) => [labels, count]);
}

interface Exposition {
  gauge(name: string, help: string, values: Values): void;
  counter(name: string, help: string, values: Values): void;
  read(): Promise<string>;
}

/** Loaded by whoever is asked for metrics, which most daemons and most commands never are. */
async function openExposition(): Promise<Exposition> {
  const { Counter, Gauge, Registry } = await import("@prometheus-io/client");
  const registry = new Registry();
  const family = (name: string, help: string, values: Values) => ({
    name,
    help,
    labelNames: [...new Set(values.flatMap(([labels]) => Object.keys(labels)))],
    registers: [registry],
  });
  return {
    gauge: (name, help, values) => {
      const gauge = new Gauge(family(name, help, values));
      // Without labels it begins at 0, which nobody has measured.
      gauge.remove({});
      for (const [labels, value] of values) if (value !== null) gauge.set(labels, value);
    },
    counter: (name, help, values) => {
      const counter = new Counter(family(name, help, values));
      counter.remove({});
      for (const [labels, value] of values) if (value !== null) counter.inc(labels, value);
    },
    // The blank lines between families say nothing.
    read: async () => (await registry.metrics()).replaceAll("\n\n", "\n"),
  };
}
