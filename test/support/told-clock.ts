import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "vitest";

const PRELOAD = fileURLToPath(new URL("told-clock-preload.ts", import.meta.url));

/** A clock that goes on when the test says so, for every command that is started with its environment. */
export class ToldClock {
  readonly #file: string;
  #now: number;
  readonly env: Readonly<Record<string, string>>;

  constructor(file: string, now: number) {
    this.#file = file;
    this.#now = now;
    this.set(now);
    this.env = { TOLD_CLOCK: file, NODE_OPTIONS: `--import=${pathToFileURL(PRELOAD).href}` };
  }

  get now(): number {
    return this.#now;
  }

  set(now: number): void {
    writeFileSync(`${this.#file}.new`, String(now));
    renameSync(`${this.#file}.new`, this.#file);
    this.#now = now;
  }

  /** Resolves when the daemon of this number has looked at the clock as it stands. */
  async seenBy(pid: number): Promise<void> {
    await untilTrue(() => this.#seen() === `${pid} ${this.#now}\n`, `daemon ${pid} looks at ${new Date(this.#now).toISOString()}`);
  }

  #seen(): string {
    try {
      return readFileSync(`${this.#file}.seen`, "utf8");
    } catch {
      // Nobody has looked yet
      return "";
    }
  }
}

/** Fails after a minute, with what was waited for. */
export async function untilTrue(look: () => boolean, message: string): Promise<void> {
  await expect.poll(look, { timeout: 60_000, interval: 5, message }).toBe(true);
}
