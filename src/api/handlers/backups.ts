import { PREFIX, type BackupPage, type BackupRow, type ManifestDocument } from "../../contract/index.ts";
import { UsageError } from "../../kernel/index.ts";
import { damageIn, list, pin, show, unpin, type BackupResult } from "../../operations/index.ts";
import type { HandlersOf } from "../handler.ts";

type Listed = Awaited<ReturnType<typeof list>>;
type Head = Listed["backups"][number];

/** A page unless told otherwise. */
const PAGE = 50;

export const backupHandlers: HandlersOf<"takeBackup" | "listBackups" | "showBackup" | "deleteBackup" | "pinBackup" | "unpinBackup"> = {
  takeBackup: async ({ runs, instance }, { body: { components = [], tags = [], wait = false } }) => {
    const args = ["backup", "create", "--trigger", "manual"];
    for (const name of components) args.push("--component", name);
    for (const tag of tags) args.push("--tag", tag);
    const run = runs.start({
      kind: "backup",
      args,
      urgent: wait,
      finish: async (document, run_id) => {
        const { id, status, alarms, warnings } = document as unknown as BackupResult;
        const { manifest } = await show(instance(), id);
        return { run_id, backup_id: id, status, alarms, warnings, manifest: manifestOf(manifest) };
      },
    });
    if (!wait) {
      const backup_id = await run.begun;
      return { status: 202, body: { run_id: run.run_id, backup_id }, headers: { location: `${PREFIX}/runs/${run.run_id}` } };
    }
    const taken = await run.done;
    return { status: 201, body: taken, headers: { location: `${PREFIX}/admin/backups/${taken.backup_id}` } };
  },

  listBackups: async ({ instance }, { query }) => {
    const { limit = PAGE, cursor, trigger, component, tag } = query;
    const listed = await list(instance());
    const wanted = listed.backups.filter(
      ({ manifest }) =>
        (trigger === undefined || manifest.trigger === trigger) &&
        (component === undefined || manifest.components.includes(component)) &&
        (tag === undefined || manifest.tags.includes(tag)),
    );
    return { status: 200, body: pageOf(listed, wanted, limit, cursor) };
  },

  showBackup: async ({ instance }, { params: { id } }) => {
    const opened = instance();
    const listed = await list(opened);
    const head = listed.backups.find((one) => one.id === id) ?? (await show(opened, id));
    return { status: 200, body: { backup: rowOf(listed, head), manifest: manifestOf(head.manifest) } };
  },

  deleteBackup: async ({ runs }, { params: { id }, query: { force = false } }) => {
    const args = ["backup", "delete", id, "--yes", ...(force ? ["--force"] : [])];
    await runs.start({ kind: "delete", args, urgent: true, backupId: id, finish: (document) => document }).done;
    return { status: 204, body: null };
  },

  pinBackup: async ({ instance }, { params: { id }, body: { note } }) => {
    const head = await pin(instance(), id, note);
    return { status: 200, body: { backup_id: head.id, pinned: true } };
  },

  unpinBackup: async ({ instance }, { params: { id } }) => {
    const head = await unpin(instance(), id);
    return { status: 200, body: { backup_id: head.id, pinned: false } };
  },
};

/** Where a page ends: the place of its last backup in the order of all, which new ones and removed ones do not move. */
interface Place {
  readonly time: number;
  readonly sequence: number;
}

const placeOf = ({ manifest }: Head): Place => ({ time: Date.parse(manifest.timestamp), sequence: manifest.sequence });

function isAfter(one: Place, other: Place): boolean {
  return one.time < other.time || (one.time === other.time && one.sequence < other.sequence);
}

function pageOf(listed: Listed, wanted: readonly Head[], limit: number, cursor: string | undefined): BackupPage {
  const from = cursor === undefined ? null : readCursor(cursor);
  const rest = from === null ? wanted : wanted.filter((head) => isAfter(placeOf(head), from));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    backups: page.map((head) => rowOf(listed, head)),
    next_cursor: last === undefined || rest.length <= limit ? null : writeCursor(placeOf(last)),
    total: wanted.length,
    problems: damageIn(listed),
  };
}

function writeCursor({ time, sequence }: Place): string {
  return Buffer.from(`${time} ${sequence}`).toString("base64url");
}

function readCursor(cursor: string): Place {
  const [, time, sequence] = /^(-?\d{1,15}) (\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (time !== undefined) return { time: Number(time), sequence: Number(sequence) };
  throw new UsageError("USAGE", '"cursor" in the query is not the cursor of a page', { hint: "Give next_cursor of the page before" });
}

function rowOf(listed: Listed, { id, manifest, marks, form, location }: Head): BackupRow {
  const { sequence, timestamp, finished_at, trigger, tags, components, not_captured, size_bytes, stored_bytes, checksum } = manifest;
  return {
    id,
    sequence,
    timestamp,
    finished_at,
    trigger,
    tags,
    components,
    not_captured,
    size_bytes,
    stored_bytes,
    db_schema_version: manifest.db_schema_version,
    checksum,
    complete:
      Object.keys(not_captured).length === 0 &&
      components.every((name) => manifest.component_details[name]?.whole === true && !manifest.component_details[name].suspect),
    verified: marks.verified === undefined ? null : verdictOf(marks.verified),
    pin: marks.pin ?? null,
    protected: listed.protected.get(id) ?? [],
    form,
    location,
  };
}

function verdictOf({ at, ok, entries, bytes, problem }: NonNullable<Head["marks"]["verified"]>): NonNullable<BackupRow["verified"]> {
  return { at, ok, entries, bytes, ...(problem === undefined ? {} : { problem }) };
}

function manifestOf(manifest: Awaited<ReturnType<typeof show>>["manifest"]): ManifestDocument {
  return manifest as unknown as ManifestDocument;
}
