/**
 * Runs what is due: tasks on a schedule, heavy ones one at a time over all processes, services kept running. SPEC.md has the
 * table of outcomes and reason codes. Knows no backup and no vault; what a task does is its command's business.
 */
export { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES } from "./heavy-set.ts";
export { REASON_CODES } from "./deferral.ts";
export { lookAtTask } from "./due-tasks.ts";
export type { Level, Log } from "./log.ts";
export { Orchestrator, type Started } from "./orchestrator.ts";
export type { CloseOptions, OrchestratorParts } from "./orchestrator-parts.ts";
export { Services, type ServiceParts } from "./kept-services.ts";
export { reasonOf, type Schedule } from "./schedule/index.ts";
export { defineTasks, type DeclaredTask, type DefinedTasks, type ReadyCheck, type Service, type Task } from "./task.ts";
