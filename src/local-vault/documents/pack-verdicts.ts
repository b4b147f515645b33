import { readFileSync } from "node:fs";
import {
  BusyError,
  createFile,
  crashpoint,
  errnoOf,
  messageOf,
  monotonicNow,
  namedSystemError,
  pause,
  replaceFile,
  tryFileLock,
} from "../../kernel/index.ts";
import { DocumentFields, parseJsonDocument, type PackVerdict } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";

const VERSION = "1";
/** How long a change waits for another one, and between two looks. Milliseconds. */
const PATIENCE = 5000;
const PAUSE = 25;
const NAME = /^[0-9a-f]{64}$/;
/** Nobody has that many packs; a document that says so is none. */
const MOST = 10_000_000;

/** The verdicts of one vault's packs. */
export interface PackVerdicts {
  read(): KeptVerdicts;
  /**
   * Adds what one run found.
   *
   * @param gone names of packs that no backup names any more
   * @throws BusyError VAULT_BUSY · HostError
   */
  keep(found: ReadonlyMap<string, PackVerdict>, gone: ReadonlySet<string>): Promise<void>;
}

export interface KeptVerdicts {
  /** By the name of the pack. */
  readonly verdicts: ReadonlyMap<string, PackVerdict>;
  /** Why there are none although there should be. */
  readonly problem: string | null;
}

export function packVerdictsOf(layout: Layout): PackVerdicts {
  return { read: () => readVerdicts(layout), keep: async (found, gone) => await keepVerdicts(layout, found, gone) };
}

/**
 * When each pack of a vault was last read back. Losing the document costs its verdicts: packs are then read back as if that
 * had never been done, and backups keep the marks that they have.
 */
function readVerdicts(layout: Layout): KeptVerdicts {
  try {
    return { verdicts: parseVerdicts(readFileSync(layout.packVerdicts)), problem: null };
  } catch (error) {
    const none = new Map<string, PackVerdict>();
    if (errnoOf(error) === "ENOENT") return { verdicts: none, problem: null };
    return { verdicts: none, problem: `Which packs were read back before is not known: ${messageOf(error)}` };
  }
}

/**
 * Under a lock of its own: a backup holds the vault's write lock for as long as it takes, and a run that read for an hour
 * must not lose what it found to one.
 */
async function keepVerdicts(layout: Layout, found: ReadonlyMap<string, PackVerdict>, gone: ReadonlySet<string>): Promise<void> {
  try {
    createFile(layout.packVerdictsLock, "");
    using _ = await lock(layout);
    const verdicts = new Map(readVerdicts(layout).verdicts);
    for (const name of gone) verdicts.delete(name);
    for (const [name, verdict] of found) verdicts.set(name, verdict);
    replaceFile(layout.packVerdicts, formatVerdicts(verdicts), 0o600, () => crashpoint("mark-before-publish"));
  } catch (error) {
    throw namedSystemError(error, "keep which packs were read back");
  }
}

async function lock({ packVerdictsLock: path, top }: Layout): Promise<Disposable> {
  const deadline = monotonicNow() + PATIENCE;
  for (;;) {
    const held = tryFileLock(path, "write");
    if (held !== undefined) return held;
    if (monotonicNow() > deadline)
      throw new BusyError("VAULT_BUSY", `What was read back of the vault at "${top}" is being written down by another process`, {
        hint: "Try again",
      });
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await pause(PAUSE, undefined);
  }
}

/** One name for each pack, by the time at which many of them were read. */
function formatVerdicts(verdicts: ReadonlyMap<string, PackVerdict>): string {
  const whole = new Map<string, string[]>();
  const damaged: object[] = [];
  for (const [name, { at, problem }] of verdicts) {
    if (problem !== null) damaged.push({ pack: name, at, problem });
    else if (whole.get(at)?.push(name) === undefined) whole.set(at, [name]);
  }
  const times = [...whole].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([at, packs]) => ({ at, packs: packs.toSorted() }));
  return `${JSON.stringify({ version: VERSION, whole: times, damaged })}\n`;
}

function parseVerdicts(bytes: Uint8Array): Map<string, PackVerdict> {
  const name = "the verdicts of the packs";
  const fields = new DocumentFields(name, parseJsonDocument(name, bytes));
  fields.oneOf("version", [VERSION]);
  const verdicts = new Map<string, PackVerdict>();
  fields.list("whole", MOST, (items, index) => {
    const group = items.object(index);
    const at = group.instant("at");
    const packs = group.raw("packs");
    if (!Array.isArray(packs)) return group.fail("packs", "must be a list");
    for (const pack of packs as readonly unknown[]) {
      if (typeof pack !== "string" || !NAME.test(pack)) return group.fail("packs", "must hold names of packs");
      verdicts.set(pack, { at, problem: null });
    }
    return undefined;
  });
  fields.list("damaged", MOST, (items, index) => {
    const one = items.object(index);
    verdicts.set(one.matching("pack", NAME, "the name of a pack"), { at: one.instant("at"), problem: one.text("problem", 100_000) });
  });
  return verdicts;
}
