/** Keys of a JSON pointer (RFC 6901): "/a~1b/0" is ["a/b", "0"]. */
export function pointerKeys(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * What a pointer means in plain data. Only a document's own keys count, and only indices that a list has.
 *
 * @returns undefined and how far it came (keys) when it means nothing
 */
export function followPointer(root: unknown, keys: readonly string[]): { readonly value: unknown; readonly reached: number } {
  let value = root;
  for (const [reached, key] of keys.entries()) {
    if (typeof value !== "object" || value === null) return { value: undefined, reached };
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return { value: undefined, reached };
    if (!Object.hasOwn(value, key)) return { value: undefined, reached };
    value = (value as Record<string, unknown>)[key];
  }
  return { value, reached: keys.length };
}
