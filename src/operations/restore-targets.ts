import { realpathSync } from "node:fs";
import { resolvePath, type ComponentConfig, type PathReference } from "../config/index.ts";
import { HoldfastError, nearest, NotFoundError } from "../kernel/index.ts";
import type { Refusal, RestoreTarget, TargetRules } from "../restore/index.ts";
import type { BackupReader, Manifest } from "../vault/index.ts";
import { RESERVED_COMPONENT } from "./plan-components.ts";
import type { Instance } from "./instance.ts";

export interface Targets {
  readonly targets: readonly RestoreTarget[];
  /** Live places of every declared component that resolves. */
  readonly places: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  readonly refusals: readonly Refusal[];
}

const ANYTHING: TargetRules = { exclude: [], include: [], excludeLarger: undefined, excludeCaches: false, oneFileSystem: false };

function rulesOf(declared: ComponentConfig | undefined): TargetRules {
  if (declared === undefined) return ANYTHING;
  const { exclude, include, excludeLarger, excludeCaches, oneFileSystem } = declared;
  return { exclude, include, excludeLarger, excludeCaches, oneFileSystem };
}

/** Where each chosen component of a backup goes, by today's configuration and, for pointers, by the restored documents. */
export async function restoreTargets(instance: Instance, reader: BackupReader, chosen: readonly string[] | undefined): Promise<Targets> {
  const { config } = instance;
  const { manifest } = reader.head;
  checkNames(manifest, chosen);
  const warnings: string[] = [];
  const refusals: Refusal[] = [];
  // The configuration says what is backed up and how: it comes back only when it is asked for by name.
  const names = chosen ?? manifest.components.filter((name) => name !== RESERVED_COMPONENT);
  const documents = await restoredDocuments(instance, reader, names);
  const targets: RestoreTarget[] = [];
  for (const name of names) {
    const details = manifest.component_details[name];
    if (details === undefined) continue;
    const declared = config.components.find((component) => component.name === name);
    if (declared === undefined && name !== RESERVED_COMPONENT) {
      const text = `"${name}" is in the backup and is not declared any more`;
      if (chosen === undefined) warnings.push(`${text}: it is left out`);
      else refusals.push({ component: name, reason: text, hint: "Declare it, or restore it with --to DIR", overridable: false });
      continue;
    }
    const path = declared === undefined ? config.file : await placeOf(declared, instance, documents);
    const recorded =
      details.resolved_path !== null && path !== null && !samePlace(details.resolved_path, path) ? details.resolved_path : null;
    if (recorded !== null) warnings.push(`"${name}" lay at "${recorded}" and goes to "${path}"`);
    targets.push({
      component: name,
      source: details.source,
      salvaged: details.salvaged === undefined ? null : (details.salvaged.file ?? null),
      path,
      recorded,
      rules: rulesOf(declared),
      command: commandOf(declared),
    });
  }
  if (chosen === undefined) lookForMissing(instance, manifest, warnings, refusals);
  lookForGroups(instance, names, warnings);
  return { targets, places: await livePlaces(instance, documents), warnings, refusals };
}

/** Every declared component as a target of its own kind: for what is put back without a backup to go by. */
export async function liveTargets(instance: Instance): Promise<readonly RestoreTarget[]> {
  const places = await livePlaces(instance, new Map());
  return instance.config.components.map((declared) => ({
    component: declared.name,
    source: declared.kind ?? "file",
    salvaged: null,
    path: places.get(declared.name) ?? null,
    recorded: null,
    rules: rulesOf(declared),
    command: commandOf(declared),
  }));
}

function checkNames(manifest: Manifest, chosen: readonly string[] | undefined): void {
  for (const name of chosen ?? []) {
    if (manifest.components.includes(name)) continue;
    const near = nearest(name, manifest.components);
    throw new NotFoundError("COMPONENT_NOT_FOUND", `Backup "${manifest.id}" holds no component "${name}"`, {
      hint: near === undefined ? `It holds: ${manifest.components.join(", ")}` : `Did you mean "${near}"?`,
    });
  }
}

/** Half of a set that is put back beside the other half of another day is a state that never was (langgenius/dify#15369). */
function lookForMissing({ config }: Instance, manifest: Manifest, warnings: string[], refusals: Refusal[]): void {
  for (const name of config.backup.include) {
    if (manifest.component_details[name] !== undefined) continue;
    const missing = manifest.not_captured[name];
    if (missing === undefined) warnings.push(`"${name}" is not in this backup: it stays as it is`);
    else
      refusals.push({
        component: name,
        reason: `It was to be in this backup and is not (${missing.reason}); the rest alone is half of a set`,
        hint: "Choose a complete backup, name the components with --component, or add --force to leave it as it is",
        overridable: true,
      });
  }
}

function lookForGroups({ config }: Instance, names: readonly string[], warnings: string[]): void {
  for (const { name, group } of config.components) {
    if (group === undefined || names.includes(name)) continue;
    const other = config.components.find((component) => component.group === group && names.includes(component.name));
    if (other !== undefined)
      warnings.push(
        `"${other.name}" was captured together with "${name}" (group "${group}"), which stays as it is: they may not fit each other`,
      );
  }
}

function commandOf(declared: ComponentConfig | undefined): RestoreTarget["command"] {
  const command = declared?.command;
  return command?.restore === undefined || command.restore === null ? null : { argv: command.restore, timeout: command.timeout };
}

async function placeOf({ path }: ComponentConfig, { env }: Instance, documents: ReadonlyMap<string, Buffer>): Promise<string | null> {
  return path === null ? null : (await resolvePath(path, { env, documents })).path;
}

/** Documents that pointers go into, as they will be once this backup is in place. */
async function restoredDocuments(instance: Instance, reader: BackupReader, names: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const pointed = new Set(instance.config.components.flatMap(({ path }) => (path !== null && "from" in path ? [path.from] : [])));
  const found = new Map<string, Buffer>();
  if (pointed.size === 0) return found;
  /** Component by the document that it is. */
  const byComponent = new Map<string, string>();
  for (const { name, path } of instance.config.components) {
    if (path === null || !("literal" in path) || !names.includes(name)) continue;
    const document = [...pointed].find((file) => samePlace(file, path.literal));
    if (document !== undefined) byComponent.set(name, document);
  }
  if (byComponent.size === 0) return found;
  for await (const { entry, content } of reader.read({ select: ({ component, type }) => type === "file" && byComponent.has(component) })) {
    const document = byComponent.get(entry.component);
    if (document === undefined || content === undefined || entry.size > LARGEST_DOCUMENT) continue;
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(Buffer.from(piece));
    found.set(document, Buffer.concat(pieces));
  }
  return found;
}

/** A configuration of a runtime is far smaller. Bytes. */
const LARGEST_DOCUMENT = 8 * 1024 * 1024;

async function livePlaces({ config, env }: Instance, documents: ReadonlyMap<string, Buffer>): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { name, path } of config.components) {
    const place = path === null ? null : await resolveQuietly(path, env, documents);
    if (place !== null) places.set(name, place);
  }
  return places;
}

/** A component that is not restored and does not resolve has no place that could be in the way. */
async function resolveQuietly(path: PathReference, env: NodeJS.ProcessEnv, documents: ReadonlyMap<string, Buffer>): Promise<string | null> {
  try {
    return (await resolvePath(path, { env, documents })).path;
  } catch (error) {
    if (error instanceof HoldfastError) return null;
    throw error;
  }
}

function samePlace(one: string, other: string): boolean {
  return one === other || real(one) === real(other);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
