/**
 * The wire: one table of endpoints with the schemas of what each takes and gives, and what is made from it: the OpenAPI
 * document and the typed client. Safe in a browser: it imports zod and types of the kernel, and nothing of Node.
 * It decides nothing and holds its own unions, which a test compares with the vault's.
 */
export type {
  BackupDetail,
  BackupPage,
  BackupQuery,
  BackupRow,
  BackupStarted,
  BackupTaken,
  EntryRow,
  ManifestDocument,
  Pinned,
} from "./backups.ts";
export type { Calls } from "./calls.ts";
export { ApiError, createClient, type CallOptions, type Client, type ClientOptions } from "./client.ts";
export type { DiffDocument, EntryPage, SearchResult } from "./contents.ts";
export { SCOPES, type AnyEndpoint, type Answer, type AnswerSpec, type Call, type Method, type Scope } from "./endpoint.ts";
export { ALSO_AT_TOP, ENDPOINTS, NOT_BUILT, PREFIX, type Endpoints } from "./endpoints.ts";
export { EVENT, type ApiEvent } from "./events.ts";
export { errorsOf, openApi } from "./openapi.ts";
export type { LifecycleReport } from "./lifecycle.ts";
export { PROBLEM, type Problem } from "./problem.ts";
export type { PlanDocument, PlanRequest, RestoreReport, RestoreRequest, UndoReport } from "./restores.ts";
export type { PruneReport, RunDocument, RunKind, RunProgress, SampleReport, VerifyReport } from "./runs.ts";
export type { Schema } from "./schema.ts";
export type { DoctorDocument, Health, LeaseDocument, LeaseReport, Readiness, StatusDocument, TaskList } from "./state.ts";
