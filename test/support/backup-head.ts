import {
  MANIFEST_VERSION,
  toBackupId,
  type BackupHead,
  type ComponentDetails,
  type Importance,
  type Manifest,
  type Marks,
  type NotCaptured,
  type SourceKind,
  type Trigger,
} from "../../src/vault/index.ts";

export interface ComponentSpec {
  readonly source?: SourceKind;
  readonly storedAs?: string;
  readonly importance?: Importance;
  readonly whole?: boolean;
  readonly suspect?: boolean;
  readonly bytes?: number;
}

export interface HeadSpec {
  /** Minutes after midnight of 2026-03-15 UTC; the sequence number, too, unless told. */
  readonly minute?: number;
  readonly sequence?: number;
  readonly trigger?: Trigger;
  readonly tags?: readonly string[];
  readonly components?: Readonly<Record<string, ComponentSpec>>;
  readonly notCaptured?: Readonly<Record<string, NotCaptured>>;
  readonly marks?: Marks;
}

/** What a vault would list, without a vault. */
export function backupHead({
  minute = 1,
  sequence = minute,
  trigger = "manual",
  tags = [],
  components = {},
  notCaptured = {},
  marks = {},
}: HeadSpec = {}): BackupHead {
  const instant = new Date(Date.parse("2026-03-15T00:00:00Z") + minute * 60_000).toISOString().slice(0, 19);
  const id = toBackupId(`${instant.replaceAll(":", "-")}_${trigger}`);
  const details = Object.fromEntries(Object.entries(components).map(([name, spec]) => [name, detailsOf(name, spec)]));
  const manifest: Manifest = {
    version: MANIFEST_VERSION,
    holdfast_version: "0.1.0",
    id,
    instance: "acme",
    vault: "00000000-0000-4000-8000-000000000000",
    sequence,
    previous: null,
    timestamp: `${instant}Z`,
    finished_at: `${instant}Z`,
    trigger,
    tags,
    components: Object.keys(components),
    not_captured: notCaptured,
    db_schema_version: null,
    size_bytes: Object.values(details).reduce((sum, { bytes }) => sum + bytes, 0),
    stored_bytes: 1,
    checksum: `sha256:${"0".repeat(64)}`,
    component_details: details,
    runtime: null,
    host: "box",
    features: { read: [], write: [] },
  };
  return { id, manifest, manifestSha256: "0".repeat(64), marks, form: "tar.gz", location: `/vault/${id}.tar.gz` };
}

function detailsOf(name: string, spec: ComponentSpec): ComponentDetails {
  const { source = "tree", storedAs = name, importance = "critical", whole = true, suspect = false, bytes = 100 } = spec;
  return {
    source,
    resolved_path: `/srv/${name}`,
    suspect,
    omissions: [],
    warnings: [],
    stored_as: storedAs,
    bytes,
    entries: 1,
    whole,
    importance,
    changed: [],
  };
}
