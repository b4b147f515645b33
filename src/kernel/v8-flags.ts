import { setFlagsFromString } from "node:v8";

let before: (() => void) | undefined;

/** Does something before a flag is set: code that is compiled by then is taken from a cache only where the same flags are set. */
export function beforeV8Flags(work: () => void): void {
  before = work;
}

/** Sets a flag of V8 while the process runs. Code that was compiled under other flags, which Node's own modules are, is not taken from a cache any more. */
export function setV8Flag(flag: string): void {
  before?.();
  before = undefined;
  setFlagsFromString(flag);
}
