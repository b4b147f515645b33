import { closeSync, openSync } from "node:fs";
import { freeBuffer, writeFully } from "../../kernel/index.ts";
import { readFully } from "../../vault/index.ts";
import { openText, sealText, SEAL_LENGTH } from "../keys/derive.ts";
import { freePageHashes, makePageHashes, pageHashesLength, STRETCH_BYTES, type PageHashes } from "../split/page-hashes.ts";
import type { SideFile } from "./side-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

/** What the pages of one database were, a stretch of it at a time. Threads write their own stretches of a new one. */
export interface PageFile extends SideFile {
  readonly pageSize: number;
  readonly pages: number;
}

/** How many pages are in every stretch but the last. */
export function pagesPerStretch(pageSize: number): number {
  return STRETCH_BYTES / pageSize;
}

export class OpenPageFile implements Disposable {
  readonly #file: PageFile;
  readonly #descriptor: number;

  private constructor(file: PageFile, descriptor: number) {
    this.#file = file;
    this.#descriptor = descriptor;
  }

  /** @returns undefined when it is not there, or cannot be opened */
  static open(file: PageFile | undefined, flags: "r" | "r+"): OpenPageFile | undefined {
    return file === undefined ? undefined : unlessSystemFails(() => new OpenPageFile(file, openSync(file.path, flags)));
  }

  /** @returns undefined when that stretch cannot be read, was not written, or not for this place in this file. In memory of its own: see freeBuffer() */
  read(stretch: number): PageHashes | undefined {
    const { pageSize, key } = this.#file;
    const pages = this.pagesOf(stretch);
    if (pages === 0) return undefined;
    const sealed = Buffer.allocUnsafe(SEAL_LENGTH + pageHashesLength(pageSize, pages));
    const read = unlessSystemFails(() => readFully(this.#descriptor, sealed, sealed.length, this.#positionOf(stretch)));
    const opened = read === sealed.length ? openText(key, sealed, associated(stretch)) : undefined;
    freeBuffer(sealed);
    return opened === undefined ? undefined : makePageHashes(pageSize, pages, opened);
  }

  /** @returns false when it could not be written */
  write(stretch: number, { macs, sums, hashes }: PageHashes): boolean {
    const text = Buffer.concat([macs, sums, hashes]);
    const sealed = sealText(this.#file.key, text, associated(stretch));
    const isWritten = unlessSystemFails(() => (writeFully(this.#descriptor, sealed, this.#positionOf(stretch)), true)) === true;
    freeBuffer(text);
    freeBuffer(sealed);
    return isWritten;
  }

  /** Whether every stretch can be read. */
  isWhole(): boolean {
    const stretches = Math.ceil(this.#file.pages / pagesPerStretch(this.#file.pageSize));
    for (let stretch = 0; stretch < stretches; stretch += 1) {
      const read = this.read(stretch);
      if (read === undefined) return false;
      freePageHashes(read);
    }
    return true;
  }

  pagesOf(stretch: number): number {
    const { pageSize, pages } = this.#file;
    return Math.max(0, Math.min(pagesPerStretch(pageSize), pages - stretch * pagesPerStretch(pageSize)));
  }

  #positionOf(stretch: number): number {
    const { pageSize } = this.#file;
    return stretch * (SEAL_LENGTH + pageHashesLength(pageSize, pagesPerStretch(pageSize)));
  }

  /** What the system tells only now was not written, and will not open. */
  [Symbol.dispose](): void {
    unlessSystemFails(() => closeSync(this.#descriptor));
  }
}

function associated(stretch: number): string {
  return `holdfast pages 2|${stretch}`;
}
