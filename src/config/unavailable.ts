/**
 * Keys of the whole design that this version does not have. They are refused by name, never accepted without effect,
 * and never called unknown: a person who wrote one has read of it. A star stands for a component's name.
 */
export const UNAVAILABLE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "": ["preset", "verify", "drill", "hooks", "server", "notify", "encryption", "copies", "secrets"],
  backup: ["encryption", "copies"],
  orchestrator: ["startup_wait"],
  "components.*": ["rebuildable", "secrets", "keep_deleted", "preset"],
};

/** Values, of keys that this version has, that it does not have. */
const UNAVAILABLE_VALUES: Readonly<Record<string, readonly unknown[]>> = { "backup.format": ["repository"] };

/** Accepted, because synthorg#449's block must load as it stands, and without effect: each says so whenever it is there. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  on_shutdown: "no backup is taken at shutdown yet",
  on_startup: "no backup is taken at startup yet",
};

export function unavailableKeys(path: readonly PropertyKey[]): readonly string[] {
  const place = path.map((part, index) => (index === 1 && path[0] === "components" ? "*" : String(part))).join(".");
  return Object.hasOwn(UNAVAILABLE_KEYS, place) ? (UNAVAILABLE_KEYS[place] ?? []) : [];
}

export function isUnavailableValue(path: readonly PropertyKey[], value: unknown): boolean {
  const place = path.map(String).join(".");
  return Object.hasOwn(UNAVAILABLE_VALUES, place) && (UNAVAILABLE_VALUES[place] ?? []).includes(value);
}

export function notAvailable(what: string): string {
  return `\`${what}\` is not available in this version`;
}

/** One line for each key of `backup` that is there and does nothing in this version. */
export function noticesFor(backup: object): string[] {
  return Object.entries(WITHOUT_EFFECT).flatMap(([name, what]) => (Object.hasOwn(backup, name) ? [`backup.${name}: ${what}`] : []));
}
