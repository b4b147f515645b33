import type {
  BackupDetail,
  BackupPage,
  BackupQuery,
  BackupRequest,
  BackupStarted,
  BackupTaken,
  ContentQuery,
  DiffQuery,
  EntriesQuery,
  Pinned,
  PinRequest,
  RunStarted,
} from "./backups.ts";
import type { DiffDocument, EntryPage, SearchQuery, SearchResult } from "./contents.ts";
import type { Answered } from "./endpoint.ts";
import type { LifecycleReport, MigrationRequest, ShutdownRequest, StartupRequest } from "./lifecycle.ts";
import type { PlanDocument, PlanRequest, RestoreReport, RestoreRequest, UndoReport, UndoRequest } from "./restores.ts";
import type {
  PruneReport,
  RetentionDocument,
  RunDocument,
  RunList,
  RunQuery,
  SampleReport,
  SampleRequest,
  VerifyReport,
  WaitRequest,
} from "./runs.ts";
import type { ConfigDocument, DoctorDocument, Health, LeaseReport, Readiness, StatusDocument, TaskList } from "./state.ts";

interface Id {
  readonly id: string;
}

/** What each route takes and gives; the table of endpoints has a row for each, and the server a handler. */
export interface Calls {
  readonly takeBackup: { body: BackupRequest; answer: Answered<202, BackupStarted> | Answered<201, BackupTaken> };
  readonly listBackups: { query: BackupQuery; answer: Answered<200, BackupPage> };
  readonly showBackup: { params: Id; answer: Answered<200, BackupDetail> };
  readonly deleteBackup: { params: Id; query: { readonly force?: boolean | undefined }; answer: Answered<204, null> };
  readonly listEntries: { params: Id; query: EntriesQuery; answer: Answered<200, EntryPage> };
  readonly diffBackup: { params: Id; query: DiffQuery; answer: Answered<200, DiffDocument> };
  readonly readContent: { params: Id; query: ContentQuery; answer: Answered<200, ReadableStream<Uint8Array>> };
  readonly search: { query: SearchQuery; answer: Answered<200, SearchResult> };
  readonly verifyBackup: { params: Id; body: WaitRequest; answer: Answered<202, RunStarted> | Answered<200, VerifyReport> };
  readonly verifySample: { body: SampleRequest; answer: Answered<202, RunStarted> | Answered<200, SampleReport> };
  readonly pinBackup: { params: Id; body: PinRequest; answer: Answered<200, Pinned> };
  readonly unpinBackup: { params: Id; answer: Answered<200, Pinned> };
  readonly restore: { body: RestoreRequest; answer: Answered<202, RunStarted> | Answered<200, RestoreReport> };
  readonly planRestore: { body: PlanRequest; answer: Answered<200, PlanDocument> };
  readonly undoRestore: { body: UndoRequest; answer: Answered<200, UndoReport> };
  readonly showRetention: { answer: Answered<200, RetentionDocument> };
  readonly prune: { body: WaitRequest; answer: Answered<202, RunStarted> | Answered<200, PruneReport> };
  readonly startup: { body: StartupRequest; answer: Answered<201, LifecycleReport> | Answered<200, LifecycleReport> };
  readonly shutdown: { body: ShutdownRequest; answer: Answered<201, LifecycleReport> | Answered<200, LifecycleReport> };
  readonly beforeMigration: { body: MigrationRequest; answer: Answered<201, LifecycleReport> };
  readonly status: { answer: Answered<200, StatusDocument> };
  readonly lease: { answer: Answered<200, LeaseReport> };
  readonly listTasks: { answer: Answered<200, TaskList> };
  readonly runTask: {
    params: { readonly name: string };
    body: WaitRequest;
    answer: Answered<202, RunStarted> | Answered<200, RunDocument>;
  };
  readonly listRuns: { query: RunQuery; answer: Answered<200, RunList> };
  readonly showRun: { params: Id; answer: Answered<200, RunDocument> };
  readonly doctor: { answer: Answered<200, DoctorDocument> };
  readonly config: { answer: Answered<200, ConfigDocument> };
  readonly events: { answer: Answered<200, ReadableStream<Uint8Array>> };
  readonly health: { answer: Answered<200, Health> };
  readonly ready: { answer: Answered<200, Readiness> | Answered<503, Readiness> };
  readonly metrics: { answer: Answered<200, string> };
  readonly openapi: { answer: Answered<200, Readonly<Record<string, unknown>>> };
}
