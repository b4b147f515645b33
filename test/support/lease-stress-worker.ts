/** One of those who want the lease again and again, until standard input closes. Argument: a StressPlan. */
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HoldfastError, isRunning, spawnGated } from "../../src/kernel/index.ts";
import { LEASE_DESCRIPTOR, sqliteLease, type Lease } from "../../src/lease/index.ts";
import { tell, type StressDeed, type StressPlan } from "./lease-stress-log.ts";
import { between, oneIn, takeStep, workAlone } from "./lease-stress-work.ts";

const plan = JSON.parse(process.argv[2] ?? "") as StressPlan;
const { stateDir, folder, namespaces } = plan;
const BODY = fileURLToPath(new URL("./lease-stress-body.ts", import.meta.url));
const nowhere = openSync("/dev/null", "w");
const keepers = { inline: sqliteLease({ stateDir, blocking: true }), thread: sqliteLease({ stateDir, blocking: false }) };
const KINDS = ["self", "self", "child", "child", "joiner", namespaces ? "joiner" : "forgetful"] as const;
type Kind = (typeof KINDS)[number];

function say(generation: number, deed: StressDeed): void {
  tell(join(folder, "log"), generation, deed);
}

/**
 * Has the token, and neither the descriptor nor the process group: when whoever started it is killed, its environment is all
 * that tells of it.
 */
const FORGETFUL = ["sh", "-c", `setsid "$@" ${LEASE_DESCRIPTOR}<&- & wait "$!"`, "sh"];

async function workByChild(lease: Lease, kind: Kind): Promise<void> {
  const body = [process.execPath, BODY, JSON.stringify(plan), kind, String(lease.generation)];
  const child = await spawnGated([...(kind === "forgetful" ? FORGETFUL : []), ...body], {
    env: { ...process.env, ...lease.environment },
    stdio: ["ignore", "pipe", nowhere],
    group: true,
    pass: { descriptor: lease.descriptor, as: LEASE_DESCRIPTOR },
  });
  await lease.addChild(child.identity.pid, kind);
  say(lease.generation, { e: "child", kind, child: child.identity.pid });
  // Not with the end of the child: a clean release goes by whom it knows, and what made itself independent is for its
  // holder to wait for. Everything that works here has the other end of this pipe.
  const allEnded = once(child.process.stdout?.resume() ?? child.process, "close");
  child.open();
  // Some let go while their child works: then it drains.
  if (kind === "forgetful" || !oneIn(3)) await allEnded;
}

async function workUnder(lease: Lease): Promise<void> {
  const kind = KINDS[Math.floor(Math.random() * KINDS.length)] ?? "self";
  if (kind !== "self" && plan.wrong !== "unfenced") return await workByChild(lease, kind);
  await workAlone(plan, lease.generation, async () => {
    if (oneIn(2)) await lease.check();
    await takeStep(plan, lease);
  });
}

async function round(): Promise<void> {
  const how = oneIn(2) ? "inline" : "thread";
  if (plan.wrong === "orphans") forgetOrphans();
  const answer = await keepers[how].acquire({ owner: `worker ${process.pid}`, wait: oneIn(4) ? 200 : 0 });
  if (answer.outcome === "held") return await pause(between(2, 20));
  const { lease } = answer;
  const { generation } = lease;
  say(generation, { e: "taken", how, afterDead: answer.afterDeadHolder });
  try {
    await workUnder(lease);
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === "LEASE_LOST")) throw error;
    say(generation, { e: "lost" });
  }
  say(generation, { e: "released", outcome: await lease.release(), again: false });
  if (oneIn(2)) return;
  await pause(between(0, 20));
  say(generation, { e: "released", outcome: await lease.release(), again: true });
}

/** The lease as a file with a process number would be. */
function forgetOrphans(): void {
  const database = new DatabaseSync(join(stateDir, "lease", "lease.db"), { timeout: 1000 });
  try {
    database.exec("BEGIN IMMEDIATE");
    const row = database.prepare("SELECT pid, start, boot_id FROM lease WHERE state!='free'").get();
    const holder = { pid: Number(row?.["pid"]), start: String(row?.["start"]), boot_id: String(row?.["boot_id"]) };
    if (row !== undefined && !isRunning(holder))
      database.exec("UPDATE lease SET state='free', token=NULL, beacon=NULL, pid=NULL, start=NULL, boot_id=NULL, pid_ns=NULL");
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

const told = new AbortController();
process.stdin.on("end", () => told.abort()).resume();
say(0, { e: "up" });
try {
  while (!told.signal.aborted) await round();
} catch (error) {
  say(0, { e: "error", text: `worker: ${error instanceof Error ? error.stack : String(error)}` });
}
process.exit(0);
