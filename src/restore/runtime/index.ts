/**
 * How the program whose state it is goes down, comes up, and is asked whether it works.
 * Argument arrays, never a shell; every wait has a deadline; what a command said is redacted before it is told.
 * Decides nothing: what follows from a failure is the swap's to say.
 */
export { awaitHealth } from "./health.ts";
export { startRuntime, stopRuntime, type Runtime } from "./runtime.ts";
