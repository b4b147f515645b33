import * as z from "zod/mini";
import { RUN, RUN_ID, RUN_LIST, RUN_QUERY, WAIT_REQUEST } from "../runs.ts";
import { componentName } from "../schema.ts";
import { CONFIG, DOCTOR, HEALTH, LEASE_REPORT, READINESS, STATUS, TASK_LIST } from "../state.ts";
import type { Endpoints } from "../endpoints.ts";
import { STARTED } from "./parts.ts";

/** How things are: status, lease, tasks, runs, health, metrics, events. */
export const STATE_ENDPOINTS: Pick<
  Endpoints,
  | "status"
  | "lease"
  | "listTasks"
  | "runTask"
  | "listRuns"
  | "showRun"
  | "doctor"
  | "config"
  | "events"
  | "health"
  | "ready"
  | "metrics"
  | "openapi"
> = {
  status: {
    method: "GET",
    path: "/status",
    scope: "read",
    changes: false,
    summary: "What is safe, and what is not",
    answers: { 200: { means: "As `holdfast status --json` says it", schema: STATUS } },
    errors: [],
  },
  lease: {
    method: "GET",
    path: "/lease",
    scope: "read",
    changes: false,
    summary: "Who does heavy work, and who waits for it",
    answers: { 200: { means: "The lease", schema: LEASE_REPORT } },
    errors: ["LEASE_STORE_DAMAGED", "LEASE_STORE_MISSING"],
  },
  listTasks: {
    method: "GET",
    path: "/tasks",
    scope: "read",
    changes: false,
    summary: "Every task and service",
    answers: { 200: { means: "What became of it last and when it is due", schema: TASK_LIST } },
    errors: [],
  },
  runTask: {
    method: "POST",
    path: "/tasks/{name}/run",
    scope: "operate",
    changes: true,
    summary: "Run a task now, through the same gates as the daemon",
    params: z.strictObject({ name: componentName }),
    body: WAIT_REQUEST,
    answers: { 202: STARTED, 200: { means: "With `wait`: what became of it", schema: RUN } },
    errors: ["TASK_NOT_FOUND", "TASK_RUNNING", "LEASE_HELD"],
  },
  listRuns: {
    method: "GET",
    path: "/runs",
    scope: "read",
    changes: false,
    summary: "Runs of tasks and of this API, newest first",
    query: RUN_QUERY,
    answers: { 200: { means: "The runs", schema: RUN_LIST } },
    errors: [],
  },
  showRun: {
    method: "GET",
    path: "/runs/{id}",
    scope: "read",
    changes: false,
    summary: "What becomes of one run",
    params: z.strictObject({ id: RUN_ID }),
    answers: { 200: { means: "The run", schema: RUN } },
    errors: ["RUN_NOT_FOUND"],
  },
  doctor: {
    method: "GET",
    path: "/doctor",
    scope: "read",
    changes: false,
    summary: "Look whether this host and set-up can take backups and restore them",
    answers: { 200: { means: "The findings, each with what to do", schema: DOCTOR } },
    errors: ["ENGINE_KILLED"],
  },
  config: {
    method: "GET",
    path: "/config",
    scope: "read",
    changes: false,
    summary: "The configuration in force, without its secrets",
    answers: { 200: { means: "The configuration", schema: CONFIG } },
    errors: [],
  },
  events: {
    method: "GET",
    path: "/events",
    scope: "read",
    changes: false,
    summary: "Server-sent events: progress and outcomes of runs, changes of the lease",
    answers: { 200: { means: "A stream; each event's data is an Event", schema: null, media: "text/event-stream" } },
    errors: ["RATE_LIMITED"],
  },
  health: {
    method: "GET",
    path: "/health",
    scope: "none",
    changes: false,
    summary: "200 while the process serves, with the truth in its body; `status` alone without a token",
    answers: { 200: { means: "How things are", schema: HEALTH } },
    errors: [],
  },
  ready: {
    method: "GET",
    path: "/ready",
    scope: "none",
    changes: false,
    summary: "Whether every critical component is safe, and where none is critical, every one; `status` alone without a token",
    answers: { 200: { means: "It is", schema: READINESS }, 503: { means: "It is not", schema: READINESS } },
    errors: [],
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    scope: "read",
    changes: false,
    summary: "Metrics for Prometheus",
    answers: { 200: { means: "Text in the exposition format", schema: null, media: "text/plain" } },
    errors: [],
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    scope: "read",
    changes: false,
    summary: "This API as an OpenAPI 3.1 document",
    answers: { 200: { means: "The document", schema: CONFIG } },
    errors: [],
  },
};
