import { readFileSync } from "node:fs";
import { errnoOf, HoldfastError } from "../../kernel/index.ts";
import { parseMark } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { packVerdictsOf } from "./pack-verdicts.ts";
import type { FoundBackup } from "./read-documents.ts";

/** What reading back has told of what the vault holds; looked up when it is asked for. */
export interface Doubts {
  /** Names of the packs that were found damaged. */
  packs(): ReadonlySet<string>;
  /** Why a backup does not read back; undefined when nothing is known against it. */
  about(backup: FoundBackup): string | undefined;
}

/** A new backup that built on what is known to be damaged would be damaged from the start, and so would all after it. */
export function doubtsOf(layout: Layout): Doubts {
  return {
    packs: () => new Set([...packVerdictsOf(layout).read().verdicts].flatMap(([name, { problem }]) => (problem === null ? [] : [name]))),
    about: ({ id, sha256 }) => {
      try {
        const mark = parseMark(readFileSync(layout.mark(id, "verified")), "verified", id);
        return mark.ok || mark.manifest_sha256 !== sha256 ? undefined : (mark.problem ?? "it does not read back");
      } catch (error) {
        // Not there, or damaged itself, which the listing tells: then nothing is known.
        if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
        return undefined;
      }
    },
  };
}
