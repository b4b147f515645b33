import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  ConflictError,
  crashpoint,
  createFile,
  DamageError,
  errnoOf,
  HostError,
  makeFolder,
  namedSystemError,
  NotFoundError,
  replaceFile,
  unsafeFileSystem,
  type Clock,
} from "../kernel/index.ts";
import type { VaultIdentity } from "../vault/index.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { readHeadOf, type StoredForm } from "./stored-form.ts";
import { lockVault } from "./vault-lock.ts";

/** Of vault.json. 1 has no "form": it is from when there was only one. */
const FORMATS: Readonly<Record<VaultIdentity["form"], number>> = { archive: 1, repository: 2 };
const FORMAT = 2;

export interface InstanceName {
  readonly name: string;
  /** When given, the vault's random id must be this one as well. */
  readonly id?: string;
}

/** Who owns the vault at a path; undefined when no vault is there. */
export async function inspectVault(path: string, forms: readonly StoredForm[]): Promise<VaultIdentity | undefined> {
  const layout = layoutOf(path, forms);
  return readIdentity(layout) ?? orphanIdentity(layout);
}

/** What the backups of a vault that has lost its vault.json say. */
function orphanIdentity(layout: Layout): VaultIdentity | undefined {
  for (const name of backupNames(layout).toReversed()) {
    const parsed = layout.parse(name);
    if (parsed === undefined) continue;
    try {
      const { manifest } = readHeadOf(parsed.form, layout.backup(parsed.id, parsed.form.name), parsed.id);
      return {
        id: manifest.vault,
        instance: manifest.instance,
        created_at: manifest.timestamp,
        form: parsed.form.name === "repository" ? "repository" : "archive",
      };
    } catch (error) {
      // A damaged one says nothing; the next may.
      if (!(error instanceof DamageError) && !(error instanceof HostError)) throw error;
    }
  }
  return undefined;
}

/** @throws DamageError VAULT_DAMAGED · HostError VERSION_UNSUPPORTED, FILE_SYSTEM */
export function readIdentity(layout: Layout): VaultIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(layout.identity, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw namedSystemError(error, `read the vault at "${layout.top}"`);
  }
  let value: Partial<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Partial<Record<string, unknown>>;
  } catch (cause) {
    throw damaged(layout, "it is not JSON", cause);
  }
  const { format, id, instance, created_at: created, form = "archive" } = value ?? {};
  if (typeof format === "number" && format > FORMAT) {
    throw new HostError(
      "VERSION_UNSUPPORTED",
      `Cannot open vault "${layout.top}": its format is ${format}, and this version reads ${FORMAT}`,
      { hint: "Update Holdfast on this machine" },
    );
  }
  if (
    (form !== "archive" && form !== "repository") ||
    format !== FORMATS[form] ||
    typeof id !== "string" ||
    id === "" ||
    typeof instance !== "string" ||
    typeof created !== "string"
  ) {
    throw damaged(layout, "a field is missing");
  }
  return { id, instance, created_at: created, form };
}

function damaged(layout: Layout, problem: string, cause?: unknown): DamageError {
  return new DamageError("VAULT_DAMAGED", `Cannot trust "${layout.identity}": ${problem}`, {
    cause,
    hint: "Move that file away and take the vault over by its backups: holdfast vault adopt",
  });
}

/**
 * Opens the vault's identity, or makes a new vault where nothing is. A folder with backups and no vault.json is not
 * taken for a new one: its sequence numbers would begin again.
 */
export async function openIdentity(
  layout: Layout,
  instance: InstanceName,
  options: { form: VaultIdentity["form"]; create: boolean; clock: Clock; statfs?: (path: string) => { type: number } },
): Promise<VaultIdentity> {
  refuseUnsafeFileSystem(layout.top, options.statfs);
  const found = readIdentity(layout);
  if (found !== undefined) {
    checkOwner(layout, found, instance);
    checkForm(layout, found, options.form);
    return found;
  }
  if (backupNames(layout).length > 0) {
    throw new DamageError("VAULT_DAMAGED", `The folder "${layout.top}" holds backups, and its "${layout.identity}" is missing`, {
      hint: "Take it over: holdfast vault adopt",
    });
  }
  if (!options.create) {
    throw new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${layout.top}"`, {
      hint: "The first backup makes one: holdfast backup",
    });
  }
  const made = makeVault(layout, {
    id: randomUUID(),
    instance: instance.name,
    created_at: new Date(options.clock.now()).toISOString(),
    form: options.form,
  });
  checkOwner(layout, made, instance);
  checkForm(layout, made, options.form);
  return made;
}

/** @returns the identity on disk: another process may have made the vault at the same time */
function makeVault(layout: Layout, identity: VaultIdentity): VaultIdentity {
  try {
    for (const folder of [layout.top, layout.own, layout.marks, layout.records, layout.trash]) makeFolder(folder);
    createFile(layout.lock, "");
    createFile(layout.identity, formatIdentity(identity));
  } catch (error) {
    throw namedSystemError(error, `make a vault at "${layout.top}"`);
  }
  crashpoint("vault-created");
  return readIdentity(layout) ?? identity;
}

function formatIdentity(identity: VaultIdentity): string {
  const { form, ...others } = identity;
  return `${JSON.stringify({ format: FORMATS[form], ...(form === "archive" ? {} : { form }), ...others }, null, 2)}\n`;
}

/** Gives a vault to another instance. Its id stays: the backups in it remain its own. */
export async function adoptVault(
  path: string,
  options: { readonly instance: InstanceName; readonly forms: readonly StoredForm[]; readonly clock?: Clock },
): Promise<VaultIdentity> {
  const layout = layoutOf(path, options.forms);
  refuseUnsafeFileSystem(path);
  const found = readIdentity(layout);
  if (found === undefined) {
    const orphan = orphanIdentity(layout);
    if (orphan === undefined)
      throw new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${path}"`, {
        hint: "The first backup makes one: holdfast backup",
      });
    return makeVault(layout, { ...orphan, instance: options.instance.name });
  }
  using _ = await lockVault(layout, { mode: "write", what: "an adoption" });
  const adopted = { ...found, instance: options.instance.name };
  replaceFile(layout.identity, formatIdentity(adopted));
  return adopted;
}

function checkForm(layout: Layout, identity: VaultIdentity, form: VaultIdentity["form"]): void {
  if (identity.form === form) return;
  throw new ConflictError("VAULT_OTHER_FORM", `The vault at "${layout.top}" is in ${identity.form} form, and backup.format says ${form}`, {
    hint: `Set backup.format: ${identity.form}, or begin a new vault in another backup.path`,
  });
}

function checkOwner(layout: Layout, identity: VaultIdentity, instance: InstanceName): void {
  if (identity.instance === instance.name && (instance.id === undefined || instance.id === identity.id)) return;
  throw new ConflictError(
    "VAULT_FOREIGN",
    `The vault at "${layout.top}" belongs to instance "${identity.instance}", not to "${instance.name}"`,
    {
      hint: `Use another backup.path, or take it over: holdfast vault adopt --from ${identity.instance}`,
      details: { owner: identity.instance, vault: identity.id },
    },
  );
}

/** Locks and renames there are promises that are not kept. */
function refuseUnsafeFileSystem(top: string, statfs?: (path: string) => { type: number }): void {
  let existing = top;
  while (statSync(existing, { throwIfNoEntry: false }) === undefined && dirname(existing) !== existing) existing = dirname(existing);
  const kind = unsafeFileSystem(existing, statfs);
  if (kind === undefined) return;
  throw new HostError("FILE_SYSTEM_UNSUPPORTED", `Cannot keep a vault at "${top}": it lies on ${kind}, whose locks cannot be relied on`, {
    hint: "Put backup.path on a local disk, and copy the vault from there",
  });
}

function backupNames(layout: Layout): string[] {
  try {
    return readdirSync(layout.top)
      .filter((name) => layout.parse(name) !== undefined)
      .toSorted();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw namedSystemError(error, `read the folder "${layout.top}"`);
  }
}
