import { accessSync, constants, statSync } from "node:fs";
import type { ComponentConfig } from "../../config/index.ts";
import { errnoOf, formatBytes, HoldfastError, namedSystemError } from "../../kernel/index.ts";
import { sniffKind } from "../../sources/index.ts";
import { goodFor, openFile, readFully, type BackupHead } from "../../vault/index.ts";
import { ok, problem, unknown, warning, type Patient, type Sight } from "./check.ts";

/** A log that never shrinks is one that no checkpoint gets through. Bytes. */
const LARGE_LOG = 256 * 1024 * 1024;

/** Each declared component: where it lies, whether this account may read it, whether it is still what it was. */
export async function checkComponents(patient: Patient): Promise<readonly Sight[]> {
  const { backups } = await patient.listing();
  const sights: Sight[] = [];
  for (const component of patient.instance.config.components) {
    try {
      sights.push(await sightOf(component, backups, patient));
    } catch (error) {
      // One of them that cannot be looked at hides none of the others.
      const failure = namedSystemError(error, `look at component "${component.name}"`);
      sights.push(unknown(failure.message, failure.hint ?? "Run as the account that may read it", component.name));
    }
  }
  return sights;
}

async function sightOf(component: ComponentConfig, backups: readonly BackupHead[], { place }: Patient): Promise<Sight> {
  const { name } = component;
  let path: string | null;
  try {
    path = await place(name);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return problem(error.message, error.hint ?? "Correct its `path`", name);
  }
  if (path === null) return ok(`the output of ${component.command?.argv[0] ?? "a command"}`, name);
  const complaint = readingComplaint(path);
  if (complaint === "missing")
    return component.optional
      ? ok(`not there, which is declared to be no failure: "${path}"`, name)
      : problem(`It is not there: "${path}"`, "Correct its `path`, or put it there; when it may be missing: `optional: true`", name);
  if (complaint !== null)
    return problem(`This account cannot read "${path}" (${complaint})`, "Run Holdfast as the account that owns it", name);
  const kind = component.kind ?? sniffKind(path);
  const before = backups.find(({ manifest }) => goodFor(manifest, name))?.manifest.component_details[name]?.source;
  const now = sniffKind(path);
  if ((before === "sqlite" || kind === "sqlite") && now !== "sqlite")
    return problem(
      before === "sqlite"
        ? "It was a database in the newest good backup, and does not begin like one now"
        : "It is declared a database, and does not begin like one",
      "Look at it before anything else is done: it may be damaged or encrypted; holdfast restore brings back the last good one",
      name,
    );
  if (now === "sqlite") return databaseSight(name, path);
  if (before !== undefined && before !== kind)
    return warning(
      `It was read as "${before}" in the newest good backup, and would be read as "${kind}" now`,
      "Declare `kind` when that is not meant",
      name,
    );
  return ok(`${kind}, "${path}"`, name);
}

function readingComplaint(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return "missing";
  try {
    accessSync(path, stats.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    return null;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

/** From its header bytes and the sizes beside it: SQLite is not asked, so that nothing of the runtime's is disturbed. */
function databaseSight(name: string, path: string): Sight {
  const header = Buffer.alloc(100);
  using file = openFile(path);
  const size = Number(file.stats.size);
  if (size === 0)
    return problem(
      `The database "${path}" is empty: 0 bytes`,
      "Look at the runtime: it should have tables; holdfast restore brings back the last good one",
      name,
    );
  if (readFully(file.descriptor, header, 100, 0) < 100)
    return problem(
      `The database "${path}" is cut off within its header`,
      "Look at it; holdfast restore brings back the last good one",
      name,
    );
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const wal = header[18] === 2;
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (wal && log === undefined && size % pageSize !== 0)
    return problem(
      `The database "${path}" has ${size} bytes, which are no whole pages of ${pageSize}`,
      "Look at it: it may be cut off",
      name,
    );
  const shared = `${path}-shm`;
  if (wal && statSync(shared, { throwIfNoEntry: false }) !== undefined && !mayWrite(shared))
    return problem(
      `This account may not write "${shared}", which readers of a write-ahead log do`,
      `Run Holdfast as the account of the runtime (user ${statSync(shared).uid}), or as root`,
      name,
    );
  if (log !== undefined && log.size > LARGE_LOG)
    return warning(
      `Its write-ahead log has ${formatBytes(log.size)}`,
      "Some reader keeps the runtime's checkpoints from ending: look for one that never closes",
      name,
    );
  return ok(`database, ${formatBytes(size)}, pages of ${pageSize}, ${wal ? "write-ahead log" : "rollback journal"}, "${path}"`, name);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
