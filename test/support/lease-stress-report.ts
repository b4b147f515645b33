import type { Part } from "./lease-stress-crowd.ts";
import type { StressEvent } from "./lease-stress-log.ts";

type Counts<K extends string> = Partial<Record<K, number>>;

export interface StressRun {
  readonly breaks: boolean;
  readonly namespaces: boolean;
}

/** What came of a stress. */
export class StressReport {
  readonly #run: StressRun;
  /** In the order in which they were written down. */
  readonly generations: number[] = [];
  /** Of the irreversible steps, in the order in which they were taken. */
  readonly steps: { readonly generation: number; readonly by: string }[] = [];
  readonly overlaps: { body: StressEvent[]; step: StressEvent[] } = { body: [], step: [] };
  readonly errors: string[] = [];
  /** By each kind of part: killed and stopped. */
  readonly killed: Counts<Part> = {};
  readonly stopped: Counts<Part> = {};
  /** What was taken by a keeper of each kind, and how often after a dead holder. */
  readonly taken: Counts<"inline" | "thread" | "afterDead"> = {};
  readonly released: Counts<string> = {};
  /** Who worked: workers themselves and each kind of child; bodies that began, ended, and joined. */
  readonly worked: Counts<string> = {};
  readonly broken: Set<number> = new Set();
  /** Breaks that were refused because of a fence. */
  fenced = 0;
  /** Generations of those who were told that they had lost the lease. */
  readonly lost: number[] = [];
  /** Of those who came with a token that was no longer the lease's. */
  readonly foreign: number[] = [];
  /** Releases that found somebody else's lease, or none. */
  readonly stale: number[] = [];
  /** Second releases that answered otherwise than the first. */
  readonly unequal: StressEvent[] = [];
  /** Set at the end. */
  survivors = -1;
  freeInTheEnd = false;
  lastGeneration = 0;
  /** Files beside the store that nobody needs. */
  leftovers = 0;
  /** What came before the first overlap. */
  trace: string = "";
  readonly #recent: StressEvent[] = [];
  readonly #firstRelease = new Map<string, string>();

  constructor(run: StressRun) {
    this.#run = run;
  }

  count<K extends string>(counts: Counts<K>, key: K): void {
    counts[key] = (counts[key] ?? 0) + 1;
  }

  learn(event: StressEvent): void {
    this.#recent.push(event);
    if (this.#recent.length > 60) this.#recent.shift();
    switch (event.e) {
      case "taken":
        this.generations.push(event.generation);
        this.count(this.taken, event.how as "inline");
        if (event.afterDead) this.count(this.taken, "afterDead");
        return;
      case "overlap":
        this.overlaps[event.where].push(event);
        if (this.trace === "") this.trace = this.#recent.map((one) => JSON.stringify(one)).join("\n");
        return;
      case "released":
        return this.#learnRelease(event);
      case "lost":
        this.lost.push(event.generation);
        return;
      case "foreign":
        this.foreign.push(event.generation);
        return;
      case "error":
        this.errors.push(event.text);
        return;
      case "child":
        return this.count(this.worked, event.kind);
      case "in":
      case "out":
      case "joined":
        return this.count(this.worked, event.e);
      case "up":
      case "step":
      case "break":
      case "SIGKILL":
      case "SIGSTOP":
      case "SIGCONT":
        return;
      default:
        throw new Error(`Unknown event ${JSON.stringify(event satisfies never)}`);
    }
  }

  #learnRelease({ outcome, again, ...event }: StressEvent & { e: "released" }): void {
    const key = `${event.ns} ${event.pid} ${event.generation}`;
    if (!again) this.#firstRelease.set(key, outcome);
    else if (this.#firstRelease.get(key) !== outcome) this.unequal.push({ ...event, outcome, again });
    this.count(this.released, again ? "again" : outcome);
    if (!again && (outcome === "not-owner" || outcome === "missing")) this.stale.push(event.generation);
  }

  learnStep(event: StressEvent): void {
    this.steps.push({ generation: event.generation, by: `${event.ns} ${event.pid}` });
  }

  /** Steps that came after one of a later generation. */
  disorder(): number {
    let highest = 0;
    return this.steps.filter(({ generation }) => {
      const stale = generation < highest;
      highest = Math.max(highest, generation);
      return stale;
    }).length;
  }

  summary(): string {
    const { generations, steps, overlaps, killed, stopped, taken, released, worked, broken, fenced, lost } = this;
    const told = { acquisitions: generations.length, ...taken, worked, released, killed, stopped, steps: steps.length };
    const wrong = { bodies: overlaps.body.length, steps: overlaps.step.length, disorder: this.disorder() };
    return JSON.stringify({ ...told, broken: broken.size, fenced, lost: lost.length, overlaps: wrong, leftovers: this.leftovers });
  }

  /** Whether everything that is to be tried was tried often enough for the silence of the oracle to mean something. */
  isRich(): boolean {
    const { breaks, namespaces } = this.#run;
    const parts: Part[] = ["holder", "parent", "child", "bystander", ...(namespaces ? (["namespace"] as const) : [])];
    const kinds = ["child", "joiner", "joined", ...(namespaces ? [] : ["forgetful"])];
    const ends = ["released", "draining", "left", "again", ...(breaks ? ["not-owner"] : [])];
    return (
      this.generations.length > 30 &&
      this.steps.length > 10 &&
      (["inline", "thread", "afterDead"] as const).every((how) => (this.taken[how] ?? 0) > 3) &&
      parts.every((part) => (this.killed[part] ?? 0) > 0) &&
      (["holder", "parent", "child"] as const).every((part) => (this.stopped[part] ?? 0) > 0) &&
      kinds.every((kind) => (this.worked[kind] ?? 0) > 0) &&
      ends.every((end) => (this.released[end] ?? 0) > 0) &&
      (!breaks || (this.broken.size > 5 && this.lost.length > 0))
    );
  }

  /** What must not be, whatever happened to whom; nothing when all is well. */
  faults(): string[] {
    const { generations, steps, overlaps } = this;
    // Nobody but a break took the lease away from anybody, and no release freed another's.
    const unexplained = (of: readonly number[]): number[] => of.filter((generation) => !this.broken.has(generation));
    const isGrowing = generations.every((generation, index) => generation > (generations[index - 1] ?? 0));
    const faults: readonly (readonly [boolean, string])[] = [
      [!this.isRich(), "not everything was tried"],
      [this.errors.length > 0, `errors: ${this.errors.join("; ")}`],
      [overlaps.body.length > 0, `at work at once: ${overlaps.body.length} times\n${this.trace}`],
      [overlaps.step.length > 0, `inside a fence at once: ${overlaps.step.length} times\n${this.trace}`],
      [this.disorder() > 0, `steps after one of a later generation: ${this.disorder()}`],
      [new Set(steps.map(({ generation, by }) => `${generation} ${by}`)).size < steps.length, "a step was taken twice"],
      [new Set(generations).size < generations.length, "a generation was handed out twice"],
      // Who was stopped before he could write down what he got, and lost it to a break, writes it down late.
      [!isGrowing && !this.#run.breaks, "a generation was handed out after a higher one"],
      [unexplained(this.lost).length > 0, `lost without a break: ${unexplained(this.lost).join()}`],
      [unexplained(this.foreign).length > 0, `a token that did not count, without a break: ${unexplained(this.foreign).join()}`],
      [unexplained(this.stale).length > 0, `released by somebody else, without a break: ${unexplained(this.stale).join()}`],
      [this.unequal.length > 0, `released twice with two answers: ${JSON.stringify(this.unequal)}`],
      [this.survivors !== 0, `survivors: ${this.survivors}`],
      [!this.freeInTheEnd, "not free in the end"],
      [this.lastGeneration < Math.max(...generations), "the store forgot a generation"],
    ];
    return faults.flatMap(([is, what]) => (is ? [what] : []));
  }
}
