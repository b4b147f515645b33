import { createHash } from "node:crypto";
import { InternalError } from "../../kernel/index.ts";
import { MANIFEST_VERSION, parseManifest, type BackupId, type ImportedFrom, type Manifest, type ManifestBody } from "../../vault/index.ts";
import type { FinishedDraft } from "./local-draft.ts";

/** A backup that was taken elsewhere. */
export interface Imported {
  readonly origin: ImportedFrom;
  /** Of its manifest: what is stored must be what was read. */
  readonly checksum: string;
}

/** What the vault knows of a backup that is about to be one of its own. */
interface Place {
  readonly id: BackupId;
  /** Identity of the vault. */
  readonly vault: string;
  readonly sequence: number;
  readonly previous: Manifest["previous"];
  readonly imported: Imported | undefined;
}

export interface WrittenManifest {
  readonly bytes: Buffer;
  /** Of the bytes, in hexadecimal digits. */
  readonly sha256: string;
  /** As it is read from the bytes. */
  readonly manifest: Manifest;
}

/** The manifest of a finished draft, as it is stored. */
export function manifestOf(body: ManifestBody, draft: FinishedDraft, { id, vault, sequence, previous, imported }: Place): WrittenManifest {
  if (imported !== undefined && imported.checksum !== draft.checksum)
    throw new InternalError("What was stored is not what was read from the archive");
  const manifest: Manifest = {
    version: MANIFEST_VERSION,
    holdfast_version: body.holdfast_version,
    id,
    instance: body.instance,
    vault,
    sequence,
    previous,
    ...(imported === undefined ? {} : { imported_from: imported.origin }),
    timestamp: body.timestamp,
    finished_at: body.finished_at,
    trigger: body.trigger,
    tags: body.tags,
    components: body.components,
    not_captured: body.not_captured,
    db_schema_version: body.db_schema_version,
    size_bytes: draft.sizeBytes,
    stored_bytes: draft.storedBytes,
    checksum: draft.checksum,
    component_details: body.component_details,
    runtime: body.runtime,
    host: body.host,
    features: { read: draft.features, write: [] },
  };
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  // What would not come in through the door is not put behind it.
  return { bytes, sha256, manifest: parseManifest(bytes, { id }) };
}
