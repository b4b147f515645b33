/** "HFlg" */
export const APPLICATION_ID = 0x48466c67;
export const SCHEMA_VERSION = 2;

export const SCHEMA: string = `
PRAGMA application_id=${APPLICATION_ID};
PRAGMA user_version=${SCHEMA_VERSION};
CREATE TABLE task(
  name TEXT PRIMARY KEY,
  first_seen_at INTEGER NOT NULL,
  last_run_at INTEGER, last_ended_at INTEGER, last_completed_at INTEGER,
  last_outcome TEXT, last_reason_code TEXT, last_reason TEXT,
  failing_since INTEGER, failures INTEGER NOT NULL DEFAULT 0,
  schedule_text TEXT, anchor_at INTEGER, not_before INTEGER, asked_at INTEGER
) STRICT;
CREATE TABLE run(
  id INTEGER PRIMARY KEY,
  task TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('task','service')),
  trigger TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK(outcome IN ('running','completed','failed','skipped')),
  reason_code TEXT, reason TEXT,
  started_at INTEGER NOT NULL, ended_at INTEGER,
  last_run_before INTEGER,
  presence TEXT NOT NULL,
  pid INTEGER, start TEXT, boot_id TEXT,
  exit_code INTEGER, signal TEXT,
  output TEXT, last_lines TEXT, backup_id TEXT
) STRICT;
CREATE UNIQUE INDEX one_running ON run(task) WHERE outcome='running';
CREATE INDEX run_of_task ON run(task, id);
CREATE TABLE deferral(
  id INTEGER PRIMARY KEY,
  task TEXT NOT NULL,
  opened_at INTEGER NOT NULL, last_at INTEGER NOT NULL, count INTEGER NOT NULL,
  reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  blocking_task TEXT, holding_owner TEXT, holding_pid INTEGER,
  starving INTEGER NOT NULL DEFAULT 0,
  told TEXT NOT NULL,
  closed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX one_open ON deferral(task) WHERE closed_at IS NULL;
CREATE TABLE waiter(
  presence TEXT PRIMARY KEY, owner TEXT NOT NULL, pid INTEGER NOT NULL, since INTEGER NOT NULL
) STRICT;
`;

/** What each version has more than the one before it, by that one. */
export const UPGRADES: Readonly<Record<number, string>> = { 1: "ALTER TABLE task ADD COLUMN asked_at INTEGER" };
