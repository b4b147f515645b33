import type { RunRecord } from "../../src/ledger/index.ts";

/** What is done to the daemon, its children and its disks, each at a due time. */
export const WEEK_TROUBLES = [
  "restart",
  "kill",
  "component missing",
  "vault full",
  "lease held",
  "engine killed",
  "daemon killed in a backup",
  "daemon stopped in a backup",
] as const;

export type WeekTrouble = (typeof WEEK_TROUBLES)[number] | "outage";

export interface WeekBackup {
  readonly id: string;
  readonly time: number;
  readonly sequence: number;
}

/** What a simulated week has seen, and what must be true of it. */
export class WeekReport {
  readonly seed: number;
  slots: readonly number[] = [];
  /** Scheduled ones. */
  backups: readonly WeekBackup[] = [];
  /** By due time: what `status` said while there was no backup. */
  readonly alarms: Map<number, string> = new Map();
  /** Due times all through which no daemon ran. */
  readonly down: Set<number> = new Set();
  readonly met: Map<WeekTrouble, number> = new Map();
  readonly runs: Map<number, RunRecord> = new Map();
  /** Whatever else was wrong. */
  readonly flaws: string[] = [];

  constructor(seed: number) {
    this.seed = seed;
  }

  count(trouble: WeekTrouble): void {
    this.met.set(trouble, (this.met.get(trouble) ?? 0) + 1);
  }

  /** Of the due time and before the next, by when its run began: one that outlives its daemon may be slow to begin. */
  takenFor(slot: number): readonly WeekBackup[] {
    const next = this.slots[this.slots.indexOf(slot) + 1] ?? Infinity;
    return this.backups.filter((backup) => slot <= this.#begun(backup) && this.#begun(backup) < next);
  }

  #begun({ id, time }: WeekBackup): number {
    return Math.min(time, this.runs.values().find(({ backupId }) => backupId === id)?.startedAt ?? time);
  }

  /** Neither taken, nor caught up after the daemon was down, nor told of. */
  missed(): readonly string[] {
    return this.slots
      .filter((slot) => this.takenFor(slot).length === 0 && !this.alarms.has(slot))
      .filter((slot) => !this.down.has(slot) || this.backups.every(({ time }) => time < slot))
      .map((slot) => new Date(slot).toISOString());
  }

  twice(): readonly string[] {
    return this.slots.flatMap((slot) => {
      const taken = this.takenFor(slot);
      return taken.length < 2 ? [] : [`${new Date(slot).toISOString()}: ${taken.map(({ id }) => id).join(", ")}`];
    });
  }

  /** Every run of the backup, to find out by. */
  history(): string {
    const at = (instant: number | null): string => (instant === null ? "-" : new Date(instant).toISOString().slice(5, 16));
    const runs = this.runs.values().filter(({ task }) => task === "backup");
    return [
      ...runs.map(({ id, startedAt, endedAt, outcome, reasonCode, backupId }) =>
        [id, at(startedAt), at(endedAt), outcome, reasonCode, backupId].join(" "),
      ),
      ...this.backups.map(({ id, sequence }) => `${id} ${sequence}`),
      ...[...this.alarms].map(([slot, told]) => `${at(slot)} told: ${told}`),
      ...[...this.down].map((slot) => `${at(slot)} down`),
    ].join("\n");
  }

  summary(): string {
    const taken = this.slots.filter((slot) => this.takenFor(slot).length > 0).length;
    const outcomes = Map.groupBy(this.runs.values(), ({ task, outcome, reasonCode }) => `${task} ${reasonCode ?? outcome}`);
    return [
      `seed ${this.seed}: ${this.slots.length} due times, ${taken} taken, ${this.alarms.size} told of, ${this.down.size} while no daemon ran; ${this.backups.length} scheduled backups`,
      `  ${[...this.met].map(([trouble, count]) => `${trouble} ${count}`).join(", ")}`,
      `  runs: ${[...outcomes].map(([outcome, runs]) => `${outcome} ${runs.length}`).join(", ")}`,
    ].join("\n");
  }
}
