/**
 * From a file and the environment to one frozen Config: absolute paths, defaults filled in, every problem told at once with
 * its line, column and the nearest known key. Also what `init` writes, and the reference of all keys.
 *
 * It never accepts a key without effect (what is not built yet is refused by name; synthorg#449's keys give a notice), never
 * reads a configuration that somebody else could have written, and never quotes a value that may hold a secret.
 * Variables that begin with HOLDFAST_ are overrides; HOLDFAST_CONFIG, HOLDFAST_CRASHPOINT and HOLDFAST_LEASE are reserved and none.
 */
export { DEFAULT_TASK_NAMES } from "./config.ts";
export type {
  BackupConfig,
  CommandConfig,
  ComponentConfig,
  Config,
  ConfigImportance,
  ConfigSourceKind,
  EncryptionConfig,
  HealthConfig,
  HooksConfig,
  NotifyConfig,
  NotifyEvent,
  OrchestratorConfig,
  PathReference,
  PauseConfig,
  RetentionConfig,
  RuntimeConfig,
  ServerConfig,
  ScheduleConfig,
  SchemaVersionConfig,
  TaskConfig,
  VerifyConfig,
} from "./config.ts";
export { findConfig, type FindRequest } from "./find-config.ts";
export { loadConfig, parseConfig, type LoadRequest } from "./load-config.ts";
export { configReference, describeSchema, type ReferenceRow } from "./reference.ts";
export { renderConfig, type RenderComponent, type RenderRequest } from "./render-config.ts";
export { mapPath, rewriteConfig, type ConfigChange, type PathMap, type Rewritten, type RewriteRequest } from "./rewrite-config.ts";
export { resolvePath, type ResolvedPath } from "./resolve-path.ts";
