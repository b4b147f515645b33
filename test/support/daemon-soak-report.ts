import type { RunRecord, Streak } from "../../src/ledger/index.ts";
import type { LogLine, ProgramEnd } from "./daemon-program.ts";
import { isHeavy, type SoakEvent } from "./daemon-soak-body.ts";

const KILLS = ["daemon", "stopped daemon", "child", "rest", "script", "script's child", "backup", "service"] as const;

export type SoakKill = (typeof KILLS)[number];

const OUTCOMES = ["completed null", "failed interrupted", "failed exit-code", "failed ended-by-signal", "skipped deferred-by-task"];

/** One run of `holdfast lease run`. */
export interface ScriptRun {
  readonly run: string;
  readonly end: ProgramEnd;
  readonly stderr: string;
}

/** Everything that a soak has seen, and what must be true of it. */
export class SoakReport {
  events: readonly SoakEvent[] = [];
  readonly kills: Map<SoakKill, number> = new Map();
  /** Rows of the ledger by their number: it keeps the newest of each task only. */
  readonly runs: Map<number, RunRecord> = new Map();
  readonly scripts: ScriptRun[] = [];
  readonly log: LogLine[] = [];
  /** Streaks past their bound of which nobody was told. */
  readonly unseen: Streak[] = [];
  /** Streaks that starved, by task and first instant. */
  readonly starved: Set<string> = new Set();
  /** Starving rows that `task list` and `status` did not show although they were there before and after. */
  readonly unshown: string[] = [];
  shown = 0;
  readonly trouble: string[] = [];
  free = false;
  survivors: readonly number[] = [];
  seconds = 0;

  count(kill: SoakKill): void {
    this.kills.set(kill, (this.kills.get(kill) ?? 0) + 1);
  }

  of(what: SoakEvent["e"]): SoakEvent[] {
    return this.events.filter(({ e }) => e === what);
  }

  /** Two at work at once; what outlived its backup, which was killed, is at work as well. */
  overlaps(): SoakEvent[] {
    return this.of("overlap");
  }

  /** Leases whose number is not above that of the one before. */
  backward(): SoakEvent[] {
    let last = 0;
    return this.of("start")
      .filter((event) => isHeavy(event) && !event.orphan)
      .filter(({ generation }) => {
        const isBackward = generation <= last;
        last = Math.max(last, generation);
        return isBackward;
      });
  }

  /** Work with a token that should have none, or without one that should. */
  wrongTokens(): SoakEvent[] {
    return this.of("start").filter((event) => isHeavy(event) !== event.token);
  }

  /** Two starts of a task nearer to each other than its cadence, although the former completed. Backups go by the clock. */
  tooSoon(cadences: ReadonlyMap<string, number>): string[] {
    const found: string[] = [];
    for (const [task, cadence] of cadences) {
      const runs = [...this.runs.values()].filter((run) => run.task === task).toSorted((a, b) => a.id - b.id);
      for (const [index, { id, startedAt }] of runs.entries()) {
        const before = runs[index - 1];
        if (before === undefined || before.outcome !== "completed") continue;
        const earliest = task === "backup" ? (Math.floor(before.startedAt / cadence) + 1) * cadence : before.startedAt + cadence;
        if (startedAt < earliest) found.push(`${task}: run ${id} began ${earliest - startedAt} ms before its time`);
      }
    }
    return found;
  }

  /** Rows that say something else than what the body did. */
  untrue(): string[] {
    const ends = new Map(this.of("end").map((event) => [`${event.task} ${event.pid}`, event]));
    return [...this.runs.values()].flatMap(({ id, task, kind, outcome, reasonCode, child, startedAt }) => {
      if (kind !== "task" || task === "backup" || outcome === "running" || child === null) return [];
      const end = ends.get(`${task} ${child.pid}`);
      // A number of a process that came round
      if (end !== undefined && end.at < startedAt) return [];
      const told = `run ${id} of ${task} is ${outcome} (${reasonCode}), and its body ${end === undefined ? "never ended" : `ended with ${end.code}`}`;
      if (outcome === "completed") return end?.code === 0 ? [] : [told];
      return end?.code === 5 && outcome === "failed" && reasonCode === "exit-code" ? [told] : [];
    });
  }

  /** Scripts whose exit code is not what became of them. */
  wrongScripts(): string[] {
    const starts = this.of("start").filter(({ kind }) => kind === "script");
    return this.scripts.flatMap(({ run, end, stderr }) => {
      const began = starts.filter((event) => event.run === run).length;
      const told = `${run} ended with ${end.exitCode ?? end.signal} and had begun ${began} times: ${stderr}`;
      if (end.signal === "SIGKILL") return began > 1 ? [told] : [];
      if (end.exitCode === 5) return began === 0 ? [] : [told];
      return [0, 1, 7, 137].includes(end.exitCode ?? -1) && began === 1 ? [] : [told];
    });
  }

  summary(): string {
    const counted = (values: readonly string[]): string =>
      JSON.stringify(
        Object.fromEntries(
          Map.groupBy(values, (value) => value)
            .entries()
            .map(([key, all]) => [key, all.length]),
        ),
      );
    const runs = [...this.runs.values()];
    return [
      `${Math.round(this.seconds)} s; ${this.of("start").length} bodies: ${counted(this.of("start").map(({ kind }) => kind))}, ${this.of("rest").length} left a rest`,
      `  runs in the ledger: ${runs.length}: ${counted(runs.map(({ outcome, reasonCode }) => (reasonCode === null ? outcome : `${outcome}:${reasonCode}`)))}`,
      `  scripts: ${counted(this.scripts.map(({ end }) => String(end.exitCode ?? end.signal)))}`,
      `  kills: ${JSON.stringify(Object.fromEntries(this.kills))}`,
      `  overlaps ${this.overlaps().length}, twice ${this.of("twice").length}, backward ${this.backward().length}, starved ${this.starved.size} (shown ${this.shown}, unseen ${this.unseen.length})`,
      `  errors in the log: ${counted(this.log.filter(({ level }) => level === "error").map(({ message }) => message.replaceAll(/\d+/g, "N").slice(0, 120)))}`,
      ...(this.trouble.length === 0 ? [] : [`  trouble: ${counted(this.trouble)}`]),
    ].join("\n");
  }

  /** Everything that must not be, by name; empty when nothing was. */
  flaws(cadences: ReadonlyMap<string, number>): Readonly<Record<string, readonly unknown[]>> {
    const complaint = /LEASE_LOST|taken away|Cannot acquire|Cannot release|A poll failed|could not be read/;
    const found: Record<string, readonly unknown[]> = {
      "two at work at once": this.overlaps(),
      "two of one task at once": this.of("twice"),
      "generations that do not grow": this.backward(),
      "tokens where none belongs, or none": this.wrongTokens(),
      "run again within a cadence": this.tooSoon(cadences),
      "rows of the ledger that are not true": this.untrue(),
      "exit codes of scripts": this.wrongScripts(),
      "starving unseen": this.unseen,
      "starving and not shown": this.unshown,
      trouble: this.trouble,
      "complaints about lease and ledger": this.log.filter(({ message }) => complaint.test(message)),
      "not free in the end": this.free ? [] : [true],
      "outlived everything": this.survivors,
    };
    return Object.fromEntries(Object.entries(found).filter(([, flaws]) => flaws.length > 0));
  }

  /** What did not happen: a soak in which little did says nothing. */
  lacks(): string[] {
    const outcomes = new Set([...this.runs.values()].map(({ outcome, reasonCode }) => `${outcome} ${reasonCode}`));
    const kinds = new Set(this.of("start").map(({ kind }) => kind));
    const wanted: Readonly<Record<string, boolean>> = {
      "more bodies than seconds": this.of("start").length > this.seconds,
      "a task that starved": this.starved.size > 0,
      "a starving row that commands showed": this.shown > 0,
      "a script that was deferred": this.scripts.some(({ end }) => end.exitCode === 5),
    };
    const missing = <T>(what: string, all: readonly T[], has: (one: T) => boolean): string[] =>
      all.flatMap((one) => (has(one) ? [] : [`${what} ${String(one)}`]));
    return [
      ...Object.entries(wanted).flatMap(([what, happened]) => (happened ? [] : [what])),
      ...missing("body:", ["heavy", "dump", "script", "light", "service"] as const, (kind) => kinds.has(kind)),
      ...missing("kill:", KILLS, (kill) => this.kills.has(kill)),
      ...missing("outcome:", OUTCOMES, (outcome) => outcomes.has(outcome)),
    ];
  }
}
