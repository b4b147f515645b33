import { formatDuration } from "../kernel/index.ts";
import { foundDamage, type Listing } from "../vault/index.ts";
import type { Instance } from "./instance.ts";

/**
 * What verification on schedule owes: one line when there are backups of which not everything was read back within
 * `verify.max_age`. null when there are none, and where nothing is read back on schedule. Damaged ones are told of elsewhere.
 */
export function staleVerdicts({ config: { verify }, clock }: Pick<Instance, "config" | "clock">, { backups }: Listing): string | null {
  if (verify.every === null) return null;
  const ages = backups.flatMap((head) => {
    if (foundDamage(head) !== undefined) return [];
    const age = clock.now() - Date.parse(head.marks.verified?.at ?? head.manifest.timestamp);
    return age > verify.maxAge ? [age] : [];
  });
  if (ages.length === 0) return null;
  const oldest = formatDuration(ages.reduce((one, other) => Math.max(one, other)));
  const which = ages.length === 1 ? "1 backup was" : `${ages.length} of ${backups.length} backups were`;
  return `${which} not read back whole within ${formatDuration(verify.maxAge)}: the longest ago is ${oldest}`;
}
