import assert from "node:assert/strict";
import { HoldfastError } from "../../src/kernel/index.ts";
import { LEASE_TABLE, type LeaseEvent, type LeaseReply, type LeaseSight } from "../../src/lease/states.ts";
import { leasePlace, type LeasePlace } from "./lease-place.ts";
import type { LeaseProcess, Started } from "./lease-process.ts";
import type { LeaseTroupe } from "./lease-stage.ts";

/** What may be done next, by one of three processes; what makes no sense at that moment is passed over. */
export type LeaseStep = readonly [
  act:
    | "acquire"
    | "join"
    | "stale"
    | "over"
    | "release"
    | "check"
    | "reserve"
    | "withdraw"
    | "child"
    | "end"
    | "kill"
    | "stop"
    | "go"
    | "break"
    | "repair",
  actor: 0 | 1 | 2,
];

interface Actor {
  process: LeaseProcess;
  /** What it has in hand, whatever that is worth by now. */
  grip: { readonly generation: number; readonly joined: boolean; released: LeaseReply | null } | null;
  stopped: boolean;
}

/**
 * The lease as the table says it must be, beside a real one with real processes. Who lives is known here, because nobody
 * dies but by a step; everything else is taken from the table.
 */
export class LeaseModel implements AsyncDisposable {
  /** Events that came, over all models. */
  static readonly seen: Set<LeaseEvent> = new Set();

  readonly #place: LeasePlace = leasePlace();
  readonly #troupe: LeaseTroupe;
  readonly #actors: Actor[] = [];
  #stored: "free" | "held" | "draining" = "free";
  #generation = 0;
  #token = "";
  #holder: Actor | null = null;
  #joiners = new Set<Actor>();
  #children: Started[] = [];
  readonly #everyChild: Started[] = [];
  #reservation: { readonly owner: string; readonly by: Actor; readonly process: LeaseProcess } | null = null;

  constructor(troupe: LeaseTroupe) {
    this.#troupe = troupe;
  }

  async begin(): Promise<void> {
    for (let index = 0; index < 3; index += 1) {
      this.#actors.push({ process: await this.#troupe.borrow(this.#place.stateDir), grip: null, stopped: false });
    }
    const { lease } = await this.#place.hold();
    await lease.release();
    this.#generation = lease.generation;
  }

  get #sight(): LeaseSight {
    if (this.#stored === "free") return "free";
    const live = (this.#stored === "held" && this.#holder !== null) || this.#joiners.size > 0 || this.#children.length > 0;
    return `${this.#stored}, ${live ? "live" : "dead"}`;
  }

  #isCurrent(actor: Actor): boolean {
    return actor.grip?.released === null && (actor === this.#holder || this.#joiners.has(actor));
  }

  async step([act, index]: LeaseStep): Promise<void> {
    const actor = this.#actors[index] as Actor;
    if (act === "break" || act === "repair") await this.#fromOutside(act);
    else if (act === "kill") await this.#kill(actor);
    else if (act === "end") await this.#endChild();
    else if (act === "go" || act === "stop") this.#signal(actor, act);
    else if (!actor.stopped) await this.#by(actor, act, `actor ${index}`);
    await this.#compare();
  }

  async #by(actor: Actor, act: LeaseStep[0], owner: string): Promise<void> {
    switch (act) {
      case "release":
        return await this.#release(actor);
      case "check":
        return await this.#check(actor);
      case "child":
        return await this.#startChild(actor);
      case "reserve":
        return await this.#reserve(actor, owner);
      case "withdraw":
        await actor.process.withdraw(owner);
        if (this.#reservation?.process === actor.process) this.#reservation = null;
        return;
      default:
        // Who holds it and asks again would have no way left to let go of the first.
        if (!this.#isCurrent(actor)) await this.#acquire(actor, act as "acquire" | "join" | "stale" | "over", owner);
    }
  }

  /** Takes from the table what is to be said, and holds what happens to it. */
  #expect(event: LeaseEvent, reply: LeaseReply | null, happens: () => void = () => {}): void {
    const cell = LEASE_TABLE[event][this.#sight];
    LeaseModel.seen.add(event);
    assert.deepEqual({ event, sight: this.#sight, reply }, { event, sight: this.#sight, reply: cell?.reply });
    this.#generation += cell?.raise ?? 0;
    happens();
    assert.deepEqual({ event, next: this.#sight }, { event, next: cell?.next });
  }

  async #acquire(actor: Actor, how: "acquire" | "join" | "stale" | "over", owner: string): Promise<void> {
    const joins = how === "join" && this.#stored !== "free";
    const request = { owner, ...(how === "over" ? { overReservation: true } : {}), ...(joins ? { token: this.#token } : {}) };
    const answer = await actor.process.acquire(how === "stale" ? { ...request, token: "0123456789ab-stale" } : request);
    assert.deepEqual(answer.foreignToken, how === "stale");
    let reply: LeaseReply;
    if (answer.outcome === "held") reply = answer.reservedFor === null ? "held" : "held, reserved";
    else if (answer.outcome === "inherited") reply = "inherited";
    else reply = answer.afterDeadHolder ? "acquired after a dead holder" : "acquired";
    this.#expect(joins ? "acquire with its token" : this.#acquireEvent(actor, how, owner), reply, () => {
      if (answer.outcome === "held") return;
      actor.grip = { generation: answer.lease.generation, joined: answer.lease.inherited, released: null };
      assert.deepEqual(answer.lease.generation, this.#generation);
      if (joins) this.#joiners.add(actor);
      else this.#take(actor, answer.lease.environment.HOLDFAST_LEASE, owner);
    });
  }

  #acquireEvent(actor: Actor, how: LeaseStep[0], owner: string): LeaseEvent {
    const kept = this.#reservation;
    if (kept === null) return how === "stale" ? "acquire with another token" : "acquire";
    if (how === "over") return "acquire over a reservation";
    if (kept.process !== kept.by.process) return "acquire, reserved by the dead";
    return kept.owner === owner && kept.process === actor.process
      ? "acquire, reserved for the asker"
      : "acquire, reserved for another that lives";
  }

  #take(actor: Actor, token: string, owner: string): void {
    this.#stored = "held";
    this.#token = token;
    this.#holder = actor;
    this.#joiners = new Set();
    this.#children = [];
    const kept = this.#reservation;
    if (kept !== null && (kept.process !== kept.by.process || (kept.process === actor.process && kept.owner === owner)))
      this.#reservation = null;
  }

  async #release(actor: Actor): Promise<void> {
    const { grip } = actor;
    if (grip === null) return;
    const reply = await actor.process.release();
    if (grip.released !== null) assert.deepEqual(reply, grip.released);
    else if (grip.joined) {
      assert.deepEqual(reply, "left");
      this.#joiners.delete(actor);
    } else if (actor !== this.#holder) this.#expect("release of an old generation", reply);
    else {
      const others = this.#joiners.size + this.#children.length > 0;
      this.#expect(others ? "release, a child lives" : "release, nobody else lives", reply, () => {
        this.#stored = others ? "draining" : "free";
        this.#holder = null;
      });
    }
    grip.released = reply;
  }

  async #check(actor: Actor): Promise<void> {
    const { grip } = actor;
    if (grip === null) return;
    const code = async (attempt: Promise<void>): Promise<LeaseReply> =>
      await attempt.then(
        () => "ok" as const,
        (error: unknown) => (error instanceof HoldfastError ? (error.code as LeaseReply) : Promise.reject(error as Error)),
      );
    const checked = await code(actor.process.check());
    assert.deepEqual(await code(actor.process.fence(this.#place.join("steps"))), checked);
    if (!this.#isCurrent(actor)) this.#expect("check or fence of an old generation", checked);
    else this.#expect(grip.joined ? "check or fence of a joiner" : "check or fence of the holder", checked);
  }

  async #startChild(actor: Actor): Promise<void> {
    if (actor !== this.#holder || !this.#isCurrent(actor)) return;
    const child = await actor.process.start("descriptor");
    await actor.process.addChild(child.pid);
    this.#children.push(child);
    this.#everyChild.push(child);
  }

  async #endChild(): Promise<void> {
    const child = this.#children.at(-1);
    if (child === undefined) return;
    await child.kill();
    this.#children.pop();
  }

  async #reserve(actor: Actor, owner: string): Promise<void> {
    const kept = this.#reservation;
    const possible = kept === null || kept.process !== kept.by.process || kept.process === actor.process;
    assert.deepEqual(await actor.process.reserve(owner), possible);
    if (possible) this.#expect("reserve", "reserved", () => (this.#reservation = { owner, by: actor, process: actor.process }));
  }

  async #kill(actor: Actor): Promise<void> {
    await actor.process.kill();
    const part = this.#isCurrent(actor);
    const before = this.#sight;
    const dies = (): void => {
      if (this.#holder === actor) this.#holder = null;
      this.#joiners.delete(actor);
    };
    const last = this.#children.length + this.#joiners.size + (this.#holder === null ? 0 : 1) === 1;
    if (part && before !== "free") this.#expect(last ? "the last one is killed" : "the holder is killed, a child lives", null, dies);
    actor.process = await this.#troupe.borrow(this.#place.stateDir);
    actor.grip = null;
    actor.stopped = false;
  }

  #signal(actor: Actor, act: "stop" | "go"): void {
    actor.stopped = act === "stop";
    if (act === "go") actor.process.resume();
    else {
      actor.process.stop();
      if (this.#isCurrent(actor) && this.#sight !== "free") this.#expect("the holder is stopped", null);
    }
  }

  async #fromOutside(act: "break" | "repair"): Promise<void> {
    if (act === "repair") this.#expect("repair", await this.#place.keeper.repair());
    else {
      const { outcome } = await this.#place.keeper.break();
      this.#expect("break", outcome, () => {
        // What nobody holds is at most kept for somebody, and that is what ends then.
        if (this.#stored === "free") this.#reservation = null;
        this.#stored = "free";
        this.#holder = null;
        this.#joiners = new Set();
        this.#children = [];
      });
    }
  }

  /** The lease is seen as the model has it, and nobody thinks that it holds it who does not. */
  async #compare(): Promise<void> {
    const view = await this.#place.keeper.inspect();
    const state = view?.stored === "free" ? "free" : `${view?.stored}, ${view?.state === "free" ? "dead" : "live"}`;
    assert.deepEqual({ state, generation: view?.generation }, { state: this.#sight, generation: this.#generation });
    for (const actor of this.#actors) {
      if (actor.stopped || actor.grip === null) continue;
      const holds = await actor.process.check().then(
        () => true,
        () => false,
      );
      assert.deepEqual(holds, this.#isCurrent(actor));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#everyChild.map(async (child) => await child.kill()));
    for (const { process } of this.#actors) {
      process.resume();
      this.#troupe.giveBack(process);
    }
    await this.#place[Symbol.asyncDispose]();
  }
}
