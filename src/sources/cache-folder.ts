import { lstatAt } from "../kernel/index.ts";
import { firstBytes } from "./sniff.ts";

/** https://bford.info/cachedir/: a folder is a cache only when its tag begins with this. */
const SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

export const CACHE_TAG = "CACHEDIR.TAG";

export function isCacheFolder(folder: string): boolean {
  const tag = `${folder}/${CACHE_TAG}`;
  try {
    return lstatAt(tag)?.isFile() === true && firstBytes(tag, SIGNATURE.length).toString("latin1") === SIGNATURE;
  } catch {
    // A tag that cannot be read says nothing, so the folder is captured like any other.
    return false;
  }
}
