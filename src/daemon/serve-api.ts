import { messageOf } from "../kernel/index.ts";
import { createApi } from "../api/index.ts";
import type { Log } from "../orchestrator/index.ts";
import type { Watched } from "./poll-until.ts";

/**
 * The HTTP API beside the poll. What keeps it from listening, such as a port that another daemon has, keeps nothing else
 * from being done: backups come first.
 */
export async function serveApi(current: () => Watched, log: Log, giveUp: AbortSignal): Promise<{ close(): Promise<void> }> {
  try {
    const api = createApi({ instance: () => current().instance, orchestration: () => current().orchestration, log, giveUp });
    const listening = await api.listen();
    log("info", `Listening on ${listening.url}.`);
    // What was started through it is a process of its own, which goes on until it is given up: the last backup waits for its lease.
    return { close: async () => await listening.close() };
  } catch (error) {
    log("warn", `Without HTTP: ${messageOf(error)}.`);
    return { close: async () => {} };
  }
}
