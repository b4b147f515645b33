import type { Calls } from "./calls.ts";
import type { Endpoint, Method } from "./endpoint.ts";
import { BACKUP_ENDPOINTS } from "./table/backup-endpoints.ts";
import { LIFECYCLE_ENDPOINTS } from "./table/lifecycle-endpoints.ts";
import { RESTORE_ENDPOINTS } from "./table/restore-endpoints.ts";
import { STATE_ENDPOINTS } from "./table/state-endpoints.ts";

export type Endpoints = { readonly [Name in keyof Calls]: Endpoint<Calls[Name]> };

/** Below it lies everything; health, readiness and metrics lie at the top as well. */
export const PREFIX = "/api/v1";
export const ALSO_AT_TOP: readonly string[] = ["/health", "/ready", "/metrics"];

/** Every route there is: what server, client, OpenAPI document and reference are made from. */
export const ENDPOINTS: Endpoints = { ...BACKUP_ENDPOINTS, ...RESTORE_ENDPOINTS, ...LIFECYCLE_ENDPOINTS, ...STATE_ENDPOINTS };

/** Described, and not built yet: answered by name with NOT_AVAILABLE. */
export const NOT_BUILT: readonly { readonly method: Method; readonly path: string }[] = [
  { method: "POST", path: "/admin/backups/{id}/drill" },
];
