/** UTF-16 puts the halves of characters beyond the first plane (D800 to DFFF) before E000 to FFFF; UTF-8 does not. */
const SURROGATES = 0xd800;
const BEHIND_SURROGATES = 0xe000;
const SLASH = 0x2f;

/**
 * Whether one entry path stands before another in a tree: a folder before what is in it, and names in a folder by their UTF-8 bytes.
 * "." is the folder itself.
 */
export function isStoredBefore(one: string, other: string): boolean {
  if (one === "." || other === ".") return other !== ".";
  const shorter = Math.min(one.length, other.length);
  let at = 0;
  while (at < shorter && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  if (at === shorter) return one.length < other.length;
  return rank(one.charCodeAt(at)) < rank(other.charCodeAt(at));
}

/** What ends a name stands before all that goes on with it. */
function rank(unit: number): number {
  if (unit === SLASH) return -1;
  if (unit < SURROGATES) return unit;
  return unit < BEHIND_SURROGATES ? unit + 0x1_0000 : unit;
}
