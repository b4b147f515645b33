import { closeSync, openSync } from "node:fs";
import { errnoOf, writeFully } from "../../kernel/index.ts";
import { readFully } from "../../vault/index.ts";
import { openText, sealText, SEAL_LENGTH } from "../keys/derive.ts";
import { HASH_BYTES, makePageHashes, pagesPerGroup, STRETCH_BYTES, type PageHashes } from "../split/page-hashes.ts";
import type { SideFile } from "./side-file.ts";

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

  /** @returns undefined when it is not there, or cannot be opened: it is a hint, and costs time where it is missing */
  static open(file: PageFile | undefined, flags: "r" | "r+"): OpenPageFile | undefined {
    try {
      return file === undefined ? undefined : new OpenPageFile(file, openSync(file.path, flags));
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return undefined;
    }
  }

  /** @returns undefined when that stretch was not written, or not for this place in this file */
  read(stretch: number): PageHashes | undefined {
    const { pageSize, key } = this.#file;
    const pages = this.pagesOf(stretch);
    if (pages === 0) return undefined;
    const sealed = Buffer.allocUnsafe(SEAL_LENGTH + lengthOf(pageSize, pages));
    if (readFully(this.#descriptor, sealed, sealed.length, this.#positionOf(stretch)) !== sealed.length) return undefined;
    const opened = openText(key, sealed, this.#associated(stretch));
    return opened === undefined ? undefined : makePageHashes(pageSize, pages, opened);
  }

  /** @returns false when it could not be written */
  write(stretch: number, { macs, hashes }: PageHashes): boolean {
    const sealed = sealText(this.#file.key, Buffer.concat([macs, hashes]), this.#associated(stretch));
    try {
      writeFully(this.#descriptor, sealed, this.#positionOf(stretch));
      return true;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return false;
    }
  }

  /** Whether every stretch can be read. */
  isWhole(): boolean {
    const stretches = Math.ceil(this.#file.pages / pagesPerStretch(this.#file.pageSize));
    for (let stretch = 0; stretch < stretches; stretch += 1) if (this.read(stretch) === undefined) return false;
    return true;
  }

  pagesOf(stretch: number): number {
    const { pageSize, pages } = this.#file;
    return Math.max(0, Math.min(pagesPerStretch(pageSize), pages - stretch * pagesPerStretch(pageSize)));
  }

  #positionOf(stretch: number): number {
    const { pageSize } = this.#file;
    return stretch * (SEAL_LENGTH + lengthOf(pageSize, pagesPerStretch(pageSize)));
  }

  #associated(stretch: number): string {
    return `holdfast pages 1|${this.#file.name}|${stretch}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

function lengthOf(pageSize: number, pages: number): number {
  return (Math.ceil(pages / pagesPerGroup(pageSize)) + pages) * HASH_BYTES;
}
