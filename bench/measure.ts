import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

export interface Command {
  /** How it is named in reports. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File for standard output; it is thrown away unless given. */
  readonly stdout?: string;
}

/** @param args $1 and what follows, in the script */
export function shell(name: string, script: string, ...args: string[]): Command {
  return { name, argv: ["sh", "-c", script, "sh", ...args] };
}

/** With the durability of a restore. @param to is not there yet */
export function copyOf(from: string, to: string): Command {
  return shell("cp -a, sync -f", 'cp -a "$1" "$2" && sync -f "$2"', from, to);
}

export interface Measurement {
  /** Seconds from start to end of the whole command. */
  readonly wall: number;
  /** User and system seconds of the command and of every child it waited for. */
  readonly cpu: number;
  /** Bytes: the largest resident set that any single process of the command ever had; 0 when not asked for. */
  readonly peak: number;
}

/** Prints what its children have used on descriptor 3 and ends as they did. POSIX, so that nothing has to be installed. */
const TIMED = '"$@"; code=$?; times >&3; exit $code';

/**
 * Runs a whole command to its end, with everything before it already on disk.
 *
 * @param options.sync false for commands that write next to nothing
 * @param options.memory follows the resident sets; off for timings, so that the looking costs the command nothing
 * @throws Error when the command fails: a failed run has no time worth knowing
 */
export async function measure(
  command: Command,
  options: { readonly memory?: boolean; readonly sync?: boolean } = {},
): Promise<Measurement> {
  if (options.sync !== false) await run(["sync"]);
  const output = command.stdout === undefined ? undefined : openSync(command.stdout, "w", 0o600);
  try {
    const started = performance.now();
    const child = spawn("sh", ["-c", TIMED, "sh", ...command.argv], {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ["ignore", output ?? "ignore", "pipe", "pipe"],
    });
    const errors = collect(child.stdio[2]);
    const times = collect(child.stdio[3]);
    const peaks = options.memory === true && child.pid !== undefined ? followPeaks(child.pid) : undefined;
    try {
      const { exit, wall } = await new Promise<{ exit: number | null; wall: number }>((resolve, reject) => {
        let ended = 0;
        child.once("error", reject);
        child.once("exit", () => (ended = performance.now()));
        child.once("close", (code) => resolve({ exit: code, wall: (ended - started) / 1000 }));
      });
      if (exit !== 0) throw new Error(`${command.name} failed with exit code ${exit}: ${errors().slice(-2000)}`);
      return { wall, cpu: parseTimes(times()), peak: peaks?.largest() ?? 0 };
    } finally {
      peaks?.stop();
    }
  } finally {
    if (output !== undefined) closeSync(output);
  }
}

/** Runs something that is not measured. Returns its standard output. */
export async function run(argv: readonly string[], cwd?: string): Promise<string> {
  const [program, ...rest] = argv;
  const child = spawn(program as string, rest, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors] = [collect(child.stdout), collect(child.stderr)];
  const exit = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (exit !== 0) throw new Error(`"${argv.join(" ")}" failed with exit code ${exit}: ${(errors() || output()).slice(-2000)}`);
  return output();
}

function collect(stream: unknown): () => string {
  const pieces: Buffer[] = [];
  (stream as NodeJS.ReadableStream).on("data", (piece: Buffer) => pieces.push(piece));
  return () => Buffer.concat(pieces).toString("utf8");
}

/** The second line of `times`: user and system time of the children, as `1m2.340000s 0m0.560000s`. */
function parseTimes(text: string): number {
  const children = text.trim().split("\n")[1] ?? "";
  const values = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map((match) => Number(match[1]) * 60 + Number(match[2]));
  if (values.length !== 2) throw new Error(`Cannot read the output of "times": ${JSON.stringify(text)}`);
  return (values[0] ?? 0) + (values[1] ?? 0);
}

/**
 * Follows VmHWM of a process and all that descend from it. The kernel keeps the high-water mark itself, so a look every
 * 10 ms misses only what a process still gains in its last 10 ms.
 */
function followPeaks(root: number): { largest(): number; stop(): void } {
  const known = new Set([root]);
  let largest = 0;
  const look = (): void => {
    for (const pid of known) {
      const peak = highWaterMark(pid);
      if (peak === undefined) known.delete(pid);
      else {
        largest = Math.max(largest, peak);
        for (const child of childrenOf(pid)) known.add(child);
      }
    }
  };
  look();
  const timer = setInterval(look, 10);
  return {
    largest: () => {
      if (largest === 0) throw new Error("No process was seen in /proc; the resident set cannot be measured here");
      return largest;
    },
    stop: () => clearInterval(timer),
  };
}

function highWaterMark(pid: number): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? 0 : Number(match[1]) * 1024;
  } catch {
    return undefined; // it has ended
  }
}

/** Every thread lists the children that it started itself; a worker's are not in the main thread's list. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return []; // it has ended meanwhile
  }
}
