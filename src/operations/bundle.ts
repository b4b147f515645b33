import { arch, platform, release, totalmem } from "node:os";
import { gzipSync } from "node:zlib";
import { Header } from "tar/header";
import { ConflictError, createFile, HoldfastError, namedSystemError, redact, redactData, VERSION } from "../kernel/index.ts";
import { goodForAll, type BackupHead, type Listing } from "../vault/index.ts";
import { keepSecrets } from "./bundle-redaction.ts";
import { doctor } from "./doctor/index.ts";
import type { Instance } from "./instance.ts";
import { readLastRun } from "./last-run.ts";
import { secretless } from "./notify/index.ts";
import { readListing } from "./read-listing.ts";
import { status } from "./status.ts";

export interface BundleRequest {
  /** Or why there is none: then the bundle says that, and what can be known of the host. */
  readonly instance: Instance | HoldfastError;
  readonly env: NodeJS.ProcessEnv;
  readonly now: number;
  /** Absolute; never written over. */
  readonly output: string;
}

export interface BundleReport {
  readonly file: string;
  readonly bytes: number;
  /** Names in the archive. */
  readonly files: readonly string[];
}

/**
 * What somebody who helps has to know, in one file for this account alone: no content, no file names of the content, no
 * secrets. A part that cannot be had says why in its place.
 *
 * @throws ConflictError FILE_EXISTS
 */
export async function bundle({ instance, env, now, output }: BundleRequest): Promise<BundleReport> {
  const loaded = instance instanceof HoldfastError ? null : instance;
  const parts: Record<string, unknown> = {
    "versions.json": versions(env, now),
    "configuration.json": loaded === null ? failureOf(instance) : configurationOf(loaded),
    "doctor.json": await attempt(() => doctor({ instance, env, now })),
  };
  if (loaded !== null) {
    const { stateDir } = loaded.config;
    parts["status.json"] = await attempt(() => status(loaded));
    parts["backups.json"] = await attempt(async () => listingOf(await readListing(loaded)));
    parts["last-run.json"] = await attempt(() => readLastRun(stateDir));
  }
  const clean = keepSecrets(loaded?.config ?? null, env);
  const archive = gzipSync(
    tarOf(
      Object.entries(parts).map(([name, value]) => [name, `${JSON.stringify(clean(value), null, 2)}\n`]),
      now,
    ),
  );
  try {
    if (createFile(output, archive)) return { file: output, bytes: archive.length, files: Object.keys(parts) };
  } catch (error) {
    throw namedSystemError(error, `write "${output}"`);
  }
  throw new ConflictError("FILE_EXISTS", `"${output}" exists already and is not overwritten`, { hint: "Give another name with --output" });
}

async function attempt(look: () => unknown): Promise<unknown> {
  try {
    return await look();
  } catch (error) {
    return failureOf(error);
  }
}

/** The problems of a configuration by key and place: its message shows source lines, which may hold anything. */
function failureOf(error: unknown): unknown {
  const { code, message, details } = error instanceof HoldfastError ? error : namedSystemError(error, "look");
  const problems = details?.["problems"];
  return { not_available: code, ...(problems === undefined ? { message: redact(message) } : { problems: redactData(problems) }) };
}

function versions(env: NodeJS.ProcessEnv, now: number): unknown {
  return {
    holdfast: VERSION,
    node: process.versions.node,
    sqlite: process.versions.sqlite,
    openssl: process.versions.openssl,
    platform: platform(),
    release: release(),
    arch: arch(),
    memory_bytes: totalmem(),
    root: process.getuid?.() === 0,
    at: new Date(now).toISOString(),
    // Names alone: which keys the environment overrides, not by what.
    overrides: Object.keys(env).filter((name) => name.startsWith("HOLDFAST_")),
  };
}

/** As it is in force, with the environment's overrides in it. */
function configurationOf({ config }: Instance): unknown {
  return {
    ...config,
    notify: config.notify.map(secretless),
    components: config.components.map((component) => ({ ...component, position: undefined })),
  };
}

function listingOf({ backups, damaged, unfinished, foreign, missing, chain, trash }: Listing): unknown {
  return { backups: backups.map(rowOf), damaged, unfinished, foreign_count: foreign.length, missing, chain, trash };
}

/** Manifests name what was left out and what changed, which are names of the content: counts tell as much. */
function rowOf({ id, manifest, marks, form }: BackupHead): unknown {
  return {
    id,
    sequence: manifest.sequence,
    timestamp: manifest.timestamp,
    finished_at: manifest.finished_at,
    trigger: manifest.trigger,
    holdfast_version: manifest.holdfast_version,
    form,
    size_bytes: manifest.size_bytes,
    stored_bytes: manifest.stored_bytes,
    complete: goodForAll(manifest),
    verified: marks.verified === undefined ? null : { at: marks.verified.at, ok: marks.verified.ok },
    pinned: marks.pin !== undefined,
    imported: manifest.imported_from !== undefined,
    not_captured: Object.entries(manifest.not_captured).map(([name, { code, importance }]) => ({ name, code, importance })),
    components: Object.entries(manifest.component_details).map(([name, details]) => ({
      name,
      source: details.source,
      importance: details.importance,
      bytes: details.bytes,
      entries: details.entries,
      whole: details.whole,
      suspect: details.suspect,
      omissions: details.omissions.length,
      changed: details.changed.length,
      warnings: details.warnings.length,
    })),
  };
}

const BLOCK = 512;

function tarOf(files: readonly (readonly [name: string, text: string])[], now: number): Buffer {
  const blocks = files.flatMap(([path, text]) => {
    const content = Buffer.from(text);
    const header = Buffer.alloc(BLOCK);
    new Header({ path, mode: 0o600, uid: 0, gid: 0, size: content.length, mtime: new Date(now), type: "File" }).encode(header);
    return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
