/**
 * A host's callback is the host's: what it throws fails nothing here, and what it rejects with, being async, ends no process.
 * Told to nobody else: the host has its own way of learning of its errors.
 */
export function contained<Arguments extends readonly unknown[]>(
  callback: ((...args: Arguments) => unknown) | undefined,
): (...args: Arguments) => void {
  return (...args) => {
    try {
      Promise.resolve(callback?.(...args)).catch(() => {});
    } catch {
      // See above
    }
  };
}
