import type { Log } from "./log.ts";

/** Says what is wrong with a lane once, and again when it is something else or had gone away: a poll comes every few seconds. */
export class Complaints {
  readonly #log: Log;
  readonly #said: Map<string, string> = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  say(lane: string, message: string, about?: { readonly task: string }): void {
    if (this.#said.get(lane) === message) return;
    this.#said.set(lane, message);
    this.#log("error", message, about);
  }

  over(lane: string): void {
    this.#said.delete(lane);
  }
}
