import { randomUUID } from "node:crypto";
import { DamageError } from "../../kernel/index.ts";
import type { ReadBackOptions } from "../../vault/index.ts";
import { PackTable, type TableEntry } from "../manifest/pack-table.ts";
import type { PartlyRead, ProveAnswer, ProvePlace } from "./prove-job.ts";
import { ProveThreads } from "./prove-threads.ts";
import type { ProvedBefore } from "./proved-before.ts";

/** Packs of one job. */
const JOB_PACKS = 2;
/** The same of which most was read. */
const JOB_RESTS = 4;
/** What is not worth a thread. Bytes. */
const INLINE_BYTES = 8 * 1024 * 1024;

/** The packs of a backup whose contents are proved: which of their frames the threads have read for these, and the others. */
export class PackProof {
  readonly #place: ProvePlace;
  readonly #packs: readonly TableEntry[];
  readonly #before: ProvedBefore;
  readonly #threads: ProveThreads;

  constructor(place: ProvePlace, packs: readonly TableEntry[], before: ProvedBefore, threads: ProveThreads) {
    this.#place = place;
    this.#packs = packs;
    this.#before = before;
    this.#threads = threads;
  }

  /** Reads what no content has asked for. */
  async readRest(): Promise<void> {
    const partly = await this.#partlyRead();
    for (let first = 0; first < partly.length; first += JOB_RESTS) {
      const packs = partly.slice(first, first + JOB_RESTS);
      await this.#threads.send({ kind: "rest", place: this.#place, packs, readsOn: true }, (answer) => this.#note(packs, answer));
    }
    await this.#threads.settle();
  }

  /** Reads no more: what has been read whole by now has its verdict. */
  async noteWhole(): Promise<void> {
    const partly = await this.#partlyRead();
    const packs = partly.filter(({ read }) => read.length > 0);
    this.#note(packs, this.#threads.here({ kind: "rest", place: this.#place, packs, readsOn: false }));
  }

  /** @throws DamageError BACKUP_DAMAGED that names one of those that are damaged */
  throwDamaged(): void {
    const damaged = this.#packs.flatMap(({ name }) => {
      const problem = this.#before.packs.get(name)?.problem ?? null;
      return problem === null ? [] : [{ name, problem }];
    });
    if (damaged[0] === undefined) return;
    const [{ name, problem }] = damaged;
    throw new DamageError("BACKUP_DAMAGED", damaged.length === 1 ? problem : `${problem}; and ${damaged.length - 1} more`, {
      hint: "Use another backup, or bring the pack back from a copy of the vault",
      details: { pack: name },
    });
  }

  /** But for those that the same run has read before. */
  async #partlyRead(): Promise<readonly PartlyRead[]> {
    const answers = await this.#threads.ask({ kind: "frames", place: this.#place });
    const readOf = ({ id }: TableEntry): number[] => answers.flatMap(({ frames }) => [...(frames?.get(id) ?? [])]);
    const unread = this.#packs.filter(({ name }) => !this.#before.packs.has(name));
    return unread.map((pack) => ({ pack, read: Uint32Array.from(readOf(pack)) }));
  }

  #note(packs: readonly PartlyRead[], { damaged, unread = [] }: ProveAnswer): void {
    const looked = packs.filter(({ pack }) => !unread.includes(pack.name)).map(({ pack }) => pack);
    note(this.#before, looked, damaged);
  }
}

/** Reads packs back whole and opens every frame of them; what was found is told to `before`. */
export async function provePacks(
  place: Pick<ProvePlace, "folder" | "epochs">,
  packs: readonly TableEntry[],
  before: ProvedBefore,
  { signal, onBytes }: ReadBackOptions,
): Promise<void> {
  const whole: ProvePlace = { ...place, table: PackTable.of([]).encode(), proof: randomUUID() };
  await using threads = new ProveThreads(isLittle(packs), signal);
  for (let first = 0; first < packs.length; first += JOB_PACKS) {
    const these = packs.slice(first, first + JOB_PACKS);
    await threads.send({ kind: "packs", place: whole, packs: these }, ({ damaged }) => {
      note(before, these, damaged);
      onBytes?.(these.reduce((sum, { length }) => sum + length, 0));
    });
  }
  await threads.settle();
}

/** Whether two threads would be one too many. */
export function isLittle(packs: readonly TableEntry[]): boolean {
  return packs.reduce((sum, { length }) => sum + length, 0) < INLINE_BYTES;
}

function note(before: ProvedBefore, packs: readonly TableEntry[], damaged: ProveAnswer["damaged"] = []): void {
  for (const { name } of packs) before.found(name, damaged.find((one) => one.name === name)?.problem ?? null);
}
