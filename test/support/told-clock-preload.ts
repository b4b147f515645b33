/**
 * Loaded before a command of this checkout: its clock stands where a file says, and so does that of everything that it
 * starts, over restarts as well. A daemon writes down what it has seen, so that a test knows when an instant was looked at.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["TOLD_CLOCK"] ?? "";
const tells = isMainThread && process.argv.includes("daemon");

Date.now = () => {
  const now = Number(readFileSync(file, "utf8"));
  if (tells) writeFileSync(`${file}.seen`, `${process.pid} ${now}\n`);
  return now;
};
