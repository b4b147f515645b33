import type { BackupHead } from "./vault.ts";

/** What its last verification found wrong with a backup; undefined when it read back, and when nobody has looked. */
export function foundDamage({ marks }: Pick<BackupHead, "marks">): string | undefined {
  return marks.verified?.ok === false ? (marks.verified.problem ?? "it does not read back") : undefined;
}
