import { HostError } from "../../kernel/index.ts";

/** undefined where the system fails: what lies in a cache is a hint, and costs time where it cannot be had. A defect is one here as well. */
export function unlessSystemFails<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const isOfSystem = error instanceof HostError || (error instanceof Error && "syscall" in error);
    if (!isOfSystem) throw error;
    return undefined;
  }
}
