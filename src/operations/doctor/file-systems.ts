import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, syncFolder, unsafeFileSystem } from "../../kernel/index.ts";
import { ok, problem, type Patient, type Sight } from "./check.ts";
import { mountOf, nearestThere } from "./mounts.ts";
import { placeOrNull } from "./place-or-null.ts";

type UnsafeOf = (path: string) => string | undefined;

/** Locks that are kept, a write that is on disk when fsync says so, a second name: what vault and state folder rely on. */
export async function checkFileSystems(
  { instance: { config }, place }: Patient,
  unsafeOf: UnsafeOf = unsafeFileSystem,
): Promise<readonly Sight[]> {
  const sights = [ownSight("vault", config.backup.path, unsafeOf), ownSight("state folder", config.stateDir, unsafeOf)];
  for (const { name } of config.components) {
    const path = await placeOrNull(place, name);
    if (path !== null && statSync(path, { throwIfNoEntry: false }) !== undefined) sights.push(componentSight(name, path, unsafeOf));
  }
  return sights;
}

function ownSight(what: string, folder: string, unsafeOf: UnsafeOf): Sight {
  const there = nearestThere(folder);
  const subject = `${what} ${folder}`;
  const unsafe = unsafeOf(there);
  if (unsafe !== undefined)
    return problem(
      `It lies on ${unsafe}, whose locks cannot be relied on`,
      "Put it on a local disk, and copy the vault from there",
      subject,
    );
  const type = mountOf(folder)?.type ?? "a file system of an unknown type";
  if (there !== folder && statSync(folder, { throwIfNoEntry: false }) === undefined)
    return ok(`${type}; not there yet, so nothing was tried`, subject);
  const complaint = probe(folder);
  return complaint === null
    ? ok(`${type}; hard links and fsync work`, subject)
    : problem(`${type}: ${complaint}`, "Backups fail here: see that it can be written, or choose another place", subject);
}

/** Under a name of its own, gone again at once. */
export function probe(folder: string): string | null {
  const file = join(folder, `.holdfast-probe-${randomBytes(6).toString("hex")}`);
  let doing = "make a file";
  try {
    const descriptor = openSync(file, "wx", 0o600);
    try {
      doing = "write";
      writeSync(descriptor, "probe");
      doing = "fsync";
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    doing = "make a hard link";
    linkSync(file, `${file}-2`);
    doing = "fsync a folder";
    syncFolder(folder);
    return null;
  } catch (error) {
    return `cannot ${doing} there (${errnoOf(error) ?? String(error)})`;
  } finally {
    for (const path of [file, `${file}-2`]) removeQuietly(path);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be written cannot be removed either, and is not there
  }
}

function componentSight(name: string, path: string, unsafeOf: UnsafeOf): Sight {
  const unsafe = unsafeOf(path);
  const subject = `component ${name}`;
  if (unsafe !== undefined)
    return problem(
      `It lies on ${unsafe}: a database there is not opened, because its locks are not kept`,
      "Run Holdfast on the machine whose disk it is",
      subject,
    );
  const mount = mountOf(path);
  return ok(mount === undefined ? "a file system of an unknown type" : `${mount.type}, mounted at "${mount.point}"`, subject);
}
