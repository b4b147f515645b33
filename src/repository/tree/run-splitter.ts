import { hash } from "node:crypto";
import { InternalError } from "../../kernel/index.ts";
import { RUN_LIMIT } from "./run-codec.ts";
import { drawOf, Splitter } from "./splitter.ts";

/**
 * Cuts entries into runs by their paths alone, so that a run stays the same bytes while its entries do.
 *
 * @param key 32 bytes of this vault: without it, which paths share a run would show in the lengths of what is stored
 */
export function runSplitter(key: Uint8Array): Splitter<string> {
  if (key.length !== 32) throw new InternalError(`Cannot cut runs by a key of ${key.length} bytes`);
  const prefix = Buffer.from(key).toString("hex");
  return new Splitter({ least: 16, usual: 32, most: RUN_LIMIT }, (path) => drawOf(hash("sha256", prefix + path, "hex")));
}
