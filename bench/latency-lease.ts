import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sqliteLease, type LeaseKeeper } from "../src/lease/index.ts";
import type { LatencyRow } from "./latency-report.ts";
import { run } from "./measure.ts";
import { median } from "./pairs.ts";

const HOLDER = fileURLToPath(new URL("./latency-holder.ts", import.meta.url));
const WRITER = fileURLToPath(new URL("./latency-writer.ts", import.meta.url));
const LOOP = fileURLToPath(new URL("./latency-loop.ts", import.meta.url));

/** How often something that takes milliseconds is done in a round, and something that takes less. */
const SOME = 20;
const MANY = 200;
/** How long a host's loop is watched in a round. Milliseconds. */
const WATCHED = 1500;
/** What a loop that does nothing may stall on a machine that has time for it. Milliseconds. */
const CALM = 20;

/** What the lease costs, in milliseconds, beside a commit of one row on the same disk in the same round. */
export async function lease(folder: string, rounds: number, say: (line: string) => void): Promise<LatencyRow[]> {
  const [stateDir, loopDir] = [join(folder, "state"), join(folder, "loop-state")];
  for (const dir of [stateDir, loopDir]) mkdirSync(dir);
  await using inline = sqliteLease({ stateDir, blocking: true });
  await using thread = sqliteLease({ stateDir, blocking: false });
  using commits = openCommits(join(folder, "one-row.db"));
  const writeFile = join(folder, "written");
  const kinds: Record<string, () => Promise<number | Beside>> = {
    inline: async () => await besideCommits(commits, async () => await takeAndLetGo(inline)),
    thread: async () => await besideCommits(commits, async () => await takeAndLetGo(thread)),
    refusedInline: async () => await refusal(inline, stateDir),
    refusedThread: async () => await refusal(thread, stateDir),
    takeover: async () => await takeover(inline, stateDir),
    stallThread: async () => await stall(loopDir, "thread", writeFile),
    stallInline: async () => await stall(loopDir, "inline", writeFile),
  };
  const names = Object.keys(kinds);
  const found: Record<string, Beside[]> = Object.fromEntries(names.map((name) => [name, []]));
  // Once for nothing: the store is made, and what is loaded late is there.
  for (const name of names.slice(0, 4)) await kinds[name]?.();
  for (let round = 0; round < rounds; round += 1) {
    say(`Measuring: lease, round ${round + 1} of ${rounds}`);
    // Each comes first, and last, as often as the others.
    for (const index of names.keys()) {
      const name = names[(index + round) % names.length] ?? "";
      const value = (await kinds[name]?.()) ?? Number.NaN;
      found[name]?.push(typeof value === "number" ? { value, beside: Number.NaN } : value);
    }
  }
  const of = (name: string): readonly Beside[] => found[name] ?? [];
  const valuesOf = (name: string): number[] => of(name).map(({ value }) => value);
  const othersOf = (name: string): number[] => of(name).map((one) => one.beside);
  const row = (what: string, name: string, must: number | null, judged: LatencyRow["judged"] = "median"): LatencyRow => ({
    what,
    values: valuesOf(name),
    ...(judged === "ratio" ? { beside: othersOf(name) } : {}),
    judged,
    must,
  });
  return [
    {
      what: "a commit of one row, DELETE journal, synchronous=EXTRA",
      values: [...othersOf("inline"), ...othersOf("thread")],
      judged: "median",
      must: null,
    },
    row("acquire and release, in the caller's thread", "inline", 4, "ratio"),
    row("acquire and release, in a thread for the store", "thread", 4, "ratio"),
    row("refusal while another process holds it, in the caller's thread", "refusedInline", 1),
    row("refusal while another process holds it, in a thread for the store", "refusedThread", 1),
    row("takeover by a waiter, from SIGKILL of the holder", "takeover", 100),
    row("longest stall of a host's loop that uses it through the thread, on a busy disk", "stallThread", 50, "worst"),
    row("the same in the caller's thread, for comparison", "stallInline", null),
    { what: "the same without a lease, at the same time", values: othersOf("stallThread"), judged: "median", must: null },
  ];
}

interface Beside {
  readonly value: number;
  /** What it is compared with, in the same round: a commit of one row, or a loop without a lease. */
  readonly beside: number;
}

async function besideCommits(commits: ReturnType<typeof openCommits>, work: () => Promise<void>): Promise<Beside> {
  const times: Beside[] = [];
  for (let count = 0; count < SOME; count += 1) times.push({ beside: await timed(async () => commits.commit()), value: await timed(work) });
  return { value: median(times.map(({ value }) => value)), beside: median(times.map((time) => time.beside)) };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function medianOf(times: number, work: () => Promise<void>): Promise<number> {
  const values: number[] = [];
  for (let count = 0; count < times; count += 1) {
    values.push(await timed(work));
  }
  return median(values);
}

function openCommits(path: string): Disposable & { commit(): void } {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; CREATE TABLE one(n INTEGER); INSERT INTO one VALUES(0)");
  const update = database.prepare("UPDATE one SET n=n+1");
  return { commit: () => void update.run(), [Symbol.dispose]: () => database.close() };
}

async function takeAndLetGo(keeper: LeaseKeeper): Promise<void> {
  const answer = await keeper.acquire({ owner: "bench" });
  if (answer.outcome !== "acquired") throw new Error(`Nobody else should want this lease: ${JSON.stringify(answer)}`);
  const released = await answer.lease.release();
  if (released !== "released") throw new Error(`The lease was not released: ${released}`);
}

async function refusal(keeper: LeaseKeeper, stateDir: string): Promise<number> {
  await using holder = await startProgram(HOLDER, [stateDir], "acquired");
  const value = await medianOf(MANY, async () => {
    const { outcome } = await keeper.acquire({ owner: "bench" });
    if (outcome !== "held") throw new Error(`It was not held: ${outcome}`);
  });
  await holder.kill();
  return value;
}

/** From the signal until the lease is in hand, by one who looks every now and then. */
async function takeover(keeper: LeaseKeeper, stateDir: string): Promise<number> {
  await using holder = await startProgram(HOLDER, [stateDir], "acquired");
  const waits = Promise.withResolvers<void>();
  const waiter = keeper.acquire({ owner: "waiter", wait: 60_000, onWaiting: () => waits.resolve() });
  await waits.promise;
  // At any moment between two looks.
  await pause(Math.random() * 200);
  const began = performance.now();
  const gone = holder.kill();
  const answer = await waiter;
  const value = performance.now() - began;
  if (answer.outcome !== "acquired" || !answer.afterDeadHolder) throw new Error(`It was not taken over: ${answer.outcome}`);
  await answer.lease.release();
  await gone;
  return value;
}

/**
 * The longest stall of a loop with a lease, beside one without, in the same second and a half on the same busy disk. When that one
 * stalls as well others have the processor, which says nothing of the lease: then again, and in the end as it is.
 */
async function stall(stateDir: string, how: "thread" | "inline", file: string): Promise<Beside> {
  await using writer = await startProgram(WRITER, [file], "writing");
  const loop = async (kind: string): Promise<Record<string, number>> =>
    JSON.parse(await run([process.execPath, LOOP, stateDir, kind, String(WATCHED)])) as Record<string, number>;
  for (let attempt = 1; ; attempt += 1) {
    const [ours, idle] = await Promise.all([loop(how), loop("nothing")]);
    if (!((ours["acquired"] ?? 0) > 3)) throw new Error(`The lease was acquired ${ours["acquired"]} times only`);
    const [value, idleMax] = [ours["max"] ?? Number.NaN, idle["max"] ?? Number.NaN];
    if (idleMax > CALM && attempt < 6) continue;
    await writer.kill();
    return { value, beside: idleMax };
  }
}

/** Another process that has said its word, until it is killed or the scope ends. */
async function startProgram(path: string, args: readonly string[], word: string): Promise<AsyncDisposable & { kill(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const said = await Promise.race([once(child.stdout ?? child, "data").then(([text]) => String(text).trim()), ended.then(() => "nothing")]);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  if (said !== word) {
    await kill();
    throw new Error(`"${path}" said "${said}" and not "${word}"`);
  }
  return { kill, [Symbol.asyncDispose]: kill };
}
