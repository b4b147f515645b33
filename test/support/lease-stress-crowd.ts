import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { processesWithVariable } from "../../src/kernel/index.ts";
import { tell, type StressEvent } from "./lease-stress-log.ts";

/**
 * - `holder`: holds the lease and works himself
 * - `parent`: holds the lease while what he started works
 * - `child`: works under somebody's lease, or is between him and who works
 * - `bystander`: wants the lease
 * - `namespace`: the first process of a namespace, with which all others of it end
 */
export type Part = "holder" | "parent" | "child" | "bystander" | "namespace";

const MARK = "LEASE_STRESS";

/** The processes of one stress, whichever namespace they live in and whoever started them, and what each is doing by the log. */
export class StressCrowd {
  readonly env: Readonly<Record<string, string>> = { [MARK]: randomUUID() };
  readonly #workers = new Set<string>();
  readonly #children = new Map<string, number>();
  readonly #log: string;
  readonly #stopped = new Map<number, NodeJS.Timeout>();
  #holder: { readonly name: string; readonly generation: number } | null = null;

  constructor(log: string) {
    this.#log = log;
  }

  learn(event: StressEvent): void {
    const name = `${event.ns} ${event.pid}`;
    if (event.e === "up") this.#workers.add(name);
    else if (event.e === "taken") this.#holder = { name, generation: event.generation };
    else if (event.e === "released" && this.#holder?.name === name) this.#holder = null;
    else if (event.e === "child") this.#children.set(`${event.ns} ${event.child}`, event.generation);
    else if ((event.e === "in" || event.e === "joined") && !this.#workers.has(name)) this.#children.set(name, event.generation);
  }

  /** All that live, as this process knows them; what was started and has not begun to work counts as well. */
  living(): number[] {
    return processesWithVariable(MARK, `${this.env[MARK]}\0`);
  }

  /** Somebody to whom something may happen: in six of ten cases whoever holds the lease at this moment. */
  choose(): { readonly pid: number; readonly part: Part } | null {
    const byName = new Map(this.living().map((pid) => [nameOf(pid), pid]));
    const here = (names: Iterable<string>): number[] => [...names].flatMap((name) => byName.get(name) ?? []);
    const holder = this.#holder === null ? undefined : byName.get(this.#holder.name);
    if (Math.random() < 0.6) {
      if (holder === undefined) return null;
      const busy = here([...this.#children].filter(([, of]) => of === this.#holder?.generation).map(([name]) => name)).length > 0;
      return { pid: holder, part: busy ? "parent" : "holder" };
    }
    const others = [
      ...here(this.#children.keys()).map((pid) => ({ pid, part: "child" as const })),
      // Few are children at any moment, and many want the lease.
      ...here(this.#workers)
        .filter((pid) => pid !== holder && Math.random() < 0.2)
        .map((pid) => ({ pid, part: "bystander" as const })),
      ...[...byName].filter(([name]) => name.endsWith(" 1") && Math.random() < 0.2).map(([, pid]) => ({ pid, part: "namespace" as const })),
    ];
    return others[Math.floor(Math.random() * others.length)] ?? null;
  }

  kill(pid: number, part: Part): boolean {
    return this.#signal(pid, "SIGKILL", part);
  }

  #signal(pid: number, name: "SIGKILL" | "SIGSTOP" | "SIGCONT", part: Part | "left"): boolean {
    try {
      process.kill(pid, name);
      tell(this.#log, 0, { e: name, part, target: pid });
      return true;
    } catch {
      // It has ended meanwhile
      return false;
    }
  }

  /** SIGSTOP, and SIGCONT after that many milliseconds. */
  stopFor(pid: number, part: Part, millis: number): boolean {
    if (this.#stopped.has(pid) || !this.#signal(pid, "SIGSTOP", part)) return false;
    this.#stopped.set(
      pid,
      setTimeout(() => this.#resume(pid), millis),
    );
    return true;
  }

  #resume(pid: number): void {
    clearTimeout(this.#stopped.get(pid));
    this.#stopped.delete(pid);
    this.#signal(pid, "SIGCONT", "left");
  }

  resumeAll(): void {
    for (const pid of this.#stopped.keys()) this.#resume(pid);
  }

  /** @returns what had to be killed, because it had not ended by itself after that many milliseconds */
  async disperse(millis: number): Promise<number> {
    this.resumeAll();
    const deadline = performance.now() + millis;
    while (this.living().length > 0 && performance.now() < deadline) await pause(10);
    const left = this.living();
    for (let rest = left; rest.length > 0; rest = this.living()) {
      for (const pid of rest) this.#signal(pid, "SIGKILL", "left");
      await pause(10);
    }
    return left.length;
  }
}

/** A process by namespace and its number in there, as it knows itself. */
function nameOf(pid: number): string {
  try {
    const number = /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return `${readlinkSync(`/proc/${pid}/ns/pid`)} ${number}`;
  } catch {
    return "ended";
  }
}
