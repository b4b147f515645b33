import { DamageError } from "../kernel/index.ts";
import { proofOf, quotePath, storedPath, type Entry, type LocatedBackup, type LocatedContent } from "../vault/index.ts";
import { cutWork, type NearFile } from "./located-work.ts";
import type { WriteEntriesRequest } from "./write-entries.ts";
import { factsOf } from "./write-file.ts";
import { writeInThreads } from "./write-in-threads.ts";
import type { StepDone } from "./write-located.ts";

interface PlacedFile {
  readonly path: string;
  readonly entry: Entry;
  readonly content: LocatedContent | undefined;
}

type Request = Pick<WriteEntriesRequest, "reader" | "placeOf" | "owner" | "signal" | "onBytes" | "onEntry" | "onDatabase"> & {
  readonly little: boolean;
};

/**
 * Writes files whose contents the threads read by themselves.
 *
 * @throws DamageError BACKUP_DAMAGED that names the first content which is not what was recorded
 */
export async function writeLocated(located: LocatedBackup, files: AsyncIterable<PlacedFile>, request: Request): Promise<void> {
  const { reader, placeOf, owner, signal, little, onBytes, onEntry, onDatabase } = request;
  const { component_details: details } = reader.head.manifest;
  async function* nearFiles(): AsyncGenerator<NearFile, void> {
    for await (const { path, entry, content } of files) {
      // An empty file in the place of a full one would pass for it.
      if (content === undefined || (entry.sha256 ?? entry.pages_sha256) === undefined)
        throw new DamageError("BACKUP_DAMAGED", `The backup gives no content for "${entry.component}/${entry.path}"`);
      onEntry?.(entry, path);
      const { size } = entry;
      const check = entry.database === true && onDatabase !== undefined;
      yield {
        file: { path, facts: factsOf(entry, owner === "recorded"), size, proof: proofOf(entry), at: content.at, check },
        near: content.near,
        divisible: content.divisible,
      };
    }
  }

  await writeInThreads(cutWork(nearFiles()), {
    located,
    little,
    ...(signal === undefined ? {} : { signal }),
    onDone: async ({ bytes, databases, damaged }) => {
      if (damaged !== undefined) throw await damageOf(damaged);
      onBytes?.(bytes);
      for (const database of databases) onDatabase?.(database);
    },
  });

  /** Of a file nothing but its path comes back, and none is remembered: the entry is looked for. */
  async function damageOf({ path, reason, hint }: NonNullable<StepDone["damaged"]>): Promise<DamageError> {
    let named: { readonly path: string; readonly component?: string } = { path };
    for await (const entry of reader.entries()) {
      const found = details[entry.component];
      if (found === undefined || placeOf(entry) !== path) continue;
      named = { path: storedPath(found.stored_as, found.source, entry.path), component: entry.component };
      break;
    }
    const problem = reason === undefined ? "its content is not the one that was recorded" : lowered(reason);
    return new DamageError("BACKUP_DAMAGED", `${quotePath(named.path)} is damaged: ${problem}`, {
      hint: hint ?? "Use another backup for this file",
      details: named,
    });
  }
}

function lowered(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}
