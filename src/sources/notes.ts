import type { Omission } from "../vault/index.ts";

/** How many omissions of each sort are listed by name; the rest is counted. */
const LISTED = 1000;

/** What a reading learns on its way. Bounded: a tree of a million sockets must not become a manifest of a million lines. */
export interface Notes {
  omit(path: string, reason: string, harmless: boolean): void;
  warn(text: string): void;
  suspect(): void;
  result(): { readonly omissions: readonly Omission[]; readonly warnings: readonly string[]; readonly suspect: boolean };
}

export function makeNotes(): Notes {
  // Kept apart, so that a thousand harmless sockets cannot push out the one omission that makes a component partial.
  const listed: Record<"harmless" | "harmful", Omission[]> = { harmless: [], harmful: [] };
  const more = { harmless: 0, harmful: 0 };
  const warnings = new Set<string>();
  let suspect = false;
  return {
    omit(path, reason, harmless) {
      const sort = harmless ? "harmless" : "harmful";
      if (listed[sort].length < LISTED) listed[sort].push({ path, reason, harmless });
      else more[sort] += 1;
    },
    warn(text) {
      if (warnings.size < LISTED) warnings.add(text);
    },
    suspect() {
      suspect = true;
    },
    result() {
      const counts: string[] = [];
      if (more.harmful > 0) counts.push(`${more.harmful} more paths could not be read and are not listed`);
      if (more.harmless > 0) counts.push(`${more.harmless} more paths were left out by the rules and are not listed`);
      return { omissions: [...listed.harmful, ...listed.harmless], warnings: [...warnings, ...counts], suspect };
    },
  };
}
