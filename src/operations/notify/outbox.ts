import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createFile, errnoOf, makeFolder, removeFile } from "../../kernel/index.ts";
import type { NotifyConfig } from "../../config/index.ts";
import { endpointKey } from "./endpoint.ts";
import type { Notification } from "./notification.ts";

/** How many wait for one endpoint; the oldest go first. */
const MOST = 100;
/** What is older says nothing any more. */
const LONGEST_WAIT = 24 * 60 * 60 * 1000;
/** An instant, a number, an id: by name is by age. */
const ITEM = /^(\d{15})-\d{6}-[0-9a-f-]{36}\.json$/;

export interface Waiting {
  readonly file: string;
  readonly notification: Notification;
}

let counter = 0;

export function notifyFolder(stateDir: string): string {
  return join(stateDir, "notify");
}

export function outboxOf(stateDir: string, endpoint: NotifyConfig): string {
  return join(notifyFolder(stateDir), endpointKey(endpoint));
}

/** Keeps a notification until it has arrived. Throws what the disk throws. */
export function keep(stateDir: string, endpoint: NotifyConfig, notification: Notification): void {
  const folder = outboxOf(stateDir, endpoint);
  makeFolder(folder);
  const order = `${String(Date.parse(notification.at)).padStart(15, "0")}-${String((counter += 1) % 1_000_000).padStart(6, "0")}`;
  createFile(join(folder, `${order}-${notification.id}.json`), `${JSON.stringify(notification)}\n`);
}

/** What waits in a folder, oldest first, without what is too old, too much or not readable, which is dropped and counted. */
export function waitingIn(folder: string, now: number): { readonly waiting: readonly Waiting[]; readonly dropped: number } {
  const names = itemsIn(folder);
  const waiting: Waiting[] = [];
  let dropped = 0;
  for (const [index, name] of names.entries()) {
    const file = join(folder, name);
    const age = now - Number(ITEM.exec(name)?.[1] ?? 0);
    const notification = index < names.length - MOST || age > LONGEST_WAIT ? undefined : read(file);
    if (notification === "gone") continue;
    if (notification !== undefined) {
      waiting.push({ file, notification });
      continue;
    }
    removeFile(file);
    dropped += 1;
  }
  return { waiting, dropped };
}

/** Drops what waits for endpoints that are declared no more; gives how many notifications that were. */
export function sweepUndeclared(stateDir: string, endpoints: readonly NotifyConfig[]): number {
  const declared = new Set(endpoints.map(endpointKey));
  let dropped = 0;
  for (const name of namesIn(notifyFolder(stateDir))) {
    if (!/^[0-9a-f]{24}$/.test(name) || declared.has(name)) continue;
    const folder = join(notifyFolder(stateDir), name);
    dropped += itemsIn(folder).length;
    rmSync(folder, { recursive: true, force: true });
  }
  return dropped;
}

/** How many wait for an endpoint. */
export function undelivered(stateDir: string, endpoint: NotifyConfig): number {
  return itemsIn(outboxOf(stateDir, endpoint)).length;
}

function itemsIn(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => ITEM.test(name))
    .toSorted();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function read(file: string): Notification | "gone" | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Notification | null;
    return value?.schema === "holdfast.notification/1" ? value : undefined;
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? "gone" : undefined;
  }
}
