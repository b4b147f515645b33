/**
 * A vault of deduplicated, encrypted packs on a local disk: an incremental backup costs what changed, and forgetting costs
 * nothing. SPEC.md says why it is as it is, docs/repository-format.md how to read it without this program.
 * - A tree says where every byte is; there is no index to grow, rot or repair, and no pack is ever rewritten.
 * - A pack is on disk before the manifest that names it, and goes when no manifest names it any more.
 * - Every frame is decoded again before it counts; a cache saves reading, and its loss costs nothing else.
 * It takes no lease and prunes nothing by itself.
 */
export { addKey, removeKey, rotateKey, type KeyPlace } from "./keys/change-keys.ts";
export { lostKeyDocument } from "./keys/keys-folder.ts";
export { checkKeys, type CheckedEpoch, type KeyCheck } from "./keys/check-keys.ts";
export { anyOf, describeSecret, describeSlot } from "./keys/describe-keys.ts";
export { readKeyFile, writeKeyFile } from "./keys/key-file.ts";
export { firstLine, readPassphraseFile } from "./keys/passphrase-file.ts";
export { readRecoveryCodeFile } from "./keys/recovery-code-file.ts";
export type { Rotation } from "./keys/rotate-keys.ts";
export {
  fingerprintOf,
  formatRecoveryCode,
  generateKeyFile,
  generateRecoveryCode,
  parseRecoveryCode,
  type FileSecret,
  type RecoverySecret,
  type Secret,
} from "./keys/secret.ts";
export type { SlotFacts } from "./keys/slot.ts";
export { openRepositoryVault, type OpenRepositoryVaultOptions } from "./open-repository-vault.ts";
export { SEALED_FORM } from "./repository-form.ts";
export { unlockedForm } from "./unlocked-form.ts";
