import { openApi, type DoctorDocument, type Health, type StatusDocument } from "../../contract/index.ts";
import { ERROR_CODES, redactData } from "../../kernel/index.ts";
import { keepSecrets, listTasks, metricsText, reportLease, type Status } from "../../operations/index.ts";
import type { HandlersOf, Parts } from "../handler.ts";
import { leaseDocument } from "../watch-events.ts";

export const stateHandlers: HandlersOf<
  "status" | "lease" | "listTasks" | "doctor" | "config" | "health" | "ready" | "metrics" | "openapi" | "events"
> = {
  status: async ({ status }) => {
    const seen = await status.now();
    const document = redactData({ ...seen, lease: seen.lease === null ? null : leaseDocument(seen.lease) });
    return { status: 200, body: document as StatusDocument };
  },

  lease: async ({ instance }) => {
    const { lease, waiters, deferred } = await reportLease(instance());
    return { status: 200, body: { lease: lease === null ? null : leaseDocument(lease), waiters, deferred } };
  },

  listTasks: async ({ instance }) => ({ status: 200, body: { tasks: clean(listTasks(instance())) } }),

  doctor: async ({ readings }, { signal }) => {
    const { healthy, counts, findings } = (await readings.run(["doctor"], signal)) as unknown as DoctorDocument;
    return { status: 200, body: { healthy, counts, findings: clean(findings) } };
  },

  config: async ({ instance }) => {
    const { config, env } = instance();
    return { status: 200, body: keepSecrets(config, env)(config) as Record<string, unknown> };
  },

  // The process serves, so this is 200 whatever it has to say.
  health: async (parts, { token }) => {
    const seen = await look(parts);
    const status: Health["status"] = seen === null ? "unknown" : seen.safe ? "ok" : "unsafe";
    if (token === null) return { status: 200, body: { status } };
    const { version, instance } = parts;
    return { status: 200, body: { status, version, instance: instance().config.name, reasons: reasonsOf(seen) } };
  },

  ready: async (parts, { token }) => {
    const seen = await look(parts);
    const more = token === null ? {} : { reasons: reasonsOf(seen) };
    return seen?.safe === true
      ? { status: 200, body: { status: "ready", ...more } }
      : { status: 503, body: { status: "not ready", ...more } };
  },

  metrics: async (parts) => ({
    status: 200,
    body: await metricsText(parts.instance(), await parts.status.recent(), parts.runs.counts()),
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  }),

  openapi: async ({ version }) => ({ status: 200, body: openApi(version, ERROR_CODES) }),

  events: async ({ hub }, { headers }) => ({ status: 200, body: hub.open(headers.get("last-event-id")) }),
};

/** null when it cannot be read; the log has why. */
async function look({ status }: Parts): Promise<Status | null> {
  return await status.recent().catch(() => null);
}

function reasonsOf(seen: Status | null): readonly string[] {
  if (seen === null) return ["The state cannot be read"];
  return clean([
    ...seen.components.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])),
    ...(seen.failedRun === null ? [] : [`The newest run failed: ${seen.failedRun.message ?? "no reason was given"}`]),
    ...(seen.restore === null ? [] : [`A restore of ${seen.restore.backup} has not ended`]),
  ]);
}

function clean<T>(value: T): T {
  return redactData(value) as T;
}
