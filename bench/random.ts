/** A small seeded generator (sfc32): the same seed and label give the same numbers on every machine. */
export interface Random {
  /** 32 random bits, unsigned. */
  bits(): number;
  /** From 0 up to, and without, `bound`. */
  below(bound: number): number;
  /** From `low` up to and with `high`. */
  between(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
}

/**
 * @param label names an independent stream, so that making more of one part leaves the others as they were
 */
export function createRandom(seed: number, label: string): Random {
  let mixed = seed >>> 0;
  const mix = (value: number): number => {
    mixed = Math.imul(mixed ^ value, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
    mixed ^= mixed >>> 13;
    return mixed >>> 0;
  };
  for (const character of label) mix(character.codePointAt(0) ?? 0);
  let a = mix(1);
  let b = mix(2);
  let c = mix(3);
  let counter = 1;
  const bits = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  for (let warm = 0; warm < 16; warm += 1) bits();
  // A multiplication and not a remainder: no bias that matters, and faster.
  const below = (bound: number): number => Math.floor((bits() / 4_294_967_296) * bound);
  return {
    bits,
    below,
    between: (low, high) => low + below(high - low + 1),
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}
