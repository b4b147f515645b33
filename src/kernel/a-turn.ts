/** Resolves in the next turn of the event loop: signals, timers and answers of threads come in between. */
export async function aTurn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
