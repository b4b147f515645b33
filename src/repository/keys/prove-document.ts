import { InternalError } from "../../kernel/index.ts";
import type { EpochKey } from "./epoch-key.ts";
import { formatKeyDocument, parseKeyDocument, type KeyDocument } from "./key-document.ts";
import { kdfBudget } from "./passphrase-key.ts";
import type { Secret } from "./secret.ts";
import { earlierOf, unlockDocument } from "./unlock-document.ts";

/**
 * The text of a document of keys, read back and opened with each of the secrets before anybody relies on it: a slot that
 * does not open is found out only when everything else is lost.
 */
export function proveDocument(document: KeyDocument, key: EpochKey, secrets: readonly Secret[]): string {
  const text = formatKeyDocument(document);
  const parsed = parseKeyDocument(Buffer.from(text), { vault: document.vault, epoch: document.epoch });
  earlierOf(parsed, key);
  for (const secret of secrets) {
    const opened = unlockDocument(parsed, [secret], kdfBudget());
    if (opened?.key.master.equals(key.master) !== true) {
      throw new InternalError(`The keys of epoch ${document.epoch} do not open with the ${secret.kind} secret they were made for`);
    }
  }
  return text;
}
