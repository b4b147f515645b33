/**
 * The program behind leaseProcess(): does with the lease what it is told, one command a line on standard input as JSON, and
 * answers each with one line. Argument: "inline" or "thread".
 */
import { spawn } from "node:child_process";
import { appendFileSync, openSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { HoldfastError, spawnGated } from "../../src/kernel/index.ts";
import { LEASE_DESCRIPTOR, sqliteLease, type Lease, type LeaseKeeper } from "../../src/lease/index.ts";
import type { LeaseCommand } from "./lease-process.ts";

const blocking = process.argv[2] === "inline";
const nowhere = openSync("/dev/null", "w");
/** What those are started with who are not to be found by their environment. */
const { HOLDFAST_LEASE: _token, ...plain } = process.env;
let keeper: LeaseKeeper | undefined;
let lease: Lease | undefined;
let leave: (() => void) | undefined;
let inside: Promise<void> | undefined;

function opened(): LeaseKeeper {
  if (keeper === undefined) throw new Error("No state folder was opened");
  return keeper;
}

function inHand(): Lease {
  if (lease === undefined) throw new Error("There is no lease in hand");
  return lease;
}

/** What a holder starts, by each of the ways in which it is found again; all of them outlive their parent. */
async function start(how: "descriptor" | "group" | "environment" | "daemon"): Promise<number> {
  const held = inHand();
  if (how === "environment") {
    const child = spawn("sleep", ["600"], { env: { ...plain, ...held.environment }, detached: true, stdio: "ignore" });
    return child.pid ?? 0;
  }
  // The leader of the group ends at once, and leaves somebody behind in it.
  const argv = how === "group" ? ["sh", "-c", "sleep 600 & exit 0"] : ["sleep", "600"];
  const child = await spawnGated(argv, {
    env: how === "daemon" ? { ...plain, ...held.environment } : plain,
    stdio: ["ignore", nowhere, nowhere],
    group: true,
    ...(how === "group" ? {} : { pass: { descriptor: held.descriptor, as: LEASE_DESCRIPTOR } }),
  });
  if (how === "group") await held.addChild(child.identity.pid, "sleep");
  child.open();
  if (how === "group") await child.ended;
  return child.identity.pid;
}

async function obey(command: LeaseCommand): Promise<unknown> {
  switch (command.do) {
    case "open":
      await keeper?.[Symbol.asyncDispose]();
      lease = undefined;
      keeper = sqliteLease({ stateDir: command.stateDir, blocking });
      return null;
    case "acquire": {
      const answer = await opened().acquire(command.request);
      if (answer.outcome === "held") return answer;
      ({ lease } = answer);
      const { generation, environment, inherited } = answer.lease;
      return { ...answer, lease: { generation, environment, inherited } };
    }
    case "check":
      return await inHand().check();
    case "fence":
      return await inHand().fence("append", () => appendFileSync(command.file, "step\n"));
    case "enter":
      await new Promise<void>((entered, refused) => {
        inside = inHand().fence(command.label, async () => {
          entered();
          await new Promise<void>((resolve) => (leave = resolve));
        });
        inside.catch(refused);
      });
      return null;
    case "leave":
      leave?.();
      return await inside;
    case "addChild":
      return await inHand().addChild(command.pid, "child");
    case "release":
      return await inHand().release();
    case "start":
      return await start(command.how);
    case "reserve":
      return await opened().reserve(command.owner);
    case "withdraw":
      return await opened().withdraw(command.owner);
    case "requestYield":
      return await opened().requestYield(command.by);
    case "shouldYield":
      return inHand().shouldYield();
    case "inspect":
      return await opened().inspect();
    case "break":
      return await opened().break();
    case "repair":
      return await opened().repair();
    case "close":
      return await opened()[Symbol.asyncDispose]();
    case "descriptors":
      return readdirSync("/proc/self/fd").length;
    default:
      throw new Error(`Unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

console.log(JSON.stringify({ pid: process.pid }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ result: (await obey(JSON.parse(line) as LeaseCommand)) ?? null }));
  } catch (error) {
    const told = error instanceof HoldfastError ? error.toJSON() : { message: error instanceof Error ? error.stack : String(error) };
    console.log(JSON.stringify({ error: told }));
  }
}
process.exit(0);
