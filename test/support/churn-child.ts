/**
 * The program behind churnProcess(): changes files of a folder in every way that a backup may meet, until it is ended.
 * Argument: the folder. Every content tells by itself whether it is one that was ever whole:
 * - replaced/N: renamed into place, always SIZE times the same byte
 * - rewritten/N: overwritten in place, now and then mixed
 * - shrinking/N: cut to a random length and filled again with "s"
 * - growing/N.txt and run.log: numbered lines of LINE bytes
 * - passing/N: made and removed; "p" throughout
 * - moved-a or moved-b: one folder under two names
 * - restless: large; a thread of its own writes the next number to its beginning and then to its end, without a rest
 */
import { appendFileSync, closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isMainThread, Worker } from "node:worker_threads";
import { CHURN_FILES, CHURN_LINE, CHURN_SIZE, RESTLESS_SIZE } from "./churn-process.ts";

const [root = ""] = process.argv.slice(2);
const at = (...names: string[]): string => join(root, ...names);
const line = (number: number): string => `${String(number).padStart(CHURN_LINE - 1, "0")}\n`;
const filled = (round: number): Buffer => Buffer.alloc(CHURN_SIZE, 97 + (round % 26));

if (isMainThread) await churn();
else unrest(openSync(at("restless"), "r+"));

async function churn(): Promise<never> {
  for (const folder of ["growing", "passing", "replaced", "rewritten", "shrinking", "moved-a"]) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at("moved-a", "inside"), "inside");
  for (let n = 0; n < CHURN_FILES; n += 1) {
    writeFileSync(at("replaced", String(n)), filled(0));
    writeFileSync(at("rewritten", String(n)), filled(0));
    writeFileSync(at("shrinking", String(n)), Buffer.alloc(CHURN_SIZE, "s"));
    writeFileSync(at("growing", `${n}.txt`), line(1));
  }
  writeFileSync(at("run.log"), line(1));
  writeFileSync(at("restless"), Buffer.alloc(RESTLESS_SIZE));
  void new Worker(new URL(import.meta.url), { argv: [root] });

  for (let round = 1; ; round += 1) {
    for (let n = 0; n < CHURN_FILES; n += 1) {
      writeFileSync(at(".replacement"), filled(round));
      renameSync(at(".replacement"), at("replaced", String(n)));
      overwrite(at("rewritten", String(n)), round);
      shrink(at("shrinking", String(n)), Math.floor(Math.random() * CHURN_SIZE));
      appendFileSync(at("growing", `${n}.txt`), line(round + 1));
      writeFileSync(at("passing", String(n)), Buffer.alloc(20_000, "p"));
      appendFileSync(at("run.log"), line((round - 1) * CHURN_FILES + n + 2));
      if (n % 2 === 0) rmSync(at("passing", String((n + CHURN_FILES / 2) % CHURN_FILES)), { force: true });
    }
    renameSync(at(round % 2 === 1 ? "moved-a" : "moved-b"), at(round % 2 === 1 ? "moved-b" : "moved-a"));
    if (round === 1) process.stdout.write("ready\n");
    await setImmediate();
  }
}

function unrest(descriptor: number): never {
  const number = Buffer.alloc(8);
  for (let round = 1n; ; round += 1n) {
    number.writeBigInt64BE(round);
    writeSync(descriptor, number, 0, 8, 0);
    writeSync(descriptor, number, 0, 8, RESTLESS_SIZE - 8);
  }
}

function overwrite(path: string, round: number): void {
  const descriptor = openSync(path, "r+");
  const bytes = filled(round);
  const half = CHURN_SIZE / 2;
  writeSync(descriptor, bytes, 0, half, 0);
  writeSync(descriptor, bytes, half, half, half);
  closeSync(descriptor);
}

function shrink(path: string, length: number): void {
  const descriptor = openSync(path, "r+");
  ftruncateSync(descriptor, length);
  writeSync(descriptor, Buffer.alloc(CHURN_SIZE - length, "s"), 0, CHURN_SIZE - length, length);
  closeSync(descriptor);
}
