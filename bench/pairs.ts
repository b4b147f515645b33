import type { Measurement } from "./measure.ts";

export interface Side {
  /** Puts things as they are before every run: not measured. */
  prepare(): Promise<void> | void;
  run(): Promise<Measurement>;
}

export interface Paired {
  readonly ours: readonly Measurement[];
  readonly peers: readonly Measurement[];
  /** Median over the rounds of ours divided by the peer's, each from the same round. */
  readonly ratio: number;
  /** The smallest and the largest of those ratios: far apart, the machine was not quiet and the median says little. */
  readonly spread: readonly [low: number, high: number];
  readonly cpuRatio: number;
}

/** A B A B: both in turn, so that a machine that grows slower or faster on the way does so for both. */
export async function inPairs(ours: Side, peer: Side, rounds: number): Promise<Paired> {
  const [own = [], other = []] = await inTurn([ours, peer], rounds);
  return paired(own, other);
}

/**
 * The same with any number of sides: A B C A B C.
 *
 * @returns for each side what was measured in each round
 */
export async function inTurn(sides: readonly Side[], rounds: number): Promise<Measurement[][]> {
  const measured: Measurement[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [position, side] of sides.entries()) {
      await side.prepare();
      measured[position]?.push(await side.run());
    }
  }
  return measured;
}

/** What two sides measured in the same rounds, beside each other. */
export function paired(ours: readonly Measurement[], peers: readonly Measurement[]): Paired {
  const ratios = (of: (measurement: Measurement) => number): number[] =>
    ours.map((measurement, round) => of(measurement) / of(peers[round] as Measurement));
  const walls = ratios(({ wall }) => wall);
  return {
    ours,
    peers,
    ratio: median(walls),
    spread: [Math.min(...walls), Math.max(...walls)],
    cpuRatio: median(ratios(({ cpu }) => cpu)),
  };
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("Nothing was measured");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
