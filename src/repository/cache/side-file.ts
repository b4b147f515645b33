/** A private file beside the cache of a component, which names it: what would fill the memory is read from there. Plain, so that it can be sent to threads. */
export interface SideFile {
  readonly path: string;
  /** 32 bytes: what it holds is sealed in pieces, each for its place in this file. */
  readonly key: Uint8Array;
  /** Nothing that was written for another one opens in it. */
  readonly name: string;
}
