/**
 * A program that embeds the library: holds a WAL database open, has it backed up (or opens and closes the file itself),
 * lets Debian's older sqlite3 open and close the database, commits more, and is killed.
 * Arguments: database, configuration, "library" or "open-close", number of commits.
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { openHoldfast } from "../../src/index.ts";
import { createBank, moveMoney } from "./bank.ts";

const [path = "", config = "", touch, commits] = process.argv.slice(2);
const database = createBank(path);
// A commit and a read, so that the connection has the log open and holds its shared lock on the file.
let last = moveMoney(database);
if (touch === "library") {
  await using holdfast = await openHoldfast({ config });
  const { status } = await holdfast.backup();
  process.stdout.write(`backup ${status}\n`);
} else {
  closeSync(openSync(path, "r"));
}
execFileSync("/usr/bin/sqlite3", [path, "select count(*) from log"]);
for (let n = 1; n < Number(commits); n += 1) last = moveMoney(database);
process.stdout.write(`committed ${last}\n`, () => process.kill(process.pid, "SIGKILL"));
