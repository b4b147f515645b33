/** "HFls": a file that is no lease is never taken for one. */
export const APPLICATION_ID = 0x48466c73;
export const SCHEMA_VERSION = 1;

/** One row decides who holds the lease; members are who works under it beside the holder. */
export const SCHEMA: string = `
PRAGMA application_id=${APPLICATION_ID};
PRAGMA user_version=${SCHEMA_VERSION};
CREATE TABLE lease(
  id INTEGER PRIMARY KEY CHECK(id=1),
  generation INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('free','held','draining')),
  token TEXT, owner TEXT, reason TEXT, beacon TEXT,
  pid INTEGER, start TEXT, boot_id TEXT, pid_ns TEXT, host TEXT,
  acquired_at INTEGER,
  reserved_for TEXT, reserved_pid INTEGER, reserved_start TEXT, reserved_boot_id TEXT, reserved_pid_ns TEXT,
  yield_requested_by TEXT,
  CHECK((state='free')=(token IS NULL))
) STRICT;
CREATE TABLE member(
  generation INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  start TEXT NOT NULL, boot_id TEXT NOT NULL, pid_ns TEXT NOT NULL,
  role TEXT NOT NULL CHECK(role IN ('child','joined')),
  label TEXT,
  PRIMARY KEY(generation, pid, role)
) STRICT;
`;
