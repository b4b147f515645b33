/**
 * The one table of error codes. Exit code, HTTP status, retry rule and the generated reference
 * (docs/reference/errors.md) all come from here, so they cannot disagree.
 */
export type ErrorKind = "usage" | "config" | "not-found" | "conflict" | "busy" | "capture" | "damage" | "host" | "interrupted" | "internal";

export interface ErrorCodeRow {
  readonly kind: ErrorKind;
  /** Process exit code of the command: 1 failed, 2 usage or configuration, 3 partial, 4 damage, 5 deferred, 130 interrupted. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 130;
  /** HTTP status of the API. */
  readonly http: number;
  /** Whether the same call may succeed later with nothing changed by the caller. */
  readonly retry: boolean;
  readonly meaning: string;
}

export const ERROR_CODES = {
  USAGE: { kind: "usage", exit: 2, http: 400, retry: false, meaning: "The command line or the call is not understood" },
  CONFIRMATION_NEEDED: {
    kind: "usage",
    exit: 2,
    http: 400,
    retry: false,
    meaning: "A destructive command needs --yes where nobody can be asked",
  },
  NOT_AVAILABLE: {
    kind: "usage",
    exit: 2,
    http: 501,
    retry: false,
    meaning: "The option or key is described, and not available in this version",
  },

  UNAUTHENTICATED: {
    kind: "usage",
    exit: 2,
    http: 401,
    retry: false,
    meaning: "The API was given no token, an unknown one, or one that has expired",
  },
  FORBIDDEN: { kind: "usage", exit: 2, http: 403, retry: false, meaning: "The scopes of the token do not reach so far" },
  ORIGIN_REFUSED: {
    kind: "usage",
    exit: 2,
    http: 403,
    retry: false,
    meaning: "A page of another origin asked the API to change something",
  },
  HOST_REFUSED: { kind: "usage", exit: 2, http: 421, retry: false, meaning: "The API was asked by a name that is not among its own" },
  METHOD_NOT_ALLOWED: { kind: "usage", exit: 2, http: 405, retry: false, meaning: "The API has this path, and not with this method" },
  PAYLOAD_TOO_LARGE: { kind: "usage", exit: 2, http: 413, retry: false, meaning: "The body of a request is larger than the API takes" },
  MEDIA_TYPE_UNSUPPORTED: { kind: "usage", exit: 2, http: 415, retry: false, meaning: "The body of a request is no JSON" },
  TOKENS_INVALID: {
    kind: "config",
    exit: 2,
    http: 503,
    retry: false,
    meaning: "The file of the API's tokens cannot be read, or not be trusted: no token is taken",
  },

  CONFIG_NOT_FOUND: { kind: "config", exit: 2, http: 500, retry: false, meaning: "No configuration file was found" },
  CONFIG_INVALID: { kind: "config", exit: 2, http: 500, retry: false, meaning: "The configuration has problems, each with its position" },
  CONFIG_UNTRUSTED: {
    kind: "config",
    exit: 2,
    http: 500,
    retry: false,
    meaning: "The configuration could have been written by somebody else",
  },
  CONFIG_EXISTS: { kind: "config", exit: 2, http: 409, retry: false, meaning: "A configuration is there already and is not overwritten" },
  KEY_MISSING: {
    kind: "config",
    exit: 2,
    http: 409,
    retry: false,
    meaning: "The vault is encrypted, and no key was given or its file is not there",
  },
  KEY_WRONG: {
    kind: "config",
    exit: 2,
    http: 409,
    retry: false,
    meaning: "The key that was given does not open the vault, or only its older backups",
  },
  KEY_INVALID: {
    kind: "config",
    exit: 2,
    http: 422,
    retry: false,
    meaning: "What was given as a key is mistyped, cut off, no key at all, or open to other accounts",
  },

  BACKUP_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "No backup has this id, prefix or name" },
  BACKUP_AMBIGUOUS: { kind: "not-found", exit: 2, http: 409, retry: false, meaning: "More than one backup begins with this prefix" },
  PATH_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "The backup holds nothing at this path" },
  NOTHING_TO_UNDO: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "No restore is there that could be undone" },
  TASK_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "No task has this name" },
  ROUTE_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "The API has nothing at this path" },
  RUN_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "No run has this id, or it is no longer remembered" },
  COMPONENT_NOT_FOUND: { kind: "not-found", exit: 2, http: 404, retry: false, meaning: "No component has this name" },

  BACKUP_PROTECTED: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: false,
    meaning: "The backup is pinned or protected and stays until that is lifted",
  },
  IDEMPOTENCY_MISMATCH: {
    kind: "conflict",
    exit: 1,
    http: 422,
    retry: false,
    meaning: "The Idempotency-Key was used before, for another request",
  },
  VAULT_OTHER_FORM: {
    kind: "conflict",
    exit: 2,
    http: 409,
    retry: false,
    meaning: "The vault is in the other form than backup.format says",
  },
  VAULT_FOREIGN: { kind: "conflict", exit: 1, http: 409, retry: false, meaning: "The vault belongs to another instance" },
  TARGET_NOT_EMPTY: { kind: "conflict", exit: 1, http: 409, retry: false, meaning: "The target folder holds something already" },
  FILE_EXISTS: { kind: "conflict", exit: 1, http: 409, retry: false, meaning: "The file exists already and is not overwritten" },

  RETENTION_REFUSED: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: false,
    meaning: "Retention would decide by a clock that cannot be right, and removes nothing",
  },
  RESTORE_REFUSED: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: false,
    meaning: "A restore would do harm as it was asked; each reason is named",
  },
  RESTORE_UNSETTLED: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: false,
    meaning: "A restore was cut off half-way and the runtime has written since: a person must choose a side",
  },
  TARGET_HELD: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: true,
    meaning: "Another process has what would be replaced open, or it cannot be known that none has",
  },

  LEASE_LOST: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: true,
    meaning: "The heavy-maintenance lease was broken or taken meanwhile: what was not committed under it is not",
  },
  LEASE_FENCED: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: true,
    meaning: "The holder of the lease is inside a step that must not be cut off",
  },
  LEASE_IN_USE: {
    kind: "conflict",
    exit: 1,
    http: 409,
    retry: true,
    meaning: "Somebody still works under the lease, so that its store cannot be made anew",
  },

  RATE_LIMITED: { kind: "busy", exit: 5, http: 429, retry: true, meaning: "Too many requests with a wrong token, or too many listeners" },
  LEASE_HELD: { kind: "busy", exit: 5, http: 409, retry: true, meaning: "Somebody else holds the heavy-maintenance lease" },
  TASK_RUNNING: { kind: "busy", exit: 5, http: 409, retry: true, meaning: "The task runs already" },
  RESTORE_RUNNING: { kind: "busy", exit: 5, http: 409, retry: true, meaning: "A restore of this instance is running" },
  VAULT_BUSY: { kind: "busy", exit: 5, http: 409, retry: true, meaning: "Another process writes to the vault or reads from it" },

  COMPONENT_MISSING: { kind: "capture", exit: 1, http: 500, retry: true, meaning: "A declared component is not there" },
  COMPONENT_EMPTY: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "A component that held something in the newest good backup is empty",
  },
  COMPONENT_UNREADABLE: { kind: "capture", exit: 1, http: 500, retry: true, meaning: "A component cannot be read by this account" },
  COMPONENT_PATH: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The path of a component does not resolve to a place on disk",
  },
  COMPONENT_MOVED: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "A source changed while it was read and no consistent copy was had",
  },
  DATABASE_DAMAGED: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "A database is damaged, encrypted, or no database any more",
  },
  DATABASE_LOCKED: { kind: "capture", exit: 1, http: 500, retry: true, meaning: "A database stayed locked longer than the busy limit" },
  DOCUMENT_INVALID: { kind: "capture", exit: 1, http: 500, retry: true, meaning: "A JSON document does not parse" },
  COMMAND_FAILED: { kind: "capture", exit: 1, http: 500, retry: true, meaning: "A command of the configuration failed or ran out of time" },
  PAUSE_FAILED: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "A component could not be paused, or the pause ended before the copy was complete",
  },
  BACKUP_EMPTY: {
    kind: "capture",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "Nothing was captured, and a backup with nothing in it is a failure",
  },

  BACKUP_DAMAGED: { kind: "damage", exit: 4, http: 500, retry: false, meaning: "A backup does not read back as its manifest says" },
  MANIFEST_INVALID: { kind: "damage", exit: 4, http: 500, retry: false, meaning: "A manifest or record cannot be trusted" },
  VAULT_DAMAGED: {
    kind: "damage",
    exit: 4,
    http: 500,
    retry: false,
    meaning: "The vault's own records are damaged or contradict each other",
  },
  JOURNAL_DAMAGED: { kind: "damage", exit: 4, http: 500, retry: false, meaning: "The journal of a restore cannot be understood" },
  ARCHIVE_HOSTILE: {
    kind: "damage",
    exit: 4,
    http: 422,
    retry: false,
    meaning: "An archive holds entries that could harm the machine that unpacks it",
  },

  VERSION_UNSUPPORTED: { kind: "host", exit: 1, http: 500, retry: false, meaning: "The vault or backup was written by a newer version" },
  HEALTH_FAILED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The runtime did not become healthy with the restored state, which was undone",
  },
  RUNTIME_STOP_FAILED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "The stop command of the runtime failed or ran out of time",
  },
  RUNTIME_START_FAILED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "The start command of the runtime failed or ran out of time",
  },
  RESTORE_COMMAND_FAILED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "The restore command of a component failed or ran out of time",
  },
  NO_SPACE: { kind: "host", exit: 1, http: 507, retry: true, meaning: "There is not enough free space" },
  FILE_SYSTEM: { kind: "host", exit: 1, http: 500, retry: true, meaning: "A file or folder cannot be read or written" },
  FILE_SYSTEM_UNSUPPORTED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The file system does not keep the locks that safety needs",
  },
  LEASE_STORE_MISSING: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The store of the lease was removed; that nobody holds it cannot be known",
  },
  LEASE_STORE_DAMAGED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The store of the lease cannot be read or trusted; that nobody holds it cannot be known",
  },
  LEASE_STORE_OLDER: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The store of the lease is an older copy of itself; that nobody holds it cannot be known",
  },
  LEASE_STORE_BUSY: { kind: "host", exit: 1, http: 503, retry: true, meaning: "The store of the lease stayed locked" },
  LEASE_BEACON_UNAVAILABLE: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "Named pipes cannot be made here, and the lease needs them to know who lives",
  },
  LEASE_UNSUPPORTED_PLATFORM: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: false,
    meaning: "The lease is not available on this operating system",
  },
  LISTEN_FAILED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "The address of the API cannot be listened on: another process has it, or it is not this machine's",
  },
  ENGINE_KILLED: {
    kind: "host",
    exit: 1,
    http: 500,
    retry: true,
    meaning: "The process that did the work ended without a result, as one that the system kills for want of memory",
  },
  OWNER_NOT_PERMITTED: {
    kind: "host",
    exit: 1,
    http: 403,
    retry: false,
    meaning: "This account may not give files to their recorded owners",
  },

  INTERRUPTED: {
    kind: "interrupted",
    exit: 130,
    http: 499,
    retry: true,
    meaning: "The work was stopped by a signal; nothing half-made is left listed",
  },
  DEADLINE: { kind: "interrupted", exit: 1, http: 504, retry: true, meaning: "The work took longer than its deadline" },
  INTERNAL: { kind: "internal", exit: 1, http: 500, retry: false, meaning: "A defect of this program; please report it" },
} as const;

// Every row has the shape that the rest of the program relies on.
ERROR_CODES satisfies Readonly<Record<string, ErrorCodeRow>>;

export type ErrorCode = keyof typeof ERROR_CODES;
export type CodeOf<K extends ErrorKind> = {
  [C in ErrorCode]: (typeof ERROR_CODES)[C]["kind"] extends K ? C : never;
}[ErrorCode];
