/**
 * The program behind writerProcess(): commits transactions until it is told to stop, and prints each number after its
 * commit. Arguments: path of the database, journal mode, transactions per second (0: as many as it can).
 */
import { setImmediate, setTimeout } from "node:timers/promises";
import { createBank, moveMoney } from "./bank.ts";

const [path = "", mode, rate] = process.argv.slice(2);
const database = createBank(path, mode === "delete" ? "delete" : "wal");
const tps = Number(rate);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

// The next transaction is due by the clock and not after a pause, so that a slow commit does not lower the rate.
const begun = performance.now();
for (let done = 0; !stop.signal.aborted; done += 1) {
  process.stdout.write(`${moveMoney(database)}\n`);
  const wait = tps === 0 ? 0 : begun + ((done + 1) * 1000) / tps - performance.now();
  await (wait > 0 ? setTimeout(wait) : setImmediate());
}
database.close();
