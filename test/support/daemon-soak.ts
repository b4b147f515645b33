import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { LeaseView } from "../../src/lease/index.ts";
import type { SqliteLedger, Streak } from "../../src/ledger/index.ts";
import { logOf, type RunningProgram } from "./daemon-program.ts";
import { soakEvents, type SoakEvent, type SoakKind } from "./daemon-soak-body.ts";
import { SoakReport, type SoakKill } from "./daemon-soak-report.ts";
import { soakCommand, SOAK_BOUND, soakStage } from "./daemon-soak-stage.ts";
import type { DaemonStage } from "./daemon-stage.ts";

const SECOND = 1000;
/** For the next poll after the bound to come, on a machine that has much to do. */
const LENIENCE = 3 * SECOND;

export interface SoakOptions {
  readonly seconds: number;
  /** Somebody does heavy work without asking for the lease, so that the oracle has something to see. */
  readonly cheater?: boolean;
  /** Ends as soon as this is true, instead. */
  readonly until?: (report: SoakReport) => boolean;
}

/**
 * Two daemons on one state folder and scripts under `lease run` want one lease, and all of them, and what they start, are killed
 * at random, while an oracle that knows nothing of leases looks who is at work.
 */
export async function soakOrchestrator({ seconds, cheater = false, until }: SoakOptions): Promise<SoakReport> {
  await using soak = new Soak();
  const { report } = soak;
  const began = performance.now();
  const isOver = (): boolean => {
    report.seconds = (performance.now() - began) / SECOND;
    return report.seconds > seconds || until?.(report) === true;
  };
  for (const index of [0, 1]) soak.keepDaemon(index);
  for (const name of ["script-a", "script-b", "hog"]) soak.keepScript(name, true);
  if (cheater) soak.keepScript("cheater", false);
  await Promise.race([soak.broken(), Promise.all([soak.mayhem(isOver), soak.watch(isOver)])]);
  await soak.end();
  return report;
}

class Soak implements AsyncDisposable {
  readonly report = new SoakReport();
  readonly #stage: DaemonStage = soakStage();
  readonly #daemons = new Map<number, RunningProgram>();
  /** Daemons that were told to end already: a second word is another matter. */
  readonly #told = new WeakSet<RunningProgram>();
  readonly #scripts = new Map<string, RunningProgram>();
  readonly #loops: Promise<void>[] = [];
  #ending = false;

  /** Who ends is replaced. */
  keepDaemon(index: number): void {
    this.#keep(async () => {
      const daemon = this.#stage.start(["daemon", "--json"]);
      this.#daemons.set(index, daemon);
      const { exitCode, signal } = await daemon.ended;
      // What it cannot start with it says in a document of many lines.
      if (!daemon.stdout().includes("Watching")) {
        if (signal === null && !this.#ending) throw new Error(`A daemon does not start: ${daemon.stdout()}${daemon.stderr()}`);
        return;
      }
      if (exitCode !== 0 && signal !== "SIGKILL") this.report.trouble.push(`A daemon ended with ${exitCode ?? signal}: ${daemon.stderr()}`);
      this.report.log.push(...logOf(daemon));
    });
  }

  /** One after the other, half of them ready to wait. The hog holds it for long, and not often. */
  keepScript(name: string, underLease: boolean): void {
    let count = 0;
    this.#keep(async () => {
      await pause(name === "hog" ? 15 * SECOND : between(50, 800));
      if (this.#ending) return;
      count += 1;
      const run = `${name} ${count}`;
      const body = soakCommand(this.#stage, "script", name, run);
      const wait = name === "hog" ? ["--wait", "20s"] : count % 2 === 0 ? ["--wait", "2s"] : [];
      const gate = underLease ? ["lease", "run", "--owner", name, ...wait, "--"] : ["run", "--"];
      const env = underLease ? {} : { HOLDFAST_BACKUP__ENABLED: "false" };
      const script = this.#stage.start([...gate, ...body], env);
      this.#scripts.set(name, script);
      const end = await script.ended;
      this.#scripts.delete(name);
      if (underLease) this.report.scripts.push({ run, end, stderr: script.stderr() });
    });
  }

  #keep(once: () => Promise<void>): void {
    const loop = async (): Promise<void> => {
      while (!this.#ending) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await once();
      }
    };
    const looping = loop();
    // Told when the soak ends; until then it is nobody's.
    looping.catch(() => {});
    this.#loops.push(looping);
  }

  /** Fails when somebody cannot be started again; never resolves. */
  async broken(): Promise<never> {
    return await new Promise((_resolve, reject) => {
      for (const loop of this.#loops) loop.catch(reject);
    });
  }

  /** Now and then something happens to somebody. */
  async mayhem(isOver: () => boolean): Promise<void> {
    const kinds: readonly SoakKill[] = [
      ...(["child", "rest", "backup", "script's child", "daemon", "child", "rest", "script"] as const),
      ...(["child", "backup", "service", "rest", "script's child", "stopped daemon"] as const),
    ];
    // Each in its turn, so that none is left out of a short soak.
    for (let turn = Math.floor(Math.random() * kinds.length); !isOver() && !this.#ending; turn += 1) {
      const kind = kinds[turn % kinds.length] ?? "child";
      // Those that are always there must not be the only ones that it happens to.
      const patience = performance.now() + 3 * SECOND;
      let killed = this.#kill(kind);
      while (!killed && performance.now() < patience && !isOver()) {
        // oxlint-disable-next-line no-await-in-loop -- until there is one
        await pause(20);
        killed = this.#kill(kind);
      }
      if (!killed) continue;
      this.report.count(kind);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await pause(between(200, 1200));
    }
  }

  #kill(kind: SoakKill): boolean {
    switch (kind) {
      case "daemon":
      case "stopped daemon": {
        const daemon = this.#daemons.get(Math.floor(Math.random() * 2));
        // Before it watches there is nothing to be cut off.
        if (daemon === undefined || !daemon.stdout().includes("Watching") || this.#told.has(daemon)) return false;
        this.#told.add(daemon);
        daemon.signal(kind === "daemon" ? "SIGKILL" : "SIGTERM");
        return true;
      }
      case "script": {
        const scripts = [...this.#scripts.values()];
        const script = scripts[Math.floor(Math.random() * scripts.length)];
        script?.signal("SIGKILL");
        return script !== undefined;
      }
      case "child":
        return this.#killBody("start", ["heavy", "dump"]);
      case "script's child":
        return this.#killBody("start", ["script"]);
      case "rest":
        return this.#killBody("rest", ["heavy", "script"]);
      case "service":
        return this.#killBody("start", ["service"]);
      case "backup":
        return this.#killBackup();
      default:
        throw new Error(`Unknown kill ${JSON.stringify(kind satisfies never)}`);
    }
  }

  #killBody(event: SoakEvent["e"], kinds: readonly SoakKind[]): boolean {
    const events = this.#events();
    const over = new Set(events.flatMap(({ e, pid }) => (e === "end" || e === "rested" ? [pid] : [])));
    const wanted = new Set(
      events
        .slice(kinds.includes("service") ? 0 : -40)
        .flatMap(({ e, kind, pid }) => (e === event && kinds.includes(kind) && !over.has(pid) ? [pid] : [])),
    );
    return wanted.size > 0 && this.#killOne(this.#stage.processes().filter((pid) => wanted.has(pid)));
  }

  /** Mostly in the middle: before that, there is little to be cut off. */
  #killBackup(): boolean {
    const dump = this.#events().findLast(({ kind }) => kind === "dump");
    if (dump?.e !== "start" && Math.random() < 0.98) return false;
    return this.#killOne(this.#stage.processes().filter((pid) => commandLine(pid).includes("\0backup\0create\0")));
  }

  #killOne([pid]: readonly number[]): boolean {
    if (pid === undefined) return false;
    try {
      process.kill(pid, "SIGKILL");
      return true;
    } catch {
      // It has ended meanwhile
      return false;
    }
  }

  #events(): SoakEvent[] {
    return soakEvents(this.#stage.join("log"));
  }

  /** Looks at the ledger all the time, and at what commands say of it now and then. */
  async watch(isOver: () => boolean): Promise<void> {
    // Its first user makes it.
    while (!existsSync(`${this.#stage.stateDir}/ledger.db`) && !isOver()) {
      // oxlint-disable-next-line no-await-in-loop -- until it is there
      await pause(50);
    }
    using ledger = this.#stage.ledger();
    for (let look = 0; !isOver() && !this.#ending; look += 1) {
      this.#read(ledger);
      this.report.events = this.#events();
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      if (look % 8 === 4) await this.#compare(ledger);
      // oxlint-disable-next-line no-await-in-loop -- see above
      await pause(500);
    }
    this.#read(ledger);
  }

  #read(ledger: SqliteLedger): void {
    for (const run of ledger.history(null, 400)) this.report.runs.set(run.id, run);
    for (const streak of ledger.streaks()) {
      const waited = streak.lastAt - streak.openedAt;
      if (streak.starving) this.report.starved.add(keyOf(streak));
      else if (waited > SOAK_BOUND + LENIENCE && streak.reasonCode !== "deferred-by-task") this.report.unseen.push(streak);
    }
  }

  /** Whoever starves before and after was starving while the command looked. */
  async #compare(ledger: SqliteLedger): Promise<void> {
    // A task that starts and defers itself waits on in the streak that it had, which was closed meanwhile.
    const starving = (): Map<string, Streak> =>
      new Map(
        ledger
          .streaks()
          .filter((streak) => streak.starving)
          .map((streak) => [`${keyOf(streak)}, after run ${ledger.history(streak.task, 1)[0]?.id ?? 0}`, streak]),
      );
    const before = starving();
    if (before.size === 0) return;
    const [list, status] = await Promise.all([this.#stage.run("task", "list", "--json"), this.#stage.run("status", "--json")]);
    const after = starving();
    for (const [key, { task }] of before) {
      if (!after.has(key)) continue;
      for (const [name, result] of Object.entries({ list, status })) {
        const { tasks } = result.json<{ tasks: readonly { name: string; deferral: { starving: boolean } | null }[] }>();
        if (tasks.find((one) => one.name === task)?.deferral?.starving === true) this.report.shown += 1;
        else this.report.unshown.push(`${name}: ${key}`);
      }
    }
  }

  /** Everybody is told to stop; what is left then was left behind by somebody. */
  async end(): Promise<void> {
    this.#ending = true;
    for (const daemon of this.#daemons.values()) daemon.signal("SIGTERM");
    await Promise.all(this.#loops);
    const deadline = performance.now() + 60 * SECOND;
    let survivors = this.#stage.processes();
    while (survivors.length > 0 && performance.now() < deadline) {
      // oxlint-disable-next-line no-await-in-loop -- until they are gone
      await pause(50);
      survivors = this.#stage.processes();
    }
    const { report } = this;
    report.survivors = survivors;
    report.events = this.#events();
    const { lease } = (await this.#stage.run("lease", "status", "--json")).json<{ lease: LeaseView | null }>();
    report.free = lease?.state === "free";
    const backup = await this.#stage.run("backup", "--json");
    if (backup.exitCode !== 0) report.trouble.push(`The last backup: ${backup.stdout}`);
    const verify = await this.#stage.run("verify", "--all", "--json");
    if (verify.exitCode !== 0) report.trouble.push(`The vault: ${verify.stdout}`);
    using ledger = this.#stage.ledger();
    this.#read(ledger);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    await this.#stage[Symbol.asyncDispose]();
    await Promise.allSettled(this.#loops);
  }
}

function keyOf({ task, openedAt }: Streak): string {
  return `${task} since ${openedAt}`;
}

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
