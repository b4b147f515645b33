/**
 * A program that embeds the library, and everything that can go wrong with the library, one thing after the other: it has its
 * own database open and commits to it from its event loop, and tells of each failure what it was told, how long its loop
 * stood still by the count of another thread, and how many locks it still holds.
 * Arguments: folder with holdfast.yaml, folder of the vault on a disk of its own.
 */
import { spawn } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type * as Library from "../../src/index.ts";
import type { Holdfast, LifecycleBackup } from "../../src/index.ts";
import { createBank, moveMoney } from "./bank.ts";
import { BUILT_COMMAND } from "./built-command-variable.ts";
import { LAUNCHER } from "./holdfast.ts";

/** As it is published, where a test run has built it. */
const built = process.env[BUILT_COMMAND];
const { HoldfastError, openHoldfast } = (await import(
  built === undefined ? "../../src/index.ts" : join(built, "..", "..", "dist", "index.js")
)) as typeof Library;

const [folder = "", vault = ""] = process.argv.slice(2);
const config = join(folder, "holdfast.yaml");
const stateDir = join(folder, ".holdfast");

const trouble: string[] = [];
for (const event of ["unhandledRejection", "uncaughtException", "warning"] as const)
  process.on(event, (what: unknown) => void trouble.push(`${event}: ${what instanceof Error ? what.stack : String(what)}`));

const beats = new Int32Array(new SharedArrayBuffer(4));
const BEAT = `const { workerData } = require("node:worker_threads");
const lock = new Int32Array(new SharedArrayBuffer(4));
for (;;) { Atomics.wait(lock, 0, 0, 5); Atomics.add(workerData, 0, 1); }`;
new Worker(BEAT, { eval: true, workerData: beats }).unref();

const database = createBank(join(folder, "bank.db"));
let committed = moveMoney(database);
let seen = Atomics.load(beats, 0);
let longest = 0;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  longest = Math.max(longest, now - seen);
  seen = now;
  committed = moveMoney(database);
}, 10);

/** POSIX locks of this process, which closing any descriptor of the database would drop. */
function locks(): number {
  const own = `${process.pid}`;
  const lines = readFileSync("/proc/locks", "utf8")
    .split("\n")
    .filter((line) => / POSIX /.test(line) && line.trim().split(/\s+/)[4] === own);
  // The list is given out in pieces: where others come meanwhile, some stand in it twice, under another number.
  return new Set(lines.map((line) => line.slice(line.indexOf(":")))).size;
}

async function told(work: Promise<unknown>): Promise<string> {
  try {
    const value = (await work) as { readonly outcome?: string } | undefined;
    return (value as LifecycleBackup | undefined)?.outcome ?? "done";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : `not a HoldfastError: ${String(error)}`;
  }
}

async function outcome(work: Promise<LifecycleBackup>): Promise<string> {
  try {
    const taken = await work;
    return "error" in taken ? `${taken.outcome} ${taken.error.code}` : taken.outcome;
  } catch (error) {
    return `thrown: ${String(error)}`;
  }
}

const words: string[] = [];
const holdfast = await openHoldfast({
  config,
  onLog: (_level, message) => {
    words.push(message);
    if (words.length % 2 === 1) throw new Error("the host's own");
    return Promise.reject(new Error("the host's own")) as unknown as void;
  },
});

function report(name: string, about: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ name, ...about })}\n`);
}

/** Before each, whatever the library has to load has been loaded, and nothing is wrong. */
async function scenario(name: string, act: () => Promise<readonly string[]>): Promise<void> {
  const before = committed;
  longest = 0;
  seen = Atomics.load(beats, 0);
  const answers = await act();
  await sleep(20);
  report(name, { told: answers, longest, locks: locks(), commits: committed - before, trouble: trouble.splice(0) });
}

const heavy = (on: Holdfast = holdfast): Promise<unknown> => on.withHeavyMaintenance("kbSync", async () => {});
/** Begins a backup that does not end by itself; resolves when its component's program runs. */
async function slowBackup(on: Holdfast): Promise<{ readonly backup: Promise<unknown> }> {
  rmSync(join(folder, "slow.pid"), { force: true });
  const backup = on.backup({
    components: ["slow"],
    // The same as a promise, of which nobody would see that it was rejected.
    onProgress: () => Promise.reject(new Error("the host's own as well")) as unknown as void,
  });
  backup.catch(() => {});
  await untilThere("slow.pid");
  return { backup };
}

async function untilThere(file: string): Promise<string> {
  for (;;) {
    try {
      const text = readFileSync(join(folder, file), "utf8");
      if (text.endsWith("\n")) return text.trim();
    } catch {
      // Not yet
    }
    await sleep(5);
  }
}

function engines(): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1];
      return parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("backup") ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

async function free(): Promise<void> {
  while ((await holdfast.withHeavyMaintenance("host", async () => {}, { wait: 100 })).outcome !== "completed");
}

report("start", { told: [await told(holdfast.backup()), await told(heavy())], locks: locks(), trouble: trouble.splice(0) });

await scenario("vault unreadable", async () => {
  chmodSync(vault, 0o000);
  const answers = [await told(holdfast.backup()), await outcome(holdfast.startup())];
  chmodSync(vault, 0o700);
  return answers;
});

await scenario("vault damaged", async () => {
  const marker = join(vault, ".vault");
  renameSync(marker, `${marker}.kept`);
  writeFileSync(marker, "no vault at all");
  const answers = [await told(holdfast.backup())];
  rmSync(marker);
  renameSync(`${marker}.kept`, marker);
  return answers;
});

await scenario("disk full", async () => {
  const { bavail, bsize } = statfsSync(vault);
  writeFileSync(join(vault, "filler"), Buffer.alloc(bavail * bsize));
  const answers = [await told(holdfast.backup()), await outcome(holdfast.shutdown())];
  rmSync(join(vault, "filler"));
  return answers;
});

await scenario("lease held", async () => {
  const held = spawn(process.execPath, [
    LAUNCHER,
    "--config",
    config,
    "lease",
    "run",
    "--owner",
    "hog",
    "--",
    "sh",
    "-c",
    "echo held; read -r _",
  ]);
  await new Promise((resolve) => held.stdout.once("data", resolve));
  const answers = [await told(holdfast.backup()), await told(heavy()), await outcome(holdfast.startup())];
  held.stdin.end("\n");
  await new Promise((resolve) => held.once("close", resolve));
  return answers;
});

await scenario("state folder read-only", async () => {
  for (const name of [".", "lease"]) chmodSync(join(stateDir, name), 0o500);
  const answers = [await told(heavy()), await outcome(holdfast.shutdown())];
  for (const name of [".", "lease"]) chmodSync(join(stateDir, name), 0o700);
  return answers;
});

await scenario("ledger corrupt", async () => {
  writeFileSync(join(stateDir, "ledger.db"), "no database at all, and as long as one. ".repeat(1000));
  words.length = 0;
  renameSync(join(folder, "state.json"), join(folder, "state.away"));
  const answers = [await outcome(holdfast.startup()), ...words.filter((word) => word.includes("ledger")).map(() => "said")];
  renameSync(join(folder, "state.away"), join(folder, "state.json"));
  return [...answers, await outcome(holdfast.startup())];
});

await scenario("configuration wrong", async () => {
  renameSync(config, `${config}.kept`);
  writeFileSync(config, "components: {{{\n", { mode: 0o600 });
  let ran = false;
  const answers = [
    await told(holdfast.backup()),
    await told(heavy()),
    await outcome(holdfast.startup()),
    await outcome(holdfast.shutdown()),
    await told(holdfast.beforeMigration({ from: 1, to: 2 }, () => void (ran = true))),
    await told(openHoldfast({ config: join(folder, "nowhere.yaml") })),
  ];
  renameSync(`${config}.kept`, config);
  return [...answers, ran ? "migrated" : "not migrated"];
});

await scenario("engine killed", async () => {
  const { backup } = await slowBackup(holdfast);
  for (const pid of engines()) process.kill(pid, "SIGKILL");
  const answers = [await told(backup)];
  process.kill(Number(await untilThere("slow.pid")), "SIGKILL");
  await free();
  return answers;
});

await scenario("disposed in the middle", async () => {
  const other = await openHoldfast({ config });
  const { backup } = await slowBackup(other);
  await other[Symbol.asyncDispose]();
  const answers = [await told(backup)];
  await other[Symbol.asyncDispose]();
  await free();
  return answers;
});

await scenario("lease store damaged", async () => {
  writeFileSync(join(stateDir, "lease", "lease.db"), "no database at all, and as long as one. ".repeat(1000));
  const answers = [await told(holdfast.backup()), await told(heavy())];
  const repair = spawn(process.execPath, [LAUNCHER, "--config", config, "lease", "repair"], { stdio: "ignore" });
  await new Promise((resolve) => repair.once("close", resolve));
  return answers;
});

await scenario("nothing", async () => [await told(holdfast.backup()), await told(heavy())]);
await holdfast[Symbol.asyncDispose]();
report("end", { committed });
database.close();
process.exit(0);
