import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, makeFolder, monotonicNow, namedSystemError, replaceFile, tryFileLock } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { queue, tellAll, type Telling } from "./notify.ts";
import { notifyFolder } from "./outbox.ts";

export type Lasting = "overdue" | "starving" | "damage";

/** What was seen of one kind of condition. */
export interface Sighting {
  readonly event: Lasting;
  /** What has it, with why. */
  readonly present: ReadonlyMap<string, string>;
  /** Which subjects were looked at; all there are unless given. One that is not in `present` does not have it, or no more. */
  readonly looked?: ReadonlySet<string>;
}

/** Of each kind, who has it since when. */
type Remembered = Record<Lasting, Record<string, string>>;

const LOCK_WAIT = 2000;
const LOOK_AGAIN = 25;
const NAMED = 5;
const LISTED = 50;

/** What could not be written down, as on a full disk: else it would be told every minute. */
const unwritten = new Map<string, Remembered>();

/**
 * Tells what began and what ended since it was told last. Kept on disk in the order outbox, memory: a crash between the two
 * tells something twice, and never not at all. Never throws.
 */
export async function tellConditions(instance: Instance, sightings: readonly Sighting[], signal?: AbortSignal): Promise<readonly string[]> {
  const asked = sightings.filter(({ event }) => instance.config.notify.some(({ on }) => on.includes(event)));
  if (asked.length === 0) return [];
  const problems: string[] = [];
  const tellings: Telling[] = [];
  try {
    makeFolder(notifyFolder(instance.config.stateDir));
  } catch (error) {
    problems.push(namedSystemError(error, "keep notifications").message);
  }
  const lock = await lockConditions(instance, problems);
  try {
    const before = recall(instance, problems);
    const after: Remembered = structuredClone(before);
    for (const sighting of asked) tellings.push(...changesOf(instance, sighting, after));
    if (JSON.stringify(before) !== JSON.stringify(after)) remember(instance, after, problems);
  } finally {
    lock?.[Symbol.dispose]();
  }
  return [...problems, ...(await tellAll(tellings, signal))];
}

/** Queues what began and what ended, one notification each however many have it, and changes the memory of it. */
function changesOf(instance: Instance, { event, present, looked }: Sighting, memory: Remembered): readonly Telling[] {
  const known = memory[event];
  const begun = [...present].filter(([subject]) => !Object.hasOwn(known, subject));
  const ended = Object.keys(known).filter((subject) => !present.has(subject) && (looked?.has(subject) ?? true));
  const at = new Date(instance.clock.now()).toISOString();
  const tellings: Telling[] = [];
  if (begun.length > 0) {
    const subjects = begun.map(([subject]) => subject);
    tellings.push(
      ...queue(instance, {
        event,
        state: "begin",
        subject: named(subjects),
        message: named(
          begun.map(([subject, why]) => `${subject}: ${why}`),
          "; ",
        ),
        details: { subjects: subjects.slice(0, LISTED), count: subjects.length },
      }),
    );
    for (const subject of subjects) known[subject] = at;
  }
  if (ended.length > 0) {
    tellings.push(
      ...queue(instance, {
        event,
        state: "end",
        subject: named(ended),
        message: `No longer ${event}: ${named(ended.map((subject) => `${subject} (since ${known[subject]})`))}`,
        details: { subjects: ended.slice(0, LISTED), count: ended.length },
      }),
    );
    for (const subject of ended) delete known[subject];
  }
  return tellings;
}

function named(parts: readonly string[], between = ", "): string {
  const more = parts.length - NAMED;
  return `${parts.slice(0, NAMED).join(between)}${more > 0 ? ` and ${more} more` : ""}`;
}

function fileOf({ config }: Instance): string {
  return join(notifyFolder(config.stateDir), "conditions.json");
}

function recall(instance: Instance, problems: string[]): Remembered {
  const kept = unwritten.get(instance.config.stateDir);
  if (kept !== undefined) return kept;
  try {
    const value = JSON.parse(readFileSync(fileOf(instance), "utf8")) as { lasting?: Partial<Remembered> } | null;
    const lasting = value?.lasting ?? {};
    return { overdue: { ...lasting.overdue }, starving: { ...lasting.starving }, damage: { ...lasting.damage } };
  } catch (error) {
    // Told twice is better than not at all.
    if (errnoOf(error) !== "ENOENT")
      problems.push(`What was told of overdue, starving and damage cannot be read, so that it is told again: ${String(error)}`);
    return { overdue: {}, starving: {}, damage: {} };
  }
}

function remember(instance: Instance, lasting: Remembered, problems: string[]): void {
  const { stateDir } = instance.config;
  try {
    replaceFile(fileOf(instance), `${JSON.stringify({ schema: "holdfast.conditions/1", lasting }, null, 2)}\n`);
    unwritten.delete(stateDir);
  } catch (error) {
    unwritten.set(stateDir, lasting);
    problems.push(namedSystemError(error, "write down what was told").message);
  }
}

/** For the moment of reading and writing; without it something is told twice, and that is all. */
async function lockConditions(instance: Instance, problems: string[]): Promise<Disposable | undefined> {
  const until = monotonicNow() + LOCK_WAIT;
  try {
    for (;;) {
      const lock = tryFileLock(join(notifyFolder(instance.config.stateDir), "lock"), "write");
      if (lock !== undefined || monotonicNow() >= until) return lock;
      await sleep(LOOK_AGAIN);
    }
  } catch (error) {
    problems.push(namedSystemError(error, "lock notifications").message);
    return undefined;
  }
}
