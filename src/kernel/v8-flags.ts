import { setFlagsFromString } from "node:v8";

/** Those that are set while a process runs, each with what it is by default. */
const DEFAULTS = {
  "--semi-space-growth-factor=1": "--semi-space-growth-factor=2",
  "--heap-growing-percent=70": "--heap-growing-percent=0",
  "--no-flush-bytecode": "--flush-bytecode",
} as const;

/** Of the whole process, whichever thread sets it. Code that was compiled under other flags, which Node's own modules are, is not taken from a cache any more. */
export function setV8Flag(flag: keyof typeof DEFAULTS): void {
  setFlagsFromString(flag);
}

/** Before what is compiled is kept for a process that begins without them. */
export function resetV8Flags(): void {
  for (const flag of Object.values(DEFAULTS)) setFlagsFromString(flag);
}
