import { DatabaseSync } from "node:sqlite";

/**
 * Stands for the runtime: keeps the database open in WAL mode, with a log that is not empty, and writes nothing more
 * until standard input closes. A database that nobody has open would be read by a cheaper way.
 */
const database = new DatabaseSync(process.argv[2] as string);
database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = normal");
database.prepare("UPDATE meta SET value = 'bench, open' WHERE key = 'purpose'").run();
process.stdout.write("open\n");
process.stdin.on("end", () => database.close()).resume();
