/**
 * Keys of the whole design that this version does not have. They are refused by name, never accepted without effect,
 * and never called unknown: a person who wrote one has read of it. A star stands for a component's name.
 */
export const UNAVAILABLE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "": ["preset", "drill", "copies", "secrets"],
  backup: ["copies"],
  server: ["tls"],
  "components.*": ["rebuildable", "secrets", "keep_deleted", "preset"],
};

/** Values, of keys that this version has, that it does not have. */
const UNAVAILABLE_VALUES: Readonly<Record<string, readonly unknown[]>> = { "backup.format": ["repository"] };

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
