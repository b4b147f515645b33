import { DatabaseSync } from "node:sqlite";
import { sqliteLease, type LeaseKeeper } from "../../src/lease/index.ts";
import type { LeaseSight } from "../../src/lease/states.ts";
import { leaseProcess, type ChildAcquired, type LeaseProcess, type Started } from "./lease-process.ts";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

/** Processes that can be used again by the next stage, because nobody killed them. */
export class LeaseTroupe implements AsyncDisposable {
  readonly #idle: LeaseProcess[] = [];

  async borrow(stateDir: string): Promise<LeaseProcess> {
    const one = this.#idle.pop() ?? (await leaseProcess());
    await one.open(stateDir);
    return one;
  }

  giveBack(one: LeaseProcess): void {
    this.#idle.push(one);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.map(async (one) => await one[Symbol.asyncDispose]()));
  }
}

export interface LeaseStageOptions {
  /** Somebody has joined the holder's lease, and is who keeps it draining. */
  readonly joiner?: boolean;
  /** The holder works with a child, whatever the state. */
  readonly child?: boolean;
  /** The one whose lease was taken away before has not noticed. */
  readonly old?: boolean;
  /** How a lease comes to be free: taken away from its holder unless told. */
  readonly freedBy?: "break" | "release";
}

/** A real lease in one of its states, with the real processes that it takes to be in it. */
export class LeaseStage implements AsyncDisposable {
  readonly folder: TemporaryFolder = temporaryFolder();
  readonly stateDir: string = this.folder.join("state");
  readonly keeper: LeaseKeeper = sqliteLease({ stateDir: this.stateDir, blocking: true });
  readonly #troupe: LeaseTroupe;
  readonly #cast = new Set<LeaseProcess>();
  readonly #started: Started[] = [];
  #roles: { holder: LeaseProcess; joiner: LeaseProcess; old: LeaseProcess; taken: ChildAcquired; child: Started } | undefined;

  constructor(troupe: LeaseTroupe) {
    this.#troupe = troupe;
  }

  static async at(troupe: LeaseTroupe, sight: LeaseSight, options: LeaseStageOptions = {}): Promise<LeaseStage> {
    const stage = new LeaseStage(troupe);
    await stage.#prepare(sight, options);
    return stage;
  }

  /** Who holds it, held it, or died of it; what it was given; and who else works here, where the options asked for them. */
  get roles(): { holder: LeaseProcess; joiner: LeaseProcess; old: LeaseProcess; taken: ChildAcquired; child: Started } {
    if (this.#roles === undefined) throw new Error("The stage is not prepared");
    return this.#roles;
  }

  async another(): Promise<LeaseProcess> {
    const one = await this.#troupe.borrow(this.stateDir);
    this.#cast.add(one);
    return one;
  }

  async kill(one: LeaseProcess): Promise<void> {
    this.#cast.delete(one);
    await one.kill();
  }

  async startOf(one: LeaseProcess): Promise<Started> {
    const child = await one.start("descriptor");
    this.#started.push(child);
    await one.addChild(child.pid);
    return child;
  }

  async #prepare(
    sight: LeaseSight,
    { joiner = false, child = false, old: keepsOld = false, freedBy = "break" }: LeaseStageOptions,
  ): Promise<void> {
    const old = await this.another();
    await old.hold();
    await this.keeper.break();
    if (!keepsOld) await old.release();
    const holder = await this.another();
    const taken = await holder.hold({ owner: "holder", reason: "staged" });
    const roles = { holder, old, taken, joiner: holder, child: { pid: 0, kill: async () => {} } };
    this.#roles = roles;
    if (joiner) {
      roles.joiner = await this.another();
      await roles.joiner.hold({ token: taken.lease.environment.HOLDFAST_LEASE });
    } else if (child || sight.startsWith("draining")) roles.child = await this.startOf(holder);
    if (sight === "free" && freedBy === "break") await this.keeper.break();
    else if (sight === "held, dead") await this.kill(holder);
    else if (!sight.startsWith("held")) await holder.release();
    if (sight === "draining, dead") await roles.child.kill();
  }

  /** What is seen from here at this moment. */
  async see(): Promise<{ readonly sight: LeaseSight; readonly generation: number }> {
    const view = await this.keeper.inspect();
    if (view === null) throw new Error("There is no lease");
    const sight = view.stored === "free" ? "free" : (`${view.stored}, ${view.state === "free" ? "dead" : "live"}` as const);
    return { sight, generation: view.generation };
  }

  /** Changes the store behind everybody's back. */
  sql(statement: string): void {
    const database = new DatabaseSync(this.folder.join("state", "lease", "lease.db"));
    database.exec(statement);
    database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map(async (child) => await child.kill()));
    for (const one of this.#cast) this.#troupe.giveBack(one);
    await this.keeper[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}
