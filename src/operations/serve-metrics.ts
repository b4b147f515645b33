import { taskHistory } from "./list-tasks.ts";
import { VERSION } from "../kernel/index.ts";
import type { Instance } from "./instance.ts";
import type { Status } from "./status.ts";

type Labels = Readonly<Record<string, string>>;

/** Kept runs of tasks that are counted. */
const RUNS = 1000;

/** What a monitoring system reads, in the text format of Prometheus. Ages are in seconds, by this machine's clock. */
export function metricsText(
  instance: Instance,
  { components, backups, safe, failedRun, restore, lease, tasks }: Status,
  apiRuns: readonly { readonly kind: string; readonly outcome: string; readonly count: number }[] = [],
): string {
  const now = instance.clock.now();
  const text = new Exposition();
  text.gauge("holdfast_info", "Which version runs", [[{ version: VERSION, instance: instance.config.name }, 1]]);
  text.gauge("holdfast_safe", "1 when every critical component is safe", [[{}, Number(safe)]]);
  text.gauge("holdfast_backups", "Backups in the vault", [[{}, backups]]);
  text.gauge("holdfast_last_run_failed", "1 when the newest run failed and made no backup", [[{}, Number(failedRun !== null)]]);
  text.gauge("holdfast_restore_pending", "1 while a restore runs, or was cut off", [[{}, Number(restore !== null)]]);
  text.gauge(
    "holdfast_component_safe",
    "1 when the newest backup of the component is good and not overdue",
    components.map(({ name, safe: good }) => [{ component: name }, Number(good)]),
  );
  text.gauge(
    "holdfast_component_captured_age_seconds",
    "Age of the newest backup that carries the component",
    components.map(({ name, capturedAt }) => [{ component: name }, age(capturedAt, now)]),
  );
  text.gauge(
    "holdfast_component_verified_age_seconds",
    "Age of the newest verdict that the component reads back",
    components.map(({ name, verifiedAt }) => [{ component: name }, age(verifiedAt, now)]),
  );
  text.gauge(
    "holdfast_component_overdue",
    "1 when no good backup is younger than twice the schedule",
    components.map(({ name, problem }) => [{ component: name }, Number(problem?.startsWith("overdue") === true)]),
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
  return text.toString();
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

/** The text format: one family after the other; what has no value is left out, for a made-up one would be believed. */
class Exposition {
  #text = "";

  gauge(name: string, help: string, values: readonly (readonly [Labels, number | null])[]): void {
    this.#family(name, "gauge", help, values);
  }

  counter(name: string, help: string, values: readonly (readonly [Labels, number | null])[]): void {
    this.#family(name, "counter", help, values);
  }

  #family(name: string, type: string, help: string, values: readonly (readonly [Labels, number | null])[]): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of values) if (value !== null) this.#text += `${name}${labelsOf(labels)} ${value}\n`;
  }

  toString(): string {
    return this.#text;
  }
}

function labelsOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`)}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
