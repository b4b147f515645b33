import { closeSync, fstatSync, openSync } from "node:fs";

/** Where a program runs, and what it gets of this process. */
export interface ProgramPlace {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** A descriptor that this process may have inherited and the program must not have: Node passes on what it inherited itself. */
  readonly withhold?: number;
  /** Writes a program down before anything of it runs: it may outlive this process. When that fails, nothing of it runs. */
  readonly enlist?: (pid: number, program: string) => Promise<void>;
}

export type Stdio = "ignore" | "inherit" | "pipe" | number;

/**
 * The descriptors for a program that is to be started at once, with nothing behind the one that is withheld. To leave it out
 * is not enough: what is not named stays as it was inherited.
 */
export function withholding<T>(descriptor: number | undefined, stdio: readonly Stdio[], start: (stdio: Stdio[]) => T): T {
  if (descriptor === undefined || !isOpen(descriptor)) return start([...stdio]);
  const nothing = openSync("/dev/null", "r");
  try {
    const all: Stdio[] = [...stdio];
    while (all.length < descriptor) all.push("ignore");
    all[descriptor] = nothing;
    return start(all);
  } finally {
    closeSync(nothing);
  }
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}
