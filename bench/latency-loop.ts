/**
 * A host with an event loop, as long as it is told to: takes the lease and lets go of it, in the thread or in its own, or
 * does nothing. Prints how long its loop stalled at most, in milliseconds.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { sqliteLease } from "../src/lease/index.ts";

const [, , stateDir = "", how, millis] = process.argv;
const stalls = monitorEventLoopDelay({ resolution: 1 });
// What a program loads as it starts is not the lease's doing.
await pause(50);
stalls.enable();
const end = performance.now() + Number(millis);
let acquired = 0;
if (how === "nothing") await pause(Number(millis));
else {
  // The start of the thread counts.
  await using keeper = sqliteLease({ stateDir, blocking: how === "inline" });
  while (performance.now() < end) {
    const answer = await keeper.acquire({ owner: "host", reason: "measured" });
    if (answer.outcome === "held") throw new Error("Nobody else should want this lease");
    await answer.lease.check();
    answer.lease.shouldYield();
    answer.lease.progress({ doing: "nothing", progress: 0.5 });
    await answer.lease.fence("measured", () => {});
    await answer.lease.release();
    acquired += 1;
    // One that works in its own thread would never let its loop go round.
    await turn();
  }
}
stalls.disable();
process.stdout.write(`${JSON.stringify({ max: stalls.max / 1e6, acquired })}\n`);
