import { endianness } from "node:os";

/** The running checksum of a log: two sums of 32 bits, as signed numbers. */
export interface Checksum {
  one: number;
  two: number;
}

/** Whether words in the byte order of a log must be turned to be added up on this machine. */
export function isSwapped(bigEndian: boolean): boolean {
  return bigEndian !== (endianness() === "BE");
}

/**
 * Adds the words from `from` to before `to`, an even number of them. Over a typed array: word by word through a Buffer
 * it takes many times as long, and a log may have a gigabyte.
 */
export function addChecksum(sum: Checksum, words: Int32Array, from: number, to: number, swapped: boolean): void {
  let { one, two } = sum;
  if (swapped) {
    for (let index = from; index < to; index += 2) {
      one = (one + turned(words[index] as number) + two) | 0;
      two = (two + turned(words[index + 1] as number) + one) | 0;
    }
  } else {
    for (let index = from; index < to; index += 2) {
      one = (one + (words[index] as number) + two) | 0;
      two = (two + (words[index + 1] as number) + one) | 0;
    }
  }
  sum.one = one;
  sum.two = two;
}

function turned(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
