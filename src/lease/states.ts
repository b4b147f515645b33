/** What a lease looks like to whoever asks: what is stored, and whether anybody of those who took it lives. */
export const LEASE_SIGHTS = ["free", "held, live", "held, dead", "draining, live", "draining, dead"] as const;
export type LeaseSight = (typeof LEASE_SIGHTS)[number];

/** What may come to a lease, from people, from programs and from the kernel. SPEC.md says each in a sentence. */
export const LEASE_EVENTS = [
  "acquire",
  "acquire, reserved for another that lives",
  "acquire, reserved for the asker",
  "acquire, reserved by the dead",
  "acquire over a reservation",
  "acquire with its token",
  "acquire with another token",
  "release, nobody else lives",
  "release, a child lives",
  "release again",
  "release by a joiner",
  "release of an old generation",
  "check or fence of the holder",
  "check or fence of a joiner",
  "check or fence of an old generation",
  "break",
  "break inside a fence",
  "reserve",
  "withdraw",
  "ask to yield",
  "the holder is killed, a child lives",
  "the last one is killed",
  "the holder is stopped",
  "the machine starts anew",
  "the clock jumps",
  "the store is damaged: acquire, check or fence",
  "the store is damaged: repair",
  "repair",
] as const;
export type LeaseEvent = (typeof LEASE_EVENTS)[number];

export type LeaseReply =
  | "acquired"
  | "acquired after a dead holder"
  | "inherited"
  | "held"
  | "held, reserved"
  | "released"
  | "draining"
  | "left"
  | "not-owner"
  | "missing"
  | "broken"
  | "reserved"
  | "sound"
  | "repaired"
  | "ok"
  | "LEASE_LOST"
  | "LEASE_FENCED"
  | "LEASE_IN_USE"
  | "LEASE_STORE_*";

export interface LeaseAnswer {
  /** null when nobody is told anything: the kernel's doing. */
  readonly reply: LeaseReply | null;
  readonly next: LeaseSight;
  /** How much the generation grows by; null when a new store begins anywhere above. */
  readonly raise: 0 | 1 | null;
}

/** The event cannot come in this state. */
type Never = null;

type Row = Readonly<Record<LeaseSight, LeaseAnswer | Never>>;

const says = (reply: LeaseReply | null, next: LeaseSight, raise: 0 | 1 | null = 0): LeaseAnswer => ({ reply, next, raise });

/** The same answer in every state, which it leaves as it was. */
const always = (reply: LeaseReply | null): Readonly<Record<LeaseSight, LeaseAnswer>> => ({
  free: says(reply, "free"),
  "held, live": says(reply, "held, live"),
  "held, dead": says(reply, "held, dead"),
  "draining, live": says(reply, "draining, live"),
  "draining, dead": says(reply, "draining, dead"),
});

const TAKE: Row = {
  free: says("acquired", "held, live", 1),
  "held, live": says("held", "held, live"),
  "held, dead": says("acquired after a dead holder", "held, live", 1),
  "draining, live": says("held", "draining, live"),
  // Its holder had released it: nobody died without a word.
  "draining, dead": says("acquired", "held, live", 1),
};

const IN_USE_WHILE_LIVE: Row = {
  free: says("repaired", "free", null),
  "held, live": says("LEASE_IN_USE", "held, live"),
  "held, dead": says("repaired", "free", null),
  "draining, live": says("LEASE_IN_USE", "draining, live"),
  "draining, dead": says("repaired", "free", null),
};

/** Every state by every event. A cell that is missing does not compile. */
export const LEASE_TABLE: Readonly<Record<LeaseEvent, Row>> = {
  acquire: TAKE,
  "acquire, reserved for another that lives": {
    free: says("held, reserved", "free"),
    "held, live": says("held", "held, live"),
    "held, dead": says("held, reserved", "held, dead"),
    "draining, live": says("held", "draining, live"),
    "draining, dead": says("held, reserved", "draining, dead"),
  },
  "acquire, reserved for the asker": TAKE,
  "acquire, reserved by the dead": TAKE,
  "acquire over a reservation": TAKE,
  "acquire with its token": {
    free: null,
    "held, live": says("inherited", "held, live"),
    "held, dead": says("inherited", "held, live"),
    "draining, live": says("inherited", "draining, live"),
    "draining, dead": says("inherited", "draining, live"),
  },
  "acquire with another token": TAKE,
  "release, nobody else lives": {
    free: says("missing", "free"),
    "held, live": says("released", "free"),
    "held, dead": null,
    "draining, live": null,
    "draining, dead": null,
  },
  "release, a child lives": {
    free: says("missing", "free"),
    "held, live": says("draining", "draining, live"),
    "held, dead": null,
    "draining, live": null,
    "draining, dead": null,
  },
  "release again": {
    free: says("released", "free"),
    "held, live": null,
    "held, dead": null,
    "draining, live": says("draining", "draining, live"),
    "draining, dead": says("draining", "draining, dead"),
  },
  "release by a joiner": {
    free: says("left", "free"),
    "held, live": says("left", "held, live"),
    "held, dead": null,
    "draining, live": says("left", "draining, dead"),
    "draining, dead": null,
  },
  "release of an old generation": { ...always("not-owner"), free: says("missing", "free") },
  "check or fence of the holder": {
    free: says("LEASE_LOST", "free"),
    "held, live": says("ok", "held, live"),
    "held, dead": null,
    "draining, live": says("LEASE_LOST", "draining, live"),
    "draining, dead": says("LEASE_LOST", "draining, dead"),
  },
  "check or fence of a joiner": {
    free: says("LEASE_LOST", "free"),
    "held, live": says("ok", "held, live"),
    "held, dead": null,
    "draining, live": says("ok", "draining, live"),
    "draining, dead": null,
  },
  "check or fence of an old generation": always("LEASE_LOST"),
  break: {
    free: says("missing", "free"),
    "held, live": says("broken", "free", 1),
    "held, dead": says("broken", "free", 1),
    "draining, live": says("broken", "free", 1),
    "draining, dead": says("broken", "free", 1),
  },
  "break inside a fence": {
    free: null,
    "held, live": says("LEASE_FENCED", "held, live"),
    "held, dead": null,
    "draining, live": says("LEASE_FENCED", "draining, live"),
    "draining, dead": null,
  },
  reserve: always("reserved"),
  withdraw: always("ok"),
  "ask to yield": always("ok"),
  "the holder is killed, a child lives": {
    free: null,
    "held, live": says(null, "held, live"),
    "held, dead": null,
    "draining, live": says(null, "draining, live"),
    "draining, dead": null,
  },
  "the last one is killed": {
    free: null,
    "held, live": says(null, "held, dead"),
    "held, dead": null,
    "draining, live": says(null, "draining, dead"),
    "draining, dead": null,
  },
  "the holder is stopped": {
    free: null,
    "held, live": says(null, "held, live"),
    "held, dead": null,
    "draining, live": says(null, "draining, live"),
    "draining, dead": null,
  },
  "the machine starts anew": {
    free: says(null, "free"),
    "held, live": says(null, "held, dead"),
    "held, dead": says(null, "held, dead"),
    "draining, live": says(null, "draining, dead"),
    "draining, dead": says(null, "draining, dead"),
  },
  "the clock jumps": always(null),
  "the store is damaged: acquire, check or fence": always("LEASE_STORE_*"),
  "the store is damaged: repair": IN_USE_WHILE_LIVE,
  repair: always("sound"),
};
