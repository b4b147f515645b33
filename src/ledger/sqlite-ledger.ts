import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { ProcessIdentity } from "../kernel/index.ts";
import { inTransaction, type LedgerFile } from "./ledger-file.ts";
import { isPresent } from "./presence.ts";
import type { Obstacle, RunEnd, RunRecord, Streak, TaskRecord, Waiter } from "./records.ts";
import { runOf, streakOf, taskOf, type Raw } from "./rows.ts";

export interface ClaimRequest {
  readonly task: string;
  readonly kind: RunRecord["kind"];
  readonly trigger: string;
  readonly now: number;
  /** Of the process that will supervise it. */
  readonly presence: string;
  /** What its last run was when it was found due: another process may have run it since. `any`: whatever it was. */
  readonly lastRunAt: number | null | "any";
  /** It starts, so that it waits no longer; not when it is written down as failed without having begun. */
  readonly endsStreak?: boolean;
}

/** Of one task. */
const KEPT_RUNS = 200;
/** Of one streak: whoever was in the way and was told of already. */
const KEPT_TOLD = 50;

/** Runs, outcomes, deferral and failure streaks of one instance. Calls are short; a store that stays locked is an error of SQLite's. */
export class SqliteLedger implements Disposable {
  #file: LedgerFile;
  readonly #stateDir: string;

  constructor(file: LedgerFile, stateDir: string) {
    this.#file = file;
    this.#stateDir = stateDir;
  }

  get #database(): DatabaseSync {
    return this.#file.database;
  }

  get file(): LedgerFile {
    return this.#file;
  }

  /** Writes all of it to a file that does not exist. */
  copyTo(path: string): void {
    this.#run("VACUUM INTO ?", path);
  }

  /** Goes on in another file. */
  moveTo(file: LedgerFile): void {
    this.#database.close();
    this.#file = file;
  }

  /** One row per configured task, made when it is first seen. */
  ensureTasks(names: readonly string[], now: number): void {
    const known = new Set(this.tasks().map(({ name }) => name));
    const missing = names.filter((name) => !known.has(name));
    if (missing.length === 0) return;
    this.#write(() => {
      for (const name of missing) this.#run("INSERT OR IGNORE INTO task(name, first_seen_at) VALUES(?,?)", name, now);
    });
  }

  tasks(): TaskRecord[] {
    return this.#all("SELECT * FROM task ORDER BY name").map(taskOf);
  }

  noteSchedule(task: string, text: string, anchorAt: number | null): void {
    this.#run("UPDATE task SET schedule_text=?, anchor_at=? WHERE name=?", text, anchorAt, task);
  }

  /**
   * Starts a run by writing it down, under the write lock: at most one of a task, whoever asks.
   *
   * @returns null when it runs already, or has run since it was found due
   */
  claim({ task, kind, trigger, now, presence, lastRunAt, endsStreak = false }: ClaimRequest): number | null {
    return this.#write(() => {
      const before = this.#one("SELECT last_run_at FROM task WHERE name=?", task)?.["last_run_at"] ?? null;
      if (lastRunAt !== "any" && before !== lastRunAt) return null;
      const { changes, lastInsertRowid } = this.#run(
        // A ledger that begins anew must not use numbers of the one before, whose runs may end in it.
        `INSERT OR IGNORE INTO run(id, task, kind, trigger, outcome, started_at, last_run_before, presence)
         VALUES(coalesce((SELECT max(id) FROM run) + 1, ?), ?,?,?,'running',?,?,?)`,
        now,
        task,
        kind,
        trigger,
        now,
        before,
        presence,
      );
      if (changes === 0) return null;
      if (kind === "task") this.#run("UPDATE task SET last_run_at=?, asked_at=NULL WHERE name=?", now, task);
      if (endsStreak) this.#endStreak(task, now);
      return Number(lastInsertRowid);
    });
  }

  /** The next poll finds it due, whatever its schedule says. */
  makeDue(task: string, now: number): void {
    this.ensureTasks([task], now);
    this.#run("UPDATE task SET asked_at=? WHERE name=?", now, task);
  }

  recordChild(run: number, child: ProcessIdentity, output: string): void {
    this.#run("UPDATE run SET pid=?, start=?, boot_id=?, output=? WHERE id=?", child.pid, child.start, child.boot_id, output, run);
  }

  /** Ends a run. One that was deferred by its own child never counts as a run: the task stays due, from `notBefore` on. */
  end(run: number, end: RunEnd, now: number, notBefore: number | null = null): void {
    this.#write(() => {
      const { changes } = this.#run(
        `UPDATE run SET outcome=?, reason_code=?, reason=?, ended_at=?, exit_code=?, signal=?, last_lines=?, backup_id=? WHERE id=? AND outcome='running'`,
        end.outcome,
        end.reasonCode,
        end.reason,
        now,
        end.exitCode,
        end.signal,
        end.lastLines,
        end.backupId,
        run,
      );
      // Closed by somebody else already, as interrupted.
      if (changes === 0) return;
      const row = this.#one("SELECT task, kind, last_run_before FROM run WHERE id=?", run);
      if (row?.["kind"] === "task") this.#endTask(String(row["task"]), row["last_run_before"] ?? null, end, now, notBefore);
      this.#run(
        `DELETE FROM run WHERE task=?1 AND outcome!='running' AND id NOT IN (SELECT id FROM run WHERE task=?1 ORDER BY id DESC LIMIT ${KEPT_RUNS})`,
        row?.["task"] ?? null,
      );
    });
  }

  #endTask(task: string, lastRunBefore: SQLInputValue, end: RunEnd, now: number, notBefore: number | null): void {
    const set = "UPDATE task SET last_outcome=?, last_reason_code=?, last_reason=?";
    const told = [end.outcome, end.reasonCode, end.reason];
    if (end.outcome === "completed")
      this.#run(
        `${set}, last_ended_at=?, last_completed_at=?, failing_since=NULL, failures=0, not_before=NULL WHERE name=?`,
        ...told,
        now,
        now,
        task,
      );
    else if (end.outcome === "failed")
      this.#run(
        `${set}, last_ended_at=?, failing_since=coalesce(failing_since, ?), failures=failures+1, not_before=NULL WHERE name=?`,
        ...told,
        now,
        now,
        task,
      );
    else this.#run(`${set}, last_run_at=?, not_before=? WHERE name=?`, ...told, lastRunBefore, notBefore, task);
  }

  /** Runs that were not ended. Their supervisor may have died: see isSupervised(). */
  running(): RunRecord[] {
    return this.#all("SELECT * FROM run WHERE outcome='running' ORDER BY id").map(runOf);
  }

  isSupervised({ presence }: RunRecord): boolean {
    return isPresent(this.#stateDir, presence);
  }

  history(task: string | null, limit: number): RunRecord[] {
    return task === null
      ? this.#all("SELECT * FROM run ORDER BY id DESC LIMIT ?", limit).map(runOf)
      : this.#all("SELECT * FROM run WHERE task=? ORDER BY id DESC LIMIT ?", task, limit).map(runOf);
  }

  run(id: number): RunRecord | null {
    const row = this.#one("SELECT * FROM run WHERE id=?", id);
    return row === undefined ? null : runOf(row);
  }

  /**
   * Counts a deferral in the task's streak, which it opens when there is none.
   *
   * @param key what makes it the same deferral as another; holds no counter and no time
   * @returns the streak, and whether this obstacle is met for the first time in it
   */
  defer(task: string, obstacle: Obstacle, key: string, now: number): { readonly streak: Streak; readonly isNew: boolean } {
    return this.#write(() => {
      const open = this.#one("SELECT * FROM deferral WHERE task=? AND closed_at IS NULL", task);
      const told = open === undefined ? [] : (JSON.parse(String(open["told"])) as string[]);
      const isNew = !told.includes(key);
      const words = [obstacle.reasonCode, obstacle.reason, obstacle.blockingTask, obstacle.holdingOwner, obstacle.holdingPid];
      const keys = JSON.stringify(isNew ? [...told, key].slice(-KEPT_TOLD) : told);
      if (open === undefined)
        this.#run(
          `INSERT INTO deferral(task, opened_at, last_at, count, reason_code, reason, blocking_task, holding_owner, holding_pid, told)
           VALUES(?,?,?,1,?,?,?,?,?,?)`,
          task,
          now,
          now,
          ...words,
          keys,
        );
      else
        this.#run(
          // It cannot have begun after now: the clock was ahead then, and would keep it from ever starving.
          `UPDATE deferral SET opened_at=min(opened_at, ?1), last_at=?1, count=count+1, reason_code=?, reason=?, blocking_task=?, holding_owner=?, holding_pid=?, told=? WHERE id=?`,
          now,
          ...words,
          keys,
          open["id"] ?? null,
        );
      this.#run(
        "UPDATE task SET last_outcome='skipped', last_reason_code=?, last_reason=? WHERE name=?",
        obstacle.reasonCode,
        obstacle.reason,
        task,
      );
      return { streak: streakOf(this.#one("SELECT * FROM deferral WHERE task=? AND closed_at IS NULL", task) ?? {}), isNew };
    });
  }

  /** Open streaks, the longest first. */
  streaks(): Streak[] {
    return this.#all("SELECT * FROM deferral WHERE closed_at IS NULL ORDER BY opened_at, id").map(streakOf);
  }

  setStarving(task: string): void {
    this.#run("UPDATE deferral SET starving=1 WHERE task=? AND closed_at IS NULL", task);
  }

  /** The task is configured no more. */
  closeStreak(task: string, now: number): void {
    this.#write(() => this.#endStreak(task, now));
  }

  #endStreak(task: string, now: number): void {
    this.#run("UPDATE deferral SET closed_at=? WHERE task=? AND closed_at IS NULL", now, task);
    this.#run(
      `DELETE FROM deferral WHERE closed_at IS NOT NULL AND id NOT IN (SELECT id FROM deferral ORDER BY id DESC LIMIT ${KEPT_RUNS})`,
    );
  }

  /** A start that was none after all: the streak that it closed goes on. */
  resumeStreak(task: string, closedAt: number): void {
    this.#run(
      "UPDATE deferral SET closed_at=NULL WHERE id=(SELECT max(id) FROM deferral WHERE task=?1 AND closed_at=?2) AND NOT EXISTS (SELECT 1 FROM deferral WHERE task=?1 AND closed_at IS NULL)",
      task,
      closedAt,
    );
  }

  addWaiter(presence: string, waiter: Waiter): void {
    // Those that were killed took nothing away.
    for (const raw of this.#all("SELECT presence FROM waiter"))
      if (!isPresent(this.#stateDir, String(raw["presence"]))) this.removeWaiter(String(raw["presence"]));
    this.#run(
      "INSERT OR REPLACE INTO waiter(presence, owner, pid, since) VALUES(?,?,?,?)",
      presence,
      waiter.owner,
      waiter.pid,
      waiter.since,
    );
  }

  removeWaiter(presence: string): void {
    this.#run("DELETE FROM waiter WHERE presence=?", presence);
  }

  /** Those that are still there. */
  waiters(): Waiter[] {
    return this.#all("SELECT * FROM waiter ORDER BY since")
      .filter((raw) => isPresent(this.#stateDir, String(raw["presence"])))
      .map((raw) => ({ owner: String(raw["owner"]), pid: Number(raw["pid"]), since: Number(raw["since"]) }));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #write<T>(change: () => T): T {
    return inTransaction(this.#database, change);
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint } {
    return this.#database.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): Raw[] {
    return this.#database.prepare(sql).all(...values);
  }

  #one(sql: string, ...values: readonly SQLInputValue[]): Raw | undefined {
    return this.#database.prepare(sql).get(...values);
  }
}
