/** Smaller ones lie together with others, or are not worth it. Bytes. */
const LARGE = 64 * 1024;
/** More than any buffer that comes and goes. Bytes. */
const LARGEST = 8 * 1024 * 1024;

let keeps = false;

/**
 * Gives the memory of a large buffer back now, not when it is collected: the next one is made of it. V8 counts an object and not
 * its bytes, and lets 64 MB of them lie in every thread. A first backup of 1 GB takes a tenth less processor time so, of which half are pages that
 * the kernel need not clear.
 *
 * For who made it and knows that nobody reads it any more, nor any part of its memory. Afterwards it is empty.
 */
export function freeBuffer({ buffer: memory }: Uint8Array): void {
  if (!(memory instanceof ArrayBuffer) || memory.byteLength < LARGE || memory.byteLength <= Buffer.poolSize) return;
  if (!keeps) keepsWhatIsFreed();
  memory.transfer(0);
}

/**
 * glibc asks the kernel for every large piece and returns it, until one was freed: up to its length, pieces come from what it keeps
 * from then on. Another malloc may think otherwise, and loses nothing.
 */
function keepsWhatIsFreed(): void {
  keeps = true;
  Buffer.allocUnsafeSlow(LARGEST).buffer.transfer(0);
}
