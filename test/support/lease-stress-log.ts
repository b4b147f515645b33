import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { pidNamespace } from "../../src/kernel/process-identity.ts";

/** What a run of the stress tells all of its processes. */
export interface StressPlan {
  readonly stateDir: string;
  /** Where the log, the steps and the locks of the oracle lie. */
  readonly folder: string;
  /** The lease is taken away from holders: then what they do is kept apart by the fence alone, and not by the lease. */
  readonly breaks: boolean;
  /** Nobody works with the token alone: another namespace cannot see him (lease-protocol, known limits). */
  readonly namespaces: boolean;
  /**
   * How the lease is made wrong, so that the oracle has something to see: `orphans` frees it from every holder that is dead
   * himself, whatever he started; `unfenced` looks first and acts then.
   */
  readonly wrong: "orphans" | "unfenced" | null;
}

export type StressDeed =
  | { readonly e: "up" }
  | { readonly e: "taken"; readonly how: string; readonly afterDead: boolean }
  | { readonly e: "child"; readonly kind: string; readonly child: number }
  | { readonly e: "in" | "out" | "joined" | "foreign" | "step" | "lost" }
  | { readonly e: "overlap"; readonly where: "body" | "step" }
  | { readonly e: "released"; readonly outcome: string; readonly again: boolean }
  /** By the parent: what it did to whom, in its own namespace. */
  | { readonly e: "SIGKILL" | "SIGSTOP" | "SIGCONT"; readonly part: string; readonly target: number }
  | { readonly e: "break"; readonly answer: string }
  | { readonly e: "error"; readonly text: string };

export type StressEvent = StressDeed & {
  /** Of the process that it happened to, in its own namespace. */
  readonly pid: number;
  readonly ns: string;
  readonly generation: number;
  /** Milliseconds, by the kernel's clock: the same for all processes. */
  readonly at: number;
};

const NAMESPACE = pidNamespace();

/** Appends one line. Nobody who is killed takes the log with him, and the order of lines is the order of writes. */
export function tell(file: string, generation: number, deed: StressDeed): void {
  const descriptor = openSync(file, "a");
  try {
    // A line that was cut off by a kill must not take the next one with it.
    const event: StressEvent = { ...deed, generation, pid: process.pid, ns: NAMESPACE, at: Number(process.hrtime.bigint() / 1000n) / 1000 };
    writeSync(descriptor, `\n${JSON.stringify(event)}\n`);
  } finally {
    closeSync(descriptor);
  }
}

/** Gives what was appended since the last call. */
export function followLog(file: string): Disposable & { next(): StressEvent[] } {
  const descriptor = openSync(file, "a+");
  const buffer = Buffer.alloc(65_536);
  let at = 0;
  let rest = "";
  return {
    next: () => {
      for (let read = -1; read !== 0; at += read) {
        read = readSync(descriptor, buffer, 0, buffer.length, at);
        rest += buffer.toString("latin1", 0, read);
      }
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      return lines.flatMap((line) => eventOf(line));
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function eventOf(line: string): StressEvent[] {
  if (line === "") return [];
  try {
    return [JSON.parse(line) as StressEvent];
  } catch {
    // Cut off by a kill
    return [];
  }
}
