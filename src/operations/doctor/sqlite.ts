import { isSafeSqlite } from "../../sources/index.ts";
import { ok, problem, type Host, type Sights } from "./check.ts";

/** SQLite 3.7.0 to 3.51.2 can corrupt a database when a write-ahead log is restarted under a reader. */
export function checkSqlite({ versions }: Host): Sights {
  const version = versions.sqlite;
  if (version === undefined) return [problem("This Node carries no SQLite", "Install a Node that does: databases cannot be backed up")];
  if (isSafeSqlite(version)) return [ok(`SQLite ${version}`)];
  return [
    problem(
      `SQLite ${version} can corrupt a write-ahead log, and no database is opened with it`,
      "Install a Node that carries SQLite 3.51.3 or newer; update the runtime's own SQLite as well",
    ),
  ];
}
