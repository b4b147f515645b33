import { fingerprintOf, type Secret } from "./secret.ts";
import type { SlotFacts } from "./slot.ts";

/** `key file "acme.key" (3F2A-91C0)`: enough to find it on a shelf, and nothing of the secret. */
export function describeSecret(secret: Secret): string {
  if (secret.kind === "none") return "no key";
  if (secret.kind === "passphrase") return `the passphrase of "${secret.label}"`;
  const fingerprint = fingerprintOf(secret);
  return secret.kind === "file" ? `key file "${secret.label}" (${fingerprint})` : `recovery code (${fingerprint})`;
}

export function describeSlot({ kind, label, fingerprint = "" }: SlotFacts): string {
  if (kind === "none") return "no key at all";
  if (kind === "passphrase") return `passphrase "${label}"`;
  return kind === "file" ? `key file "${label}" (${fingerprint})` : `recovery code (${fingerprint})`;
}

/** "a, b or c" */
export function anyOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
