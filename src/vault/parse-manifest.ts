import { HostError } from "../kernel/index.ts";
import { isBackupId, TRIGGERS, type BackupId } from "./backup-id.ts";
import { checkVersion, DocumentFields, parseJsonDocument } from "./document.ts";
import { pathProblem } from "./entry-path.ts";
import { IMPORTANCES, MANIFEST_VERSION, PAGES_FEATURE, type Manifest } from "./manifest.ts";
import { SOURCE_KINDS } from "./reading.ts";
import { ENTRIES_NAME, MANIFEST_NAME } from "./stored-path.ts";

/** Features that this version knows how to read. */
const READ_FEATURES: readonly string[] = [PAGES_FEATURE];
const COMPONENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MOST_COMPONENTS = 1000;
const MOST_NOTES = 1_000_000;
const CHANGES = ["grew", "rewritten", "replaced", "vanished"] as const;

/**
 * The one door through which a manifest comes in: strict about every field that something depends on, tolerant of
 * fields it does not know.
 *
 * @param expected the id that the backup's name says; a manifest that names itself otherwise is refused
 * @throws DamageError MANIFEST_INVALID · HostError VERSION_UNSUPPORTED
 */
export function parseManifest(bytes: Uint8Array, expected: { readonly id?: BackupId } = {}): Manifest {
  const { value, fields } = openManifest(bytes, expected.id);
  fields.text("holdfast_version", 100);
  fields.instant("timestamp");
  fields.instant("finished_at");
  fields.list("tags", 1000, (items, index) => items.text(index, 200));
  if (fields.raw("db_schema_version") !== null) fields.integer("db_schema_version", Number.MIN_SAFE_INTEGER);
  fields.integer("size_bytes");
  fields.integer("stored_bytes");
  fields.matching("checksum", /^sha256:[0-9a-f]{64}$/, "sha256: and 64 hexadecimal digits");
  fields.text("host", 300);
  const runtime = fields.nullable("runtime");
  runtime?.text("name", 200);
  runtime?.text("version", 200);
  checkComponents(fields);
  return value as Manifest;
}

/** What of a manifest says who the backup is, and where in the row of the vault's documents it stands. */
export type ManifestLink = Pick<Manifest, "id" | "trigger" | "instance" | "vault" | "sequence" | "previous" | "imported_from" | "features">;

/** The same of a backup that nobody asks for more, as of one in the trash: it comes in whole when it comes back. Throws as parseManifest(). */
export function parseManifestLink(bytes: Uint8Array, expected: { readonly id?: BackupId } = {}): ManifestLink {
  return openManifest(bytes, expected.id).value as ManifestLink;
}

function openManifest(bytes: Uint8Array, expected: BackupId | undefined): { readonly value: unknown; readonly fields: DocumentFields } {
  const name = expected === undefined ? "the manifest" : `the manifest of "${expected}"`;
  const value = parseJsonDocument(name, bytes);
  checkVersion(name, value, MANIFEST_VERSION);
  const fields = new DocumentFields(name, value);
  checkFeatures(name, fields.object("features"));
  checkIdentity(fields, expected);
  checkChain(fields);
  return { value, fields };
}

function checkIdentity(fields: DocumentFields, expected: BackupId | undefined): void {
  const id = fields.text("id", 100);
  if (!isBackupId(id)) fields.fail("id", "must be a backup id");
  if (expected !== undefined && id !== expected) fields.fail("id", `must be "${expected}" as the name says, and is "${id}"`);
  const trigger = fields.oneOf("trigger", TRIGGERS);
  if (id.slice(20).replace(/-\d+$/, "") !== trigger) fields.fail("trigger", `must agree with the id "${id}"`);
  fields.text("instance", 200);
  if (fields.text("vault", 100) === "") fields.fail("vault", "must not be empty");
}

function checkChain(fields: DocumentFields): void {
  const sequence = fields.integer("sequence", 1);
  const previous = fields.nullable("previous");
  if (previous !== null) checkPrevious(previous, sequence);
  if (!fields.has("imported_from")) return;
  const origin = fields.object("imported_from");
  origin.text("instance", 200);
  origin.text("vault", 100);
  origin.integer("sequence", 1);
  origin.matching("manifest_sha256", SHA256, "64 hexadecimal digits");
}

/** The link that a manifest or record carries to the document before it. */
export function checkPrevious(previous: DocumentFields, sequence: number): void {
  if (previous.integer("sequence", 1) >= sequence) previous.fail("sequence", `must be below ${sequence}`);
  previous.matching("sha256", SHA256, "64 hexadecimal digits");
}

function checkComponents(fields: DocumentFields): void {
  const components = fields.list("components", MOST_COMPONENTS, (items, index) =>
    items.matching(index, COMPONENT_NAME, "a component name"),
  );
  if (new Set(components).size !== components.length) fields.fail("components", "must not name a component twice");
  const details = fields.object("component_details");
  const described = details.keys();
  if (described.length !== components.length) fields.fail("component_details", "must describe the components and nothing else");
  const places = new Set<string>();
  for (const component of components) {
    if (!details.has(component)) fields.fail("component_details", `must describe "${component}"`);
    const one = details.object(component);
    checkDetails(one);
    const place = one.text("stored_as");
    if (places.has(place)) one.fail("stored_as", "must not be the place of another component");
    places.add(place);
  }
  const missing = fields.object("not_captured");
  for (const component of missing.keys()) {
    if (!COMPONENT_NAME.test(component)) missing.fail(component.slice(0, 100), "must be a component name");
    if (components.includes(component)) missing.fail(component, "must not be among the captured components");
    const one = missing.object(component);
    one.oneOf("importance", IMPORTANCES);
    one.text("code", 100);
    one.text("reason", 100_000);
  }
}

function checkSalvaged(salvaged: DocumentFields): void {
  const check = (fields: DocumentFields, field: string): void => {
    const problem = pathProblem(fields.text(field, 20_000));
    if (problem !== undefined) fields.fail(field, problem);
  };
  if (salvaged.raw("file") !== null) check(salvaged, "file");
  if (salvaged.has("reason")) salvaged.text("reason", 20_000);
  if (salvaged.has("paths")) salvaged.list("paths", MOST_NOTES, check);
}

function checkDetails(details: DocumentFields): void {
  details.oneOf("source", SOURCE_KINDS);
  if (details.raw("resolved_path") !== null) details.text("resolved_path");
  const storedAs = details.text("stored_as");
  const problem = pathProblem(storedAs);
  if (problem !== undefined) details.fail("stored_as", problem);
  if (isOrBelow(storedAs, MANIFEST_NAME) || isOrBelow(storedAs, ENTRIES_NAME))
    details.fail("stored_as", "must not be a name of the format");
  details.integer("bytes");
  details.integer("entries");
  details.boolean("whole");
  details.boolean("suspect");
  if (details.has("salvaged")) checkSalvaged(details.object("salvaged"));
  details.oneOf("importance", IMPORTANCES);
  if (details.has("sqlite")) checkSqlite(details.object("sqlite"));
  if (details.has("databases")) {
    const databases = details.object("databases");
    for (const path of databases.keys()) checkSqlite(databases.object(path));
  }
  details.list("omissions", MOST_NOTES, checkOmission);
  details.list("changed", MOST_NOTES, checkChange);
  details.list("warnings", MOST_NOTES, checkWarning);
}

function isOrBelow(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}/`);
}

function checkOmission(items: DocumentFields, index: string): void {
  const item = items.object(index);
  item.text("path", 20_000);
  item.text("reason", 20_000);
  item.boolean("harmless");
}

function checkChange(items: DocumentFields, index: string): void {
  const item = items.object(index);
  item.text("path", 20_000);
  item.oneOf("change", CHANGES);
}

function checkWarning(items: DocumentFields, index: string): void {
  items.text(index, 20_000);
}

function checkSqlite(sqlite: DocumentFields): void {
  sqlite.integer("page_size");
  sqlite.integer("pages");
  sqlite.integer("user_version", Number.MIN_SAFE_INTEGER);
  sqlite.integer("application_id", Number.MIN_SAFE_INTEGER);
  sqlite.oneOf("journal_mode", ["wal", "rollback"]);
  sqlite.text("schema_sha256", 100);
  sqlite.text("quick_check", 20_000);
  if (sqlite.raw("quick_checked_at") !== null) sqlite.instant("quick_checked_at");
  sqlite.oneOf("read", ["staged", "cold", "pinned"]);
}

function checkFeatures(name: string, features: DocumentFields): void {
  const read = features.list("read", 100, (items, index) => items.text(index, 100));
  features.list("write", 100, (items, index) => items.text(index, 100));
  const unknown = read.filter((feature) => !READ_FEATURES.includes(feature));
  if (unknown.length === 0) return;
  throw new HostError(
    "VERSION_UNSUPPORTED",
    `Cannot read ${name}: it uses ${unknown.map((feature) => JSON.stringify(feature)).join(", ")}, unknown to this version`,
    {
      hint: "Update Holdfast on this machine",
    },
  );
}
