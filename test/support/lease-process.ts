import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { errorFromJson, identityOfProcess, isRunning, processesOfGroup } from "../../src/kernel/index.ts";
import type { AcquireRequest, BreakReport, Held, LeaseView, ReleaseOutcome } from "../../src/lease/index.ts";
import { answeringProcess } from "./answering-process.ts";

type ChildRequest = Omit<AcquireRequest, "signal" | "onWaiting">;

export type LeaseCommand =
  | { readonly do: "open"; readonly stateDir: string }
  | { readonly do: "acquire"; readonly request: ChildRequest }
  | { readonly do: "check" | "leave" | "release" | "shouldYield" | "inspect" | "break" | "repair" | "close" | "descriptors" }
  | { readonly do: "fence"; readonly file: string }
  | { readonly do: "enter"; readonly label: string }
  | { readonly do: "addChild"; readonly pid: number }
  | { readonly do: "start"; readonly how: StartedBy }
  | { readonly do: "reserve" | "withdraw"; readonly owner: string }
  | { readonly do: "requestYield"; readonly by: string };

/**
 * How a process that a holder starts can be found: by the inherited descriptor alone, by the process group that was written
 * down, by the token in its environment alone; or by descriptor and environment of one that made itself independent.
 */
export type StartedBy = "descriptor" | "group" | "environment" | "daemon";

export type ChildAcquired = {
  readonly outcome: "acquired" | "inherited";
  readonly lease: { readonly generation: number; readonly environment: { readonly HOLDFAST_LEASE: string }; readonly inherited: boolean };
  readonly afterDeadHolder: boolean;
  readonly foreignToken: boolean;
};

export interface LeaseProcess extends AsyncDisposable {
  /** As the process itself knows it: of its own namespace. */
  readonly pid: number;
  open(stateDir: string): Promise<void>;
  acquire(request?: Partial<ChildRequest>): Promise<ChildAcquired | (Held & { readonly foreignToken: boolean })>;
  /** acquire(), where nobody else can hold it. */
  hold(request?: Partial<ChildRequest>): Promise<ChildAcquired>;
  check(): Promise<void>;
  /** A fenced step that appends a line to a file. */
  fence(file: string): Promise<void>;
  /** Begins a fenced step, which ends with leave(). */
  enter(label: string): Promise<void>;
  leave(): Promise<void>;
  addChild(pid: number): Promise<void>;
  release(): Promise<ReleaseOutcome>;
  shouldYield(): Promise<boolean>;
  /** Starts a process that works on when this one dies; it is gone when the scope ends. */
  start(how: StartedBy): Promise<Started>;
  reserve(owner: string): Promise<boolean>;
  withdraw(owner: string): Promise<void>;
  requestYield(by: string): Promise<void>;
  inspect(): Promise<LeaseView | null>;
  break(): Promise<BreakReport>;
  repair(): Promise<"repaired" | "sound">;
  /** Disposes of the keeper, and its thread with it; the process stays. */
  close(): Promise<void>;
  /** How many descriptors are open. */
  descriptors(): Promise<number>;
  /** SIGKILL to the process; what it started works on. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  stop(): void;
  resume(): void;
}

export interface Started {
  readonly pid: number;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

export interface LeaseProcessOptions {
  readonly stateDir?: string;
  /** The store in a thread of its own; inline unless told. */
  readonly thread?: boolean;
  /** A program in front of Node, which becomes it or starts it. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PROGRAM = fileURLToPath(new URL("./lease-child.ts", import.meta.url));

/** Another process that takes the lease, works under it and lets go of it as it is told. */
export async function leaseProcess({ stateDir, thread = false, before = [], env = {} }: LeaseProcessOptions = {}): Promise<LeaseProcess> {
  const other = await answeringProcess<{ readonly pid: number }>([...before, process.execPath, PROGRAM, thread ? "thread" : "inline"], {
    env: { ...process.env, ...env },
    errorOf: errorFromJson,
  });
  const { child } = other;
  const { pid } = other.first;
  const ask = async <T>(command: LeaseCommand): Promise<T> => await other.ask(command);
  const started: Started[] = [];
  const acquire = async (request: Partial<ChildRequest> = {}): ReturnType<LeaseProcess["acquire"]> =>
    await ask({ do: "acquire", request: { owner: `process ${pid}`, ...request } });
  const kill = async (): Promise<void> => {
    await other.kill();
    // What stood in front of it may be gone before it is.
    await other.silent;
  };
  const one: LeaseProcess = {
    pid,
    open: async (dir) => await ask({ do: "open", stateDir: dir }),
    acquire,
    hold: async (request) => {
      const taken = await acquire(request);
      if (taken.outcome === "held") throw new Error(`The lease is held: ${JSON.stringify(taken)}`);
      return taken;
    },
    check: async () => await ask({ do: "check" }),
    fence: async (file) => await ask({ do: "fence", file }),
    enter: async (label) => await ask({ do: "enter", label }),
    leave: async () => await ask({ do: "leave" }),
    addChild: async (of) => await ask({ do: "addChild", pid: of }),
    release: async () => await ask({ do: "release" }),
    shouldYield: async () => await ask({ do: "shouldYield" }),
    start: async (how) => {
      const found = startedAt(await ask<number>({ do: "start", how }));
      started.push(found);
      return found;
    },
    reserve: async (owner) => await ask({ do: "reserve", owner }),
    withdraw: async (owner) => await ask({ do: "withdraw", owner }),
    requestYield: async (by) => await ask({ do: "requestYield", by }),
    inspect: async () => await ask({ do: "inspect" }),
    break: async () => await ask({ do: "break" }),
    repair: async () => await ask({ do: "repair" }),
    close: async () => await ask({ do: "close" }),
    descriptors: async () => await ask({ do: "descriptors" }),
    kill,
    stop: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([kill(), ...started.map(async (it) => await it.kill())]);
    },
  };
  if (stateDir !== undefined) await one.open(stateDir);
  return one;
}

/** Somebody in the process group of that number, its leader or those that it left behind. */
function startedAt(pid: number): Started {
  const members = processesOfGroup(pid).map((found) => identityOfProcess(found.pid));
  return {
    pid,
    kill: async () => {
      for (const member of members) if (isRunning(member)) process.kill(member.pid, "SIGKILL");
      while (members.some(isRunning)) await setImmediate();
    },
  };
}
