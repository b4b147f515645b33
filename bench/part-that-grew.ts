import type { Row } from "./comparisons.ts";
import type { Measurement } from "./measure.ts";
import { inTurn, median, type Side } from "./pairs.ts";

/** Ten times as much may take this many times as long. */
const MUST = 11;
/** What takes less cannot be told from noise, and counts as this much. Seconds. */
const NOISE = 0.02;

/** The same of three sizes. */
export interface Sizes<T> {
  /** Next to nothing: what is left is what the command costs that finds nothing to do. */
  readonly nothing: T;
  readonly base: T;
  /** Ten times that. */
  readonly grown: T;
}

/** Runs all three in turn. @param must null: measured for information */
export async function growthRow(what: string, sides: Sizes<Side>, rounds: number, must: number | null = MUST): Promise<Row> {
  const [nothing = [], base = [], grown = []] = await inTurn([sides.nothing, sides.base, sides.grown], rounds);
  return { ...rowOf(what, { nothing, base, grown }), must };
}

/** How many times as long the part takes that grew: what the command costs without it is taken off both. */
export function rowOf(what: string, { nothing, base, grown }: Sizes<readonly Measurement[]>): Row {
  const start = median(nothing.map(({ wall }) => wall));
  const parts = (measured: readonly Measurement[]): number[] => measured.map(({ wall }) => wall - start);
  const [small, large] = [parts(base), parts(grown)];
  const ratios = small.map((part, round) => (large[round] as number) / Math.max(part, NOISE));
  const show = (values: readonly number[]): string => `${median(values).toFixed(2)} s`;
  return {
    what: `growth: ${what}`,
    ours: show(large),
    peer: show(small),
    value: median(ratios),
    unit: "ratio",
    spread: [Math.min(...ratios), Math.max(...ratios)],
    must: MUST,
  };
}

export function thousands(count: number): string {
  return count.toLocaleString("en-US");
}
