import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HoldfastOptions } from "./holdfast.ts";

/** A command whose clock is so many milliseconds off, in the main process and in every thread. */
export function shiftedClock(folder: string, millis: number): Pick<HoldfastOptions, "nodeFlags"> {
  const file = join(folder, `clock-${millis}.cjs`);
  const code = `const Real = Date;
globalThis.Date = class Date extends Real {
  constructor(...args) { if (args.length === 0) super(Real.now() + ${millis}); else super(...args); }
  static now() { return Real.now() + ${millis}; }
};`;
  writeFileSync(file, code);
  return { nodeFlags: ["--require", file] };
}
