import { breakLease, insideFence, repair, requestYield, reserve, withdraw } from "./intervene.ts";
import { inspect } from "./inspect.ts";
import { addChild, check, giveBack, openFence, release, type OpenFence } from "./hold.ts";
import { BUSY, type Busy } from "./busy.ts";
import type { StorePlace } from "./store.ts";
import { take, type Grip } from "./take.ts";

/**
 * Everything that is done to the store, by name: each call is short, synchronous, takes and gives plain data, and answers
 * BUSY instead of waiting. So it can run where it is called or in a thread, with the same code.
 */
export interface StoreCalls {
  readonly take: typeof take;
  readonly check: typeof check;
  readonly addChild: typeof addChild;
  readonly release: typeof release;
  readonly giveBack: typeof giveBack;
  readonly inspect: typeof inspect;
  readonly requestYield: typeof requestYield;
  readonly reserve: typeof reserve;
  readonly withdraw: typeof withdraw;
  readonly breakLease: typeof breakLease;
  /** As JSON: errors do not travel between threads. */
  readonly insideFence: (place: StorePlace) => Record<string, unknown> | null;
  readonly repair: typeof repair;
  readonly openFence: (place: StorePlace, grip: Grip, label: string) => number | Busy;
  readonly closeFence: (place: StorePlace, id: number) => true;
}

export const STORE_CALLS: StoreCalls = {
  take,
  check,
  addChild,
  release,
  giveBack,
  inspect,
  requestYield,
  reserve,
  withdraw,
  breakLease,
  insideFence: (place) => insideFence(place)?.toJSON() ?? null,
  repair,
  openFence: (place, grip, label) => {
    const fence = openFence(place, grip, label);
    return fence === BUSY ? BUSY : keepFence(fence);
  },
  closeFence: (_place, id) => {
    fences.get(id)?.close();
    fences.delete(id);
    return true;
  },
};

/** Fences that are open, in the thread that opened them: a database connection cannot travel. */
const fences = new Map<number, OpenFence>();
let lastFence = 0;

function keepFence(fence: OpenFence): number {
  lastFence += 1;
  fences.set(lastFence, fence);
  return lastFence;
}

export type StoreCall = keyof StoreCalls;
type Rest<F> = F extends (place: StorePlace, ...rest: infer R) => unknown ? R : never;
export type StoreArguments<K extends StoreCall> = Rest<StoreCalls[K]>;
export type StoreAnswer<K extends StoreCall> = ReturnType<StoreCalls[K]>;

/** Where the calls run. */
export interface StoreThread {
  call<K extends StoreCall>(name: K, ...rest: StoreArguments<K>): Promise<StoreAnswer<K>>;
  stop(): Promise<void>;
}

/** In this thread: for a command, which has nothing else to do meanwhile. */
export function ownThread(place: StorePlace): StoreThread {
  return {
    call: async (name, ...rest) =>
      (STORE_CALLS[name] as (place: StorePlace, ...rest: unknown[]) => StoreAnswer<typeof name>)(place, ...rest),
    stop: async () => {},
  };
}
