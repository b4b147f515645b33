import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, HostError } from "../../kernel/index.ts";
import { storeDamaged } from "./store-error.ts";

const { O_RDONLY, O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;

/**
 * A named pipe whose read end a holder and its children keep open. The kernel closes it with the last of them, however
 * they die, and anyone may ask whether it has a reader: to open the other end succeeds, or answers ENXIO.
 */
export type BeaconAnswer = "reader" | "no-reader" | "gone";

export function askBeacon(folder: string, name: string): BeaconAnswer {
  let descriptor: number;
  try {
    descriptor = openSync(join(folder, name), O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENXIO") return "no-reader";
    if (errno === "ENOENT") return "gone";
    throw storeDamaged(folder, `beacon "${name}" cannot be asked`, error);
  }
  closePipe(folder, name, descriptor, true);
  return "reader";
}

/** A file of another kind opens without a word, and would look like a holder for ever. */
function closePipe(folder: string, name: string, descriptor: number, always: boolean): void {
  const isPipe = fstatSync(descriptor).isFIFO();
  if (always || !isPipe) closeSync(descriptor);
  if (!isPipe) throw storeDamaged(folder, `beacon "${name}" is no named pipe`);
}

/** Opens the read end. Node closes it on exec, so that only a child that is handed it has it. */
export function lightBeacon(folder: string, name: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(join(folder, name), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    throw storeDamaged(folder, `beacon "${name}" cannot be opened`, error);
  }
  closePipe(folder, name, descriptor, false);
  return descriptor;
}

export function beaconsIn(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => /^beacon-\d+$/.test(name))
    .toSorted((a, b) => numberOf(a) - numberOf(b));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw storeDamaged(folder, "its folder cannot be read", error);
  }
}

/** The name after the last of these. */
export function nextBeacon(names: readonly string[]): string {
  return `beacon-${Math.max(-1, ...names.map(numberOf)) + 1}`;
}

export function makeBeacons(folder: string, names: readonly string[], command = "mkfifo"): void {
  const made = spawnSync(command, ["-m", "600", ...names.map((name) => join(folder, name))], { encoding: "utf8" });
  if (made.error === undefined && made.status === 0) return;
  // Another process may have made it at this moment.
  if (names.every((name) => askOrGone(folder, name) !== "gone")) return;
  throw new HostError("LEASE_BEACON_UNAVAILABLE", `Cannot make a named pipe in "${folder}": ${made.error?.message ?? made.stderr.trim()}`, {
    cause: made.error,
    hint: "The command mkfifo is needed here once; in an image without one, let another container make the store in the same volume",
  });
}

function askOrGone(folder: string, name: string): BeaconAnswer {
  try {
    return askBeacon(folder, name);
  } catch {
    return "gone";
  }
}

function numberOf(name: string): number {
  return Number(name.slice("beacon-".length));
}
