import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { mapPath, parseConfig, rewriteConfig, type Config, type ConfigChange, type PathMap } from "../../config/index.ts";
import { ConfigError, DamageError, NotFoundError, UsageError, type Clock } from "../../kernel/index.ts";
import type { BackupHead, Listing, Vault, VaultIdentity } from "../../vault/index.ts";
import type { Instance } from "../instance.ts";
import { vaultAround } from "../own-folders.ts";
import { RESERVED_COMPONENT } from "../plan-components.ts";
import { programsOf, type NamedProgram } from "../programs.ts";
import { damageIn, splitLocked } from "../read-listing.ts";
import { chooseBackups, type Choice } from "./choose-backups.ts";
import { keyWanted, type KeyWanted } from "./key-wanted.ts";
import { openFoundVault, type RecoveryKeys } from "./open-found-vault.ts";
import { proveBackup, type ProofOptions } from "./prove-backup.ts";
import { readStoredConfig, type StoredConfig } from "./read-stored-config.ts";
import { configExists, lookForConfig } from "./write-recovered.ts";

export interface RecoveryRequest extends ProofOptions {
  /** As given; relative to `cwd`. */
  readonly vault: string;
  /** Folder for the configuration; its recorded one unless given. */
  readonly to?: string;
  readonly maps: readonly PathMap[];
  /** What opens the vault, when it is encrypted. */
  readonly keys: RecoveryKeys;
  /** Nothing but the configuration is wanted: what else the vault holds is not read back. */
  readonly configOnly: boolean;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export interface RecoveredComponent {
  readonly component: string;
  /** null: no good backup of it is there. */
  readonly backup: string | null;
  readonly takenAt: string | null;
  readonly bytes: number | null;
  readonly remark: string | null;
}

/** Newer backups that were sealed after a rotation, which what was given does not open. Nothing is wrong with them. */
export interface LockedBackups {
  /** By their names in the vault. */
  readonly backups: readonly string[];
  /** The newest epoch that is open. */
  readonly opens: number | null;
}

export interface Recovery {
  readonly vault: string;
  readonly owner: VaultIdentity;
  /** Without what is locked. */
  readonly listing: Listing;
  /** null: what was given opens every backup. */
  readonly locked: LockedBackups | null;
  /** What is wrong in the vault, and what did not read back. */
  readonly damage: readonly string[];
  /** Where the configuration comes from, and where it goes. */
  readonly configFrom: string;
  readonly file: string;
  readonly bytes: Buffer;
  readonly mode: number;
  /** Of the configuration, as it was recorded. */
  readonly account: { readonly uid: number; readonly user: string | null };
  readonly alreadyThere: boolean;
  readonly changes: readonly ConfigChange[];
  readonly config: Config;
  readonly components: readonly RecoveredComponent[];
  /** Absolute paths, by key, whose parent folder is not there on this machine. */
  readonly lost: readonly { readonly key: string; readonly path: string }[];
  /** Programs that the configuration names: from now on they run as this account. */
  readonly programs: readonly NamedProgram[];
  /** undefined: none. */
  readonly key: KeyWanted | undefined;
  /** Opens the vault with what has opened it now: what the configuration names may not be on this machine. */
  readonly openVault: Instance["openVault"];
}

/** Looks at a vault and says what a recovery from it would do. Changes nothing, in the vault or elsewhere. */
export async function planRecovery(request: RecoveryRequest): Promise<Recovery> {
  refuseAddress(request.vault);
  const path = resolve(request.cwd, request.vault);
  const { vault: opened, owner, reopen, newestOpen } = await openFoundVault(path, request.keys, request.clock);
  await using vault = opened;
  const { locked: names, rest: listing } = splitLocked(await vault.list());
  const locked = names.length === 0 ? null : { backups: names, opens: (await newestOpen()) ?? null };
  refuseEmpty(path, listing, locked);
  const damage = [...damageIn(listing)];
  const stored = await findStoredConfig(vault, owner, listing, damage, request);
  const file = placeFor(stored, request);
  refuseInVault(file, path);
  const { text, changes, used } = rewriteConfig({
    file,
    text: stored.text,
    maps: request.maps,
    vault: path,
    name: owner.instance,
    env: request.env,
  });
  refuseIdleMaps(request, used, stored);
  const bytes = Buffer.from(text);
  const config = checkedConfig(file, bytes, path, owner, request.env);
  const found = lookForConfig(file, bytes);
  if (found === "other") throw configExists(file);
  const components = request.configOnly ? [] : await proved(vault, listing, config, damage, request);
  return {
    vault: path,
    owner,
    listing,
    locked,
    damage,
    configFrom: stored.head.id,
    file,
    bytes,
    mode: stored.entry.mode & 0o644,
    account: { uid: stored.entry.uid, user: stored.entry.user ?? null },
    alreadyThere: found === "same",
    changes,
    config,
    components,
    lost: lostPaths(config),
    programs: programsOf(config),
    key: await keyWanted(config, path, owner, request.env),
    openVault: async () => await reopen(join(config.stateDir, "cache")),
  };
}

function refuseAddress(text: string): void {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1];
  // An address can hold a password: only its scheme is repeated.
  if (scheme !== undefined && !existsSync(text))
    throw new UsageError("NOT_AVAILABLE", `A vault at a \`${scheme}:\` address is not available in this version`, {
      hint: "Copy the vault to a local folder, and name that",
    });
}

function refuseEmpty(path: string, { backups, damaged }: Listing, locked: LockedBackups | null): void {
  if (backups.length > 0) return;
  if (locked !== null)
    throw new ConfigError("KEY_WRONG", `What was given opens none of the backups in "${path}": it is of before the last rotation of keys`, {
      hint: "Give a key that is in use today, or the recovery code that was printed at the last rotation",
      details: { locked },
    });
  if (damaged.length > 0)
    throw new DamageError("VAULT_DAMAGED", `No backup in "${path}" can be trusted: ${damaged[0]?.name}: ${damaged[0]?.problem}`, {
      hint: "Look for a copy of the vault; a .tar.gz that still unpacks can be looked at with tar",
      details: { damaged },
    });
  throw new NotFoundError("BACKUP_NOT_FOUND", `The vault at "${path}" holds no backup`, {
    hint: "Name another vault; deleted backups lie in its trash until the next prune",
  });
}

/** The configuration of the newest backup whose copy of it reads back. */
async function findStoredConfig(
  vault: Vault,
  owner: VaultIdentity,
  listing: Listing,
  damage: string[],
  options: ProofOptions,
): Promise<StoredConfig> {
  const bad = new Set<string>();
  for (;;) {
    const [choice] = chooseBackups(listing.backups, [{ name: RESERVED_COMPONENT, importance: undefined }], ({ id }) => !bad.has(id));
    const head = choice?.head ?? null;
    if (head === null) throw noConfig(vault, owner, listing, bad.size > 0);
    try {
      return await readStoredConfig(vault, head, options);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      damage.push(`${head.id}: its configuration does not read back: ${error.message}`);
      bad.add(head.id);
    }
  }
}

function noConfig({ location }: Vault, { instance }: VaultIdentity, { backups }: Listing, damaged: boolean): NotFoundError | DamageError {
  const names = [...new Set(backups.flatMap(({ manifest }) => manifest.components))].filter((name) => name !== RESERVED_COMPONENT);
  const hint = `Write a holdfast.yaml with \`name: ${instance}\`, \`backup: { path: ${location} }\` and the components ${names.join(", ")}, then: holdfast restore ${backups[0]?.id ?? "ID"}`;
  return damaged
    ? new DamageError("BACKUP_DAMAGED", `No copy of the configuration in "${location}" reads back`, { hint })
    : new NotFoundError(
        "COMPONENT_NOT_FOUND",
        `No good backup in "${location}" holds the configuration (component "${RESERVED_COMPONENT}")`,
        {
          hint,
        },
      );
}

function placeFor({ recorded, head }: StoredConfig, { to, maps, cwd }: RecoveryRequest): string {
  if (to !== undefined) return join(resolve(cwd, to), basename(recorded ?? "holdfast.yaml"));
  if (recorded !== null) return mapPath(recorded, maps).path;
  throw new UsageError("USAGE", `Backup "${head.id}" does not say where its configuration lay`, { hint: "Name a folder with --to DIR" });
}

function refuseIdleMaps({ maps, to }: RecoveryRequest, used: ReadonlySet<PathMap>, { recorded }: StoredConfig): void {
  const forFile = to === undefined && recorded !== null ? mapPath(recorded, maps).by : undefined;
  const idle = maps.find((map) => !used.has(map) && map !== forFile);
  if (idle === undefined) return;
  throw new UsageError("USAGE", `--map ${idle.from}=${idle.to} has no effect: no absolute path of the configuration begins so`, {
    hint: "Look at the paths with --config-only --to DIR, or leave it out; nothing was changed",
  });
}

/** The configuration in the clear, and beside it what it names by a relative path, are nothing to lay into a vault. */
function refuseInVault(file: string, path: string): void {
  const vault = vaultAround(file, path);
  if (vault === undefined) return;
  throw new UsageError("USAGE", `"${file}" would lie in the vault "${vault}"`, {
    hint: "Name a folder outside the vault with --to DIR; nothing was changed",
  });
}

/** By the same loader that every command will read it with, and with what the environment of this machine says. */
function checkedConfig(file: string, bytes: Buffer, vault: string, owner: VaultIdentity, env: NodeJS.ProcessEnv): Config {
  const config = parseConfig({ file, bytes, env });
  const { name, backup } = config;
  if (backup.path === vault && name === owner.instance) return config;
  const [variable, value] = backup.path === vault ? ["HOLDFAST_NAME", name] : ["HOLDFAST_BACKUP__PATH", backup.path];
  throw new ConfigError("CONFIG_INVALID", `The environment variable ${variable} says "${value}", which is not the vault to recover from`, {
    hint: "Take it out of the environment; nothing was changed",
  });
}

/** Chooses, reads back what was chosen, and chooses anew without what does not read back. */
async function proved(
  vault: Vault,
  listing: Listing,
  config: Config,
  damage: string[],
  options: ProofOptions,
): Promise<readonly RecoveredComponent[]> {
  const wanted = config.backup.include.map((name) => ({
    name,
    importance: config.components.find((component) => component.name === name)?.importance,
  }));
  const bad = new Set<string>();
  const sound = new Set<string>();
  const keyOf = (head: BackupHead, component: string): string => `${head.id}/${component}`;
  for (;;) {
    const choices = chooseBackups(listing.backups, wanted, (head, component) => !bad.has(keyOf(head, component)));
    const open = byBackup(choices.filter(({ head, component }) => head !== null && !sound.has(keyOf(head, component))));
    const [next] = open;
    if (next === undefined) return choices.map(recoveredOf);
    const [head, names] = next;
    const problems = await proveBackup(vault, head, names, options);
    for (const name of names) (problems.has(name) ? bad : sound).add(keyOf(head, name));
    damage.push(...[...problems].map(([name, problem]) => `${head.id}: "${name}" does not read back: ${problem}`));
  }
}

function byBackup(choices: readonly Choice[]): ReadonlyMap<BackupHead, readonly string[]> {
  const groups = new Map<BackupHead, string[]>();
  for (const { head, component } of choices) {
    if (head === null) continue;
    const names = groups.get(head);
    if (names === undefined) groups.set(head, [component]);
    else names.push(component);
  }
  return groups;
}

function recoveredOf({ component, head, remark }: Choice): RecoveredComponent {
  return {
    component,
    backup: head?.id ?? null,
    takenAt: head?.manifest.timestamp ?? null,
    bytes: head?.manifest.component_details[component]?.bytes ?? null,
    remark,
  };
}

function lostPaths(config: Config): Recovery["lost"] {
  const paths = config.components.flatMap(({ name, path }) => {
    if (path === null) return [];
    return "literal" in path
      ? [{ key: `components.${name}.path`, path: path.literal }]
      : [{ key: `components.${name}.path.from`, path: path.from }];
  });
  const folder = real(config.folder) + sep;
  // What lies below the configuration's folder comes with it.
  return [{ key: "state_dir", path: config.stateDir }, ...paths].filter(
    ({ path }) => !real(path).startsWith(folder) && !existsSync(dirname(path)),
  );
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
