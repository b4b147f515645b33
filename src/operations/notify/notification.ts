import { randomUUID } from "node:crypto";
import type { NotifyEvent } from "../../config/index.ts";
import { keepSecrets } from "../bundle-redaction.ts";
import type { Instance } from "../instance.ts";

/** Something to tell, as whoever saw it says it. */
export interface Happening {
  readonly event: NotifyEvent | "test";
  /** Of what lasts; null of what happens once. */
  readonly state?: "begin" | "end";
  /** What it is about: a backup, a component, a task. */
  readonly subject: string;
  /** For people: one sentence. */
  readonly message: string;
  /** Facts for programs; plain JSON values. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The document that an endpoint gets. */
export interface Notification {
  readonly schema: "holdfast.notification/1";
  /** One that comes twice has the same: it is sent again when its answer was lost. */
  readonly id: string;
  readonly event: NotifyEvent | "test";
  readonly state: "begin" | "end" | null;
  readonly instance: string;
  /** ISO 8601. */
  readonly at: string;
  readonly subject: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const LONGEST_MESSAGE = 4000;

/** Without anything that must not leave this machine: secrets, also the values of secret variables, and names of files. */
export function notificationOf({ config, env, clock }: Instance, happening: Happening): Notification {
  const clean = keepSecrets(config, env);
  return {
    schema: "holdfast.notification/1",
    id: randomUUID(),
    event: happening.event,
    state: happening.state ?? null,
    instance: config.name,
    at: new Date(clock.now()).toISOString(),
    subject: String(clean(happening.subject)),
    message: String(clean(happening.message.slice(0, LONGEST_MESSAGE))),
    details: clean(happening.details ?? {}) as Readonly<Record<string, unknown>>,
  };
}
