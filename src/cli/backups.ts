import type { Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import { goodForAll, type BackupHead } from "../vault/index.ts";
import { collect, makeCommand, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";
import type { Io } from "./io.ts";
import { table } from "./table.ts";

const ID = "id, unique prefix, latest, or latest:verified";

export function listCommand(runner: Runner): Command {
  const about = {
    summary: "list the backups, newest first, with their verdicts",
    examples: ["backup list", "backup list --tag before-upgrade", "backup list --json"],
  };
  return makeCommand("list", about, runner, async ({ io, instance, options }) => {
    const { damageIn, list, splitLocked } = await import("../operations/index.ts");
    const { protected: shielded, ...listing } = await list(await instance(), {
      tags: (options["tag"] as readonly string[] | undefined) ?? [],
    });
    io.document({
      schema: "holdfast.backups/1",
      ...listing,
      backups: listing.backups.map((head) => ({ ...rowOf(head), protected: shielded.get(head.id) ?? [] })),
    });
    if (listing.backups.length === 0) io.print("No backups yet. Take one with: holdfast backup");
    else
      io.print(
        table(
          ["ID", "SIZE", listing.backups.some(isSealed) ? "ADDED" : "STORED", "VERDICT", "TAGS"],
          listing.backups.map((head) => cellsOf(head, shielded.get(head.id) ?? [])),
          [1, 2],
        ),
      );
    const { locked, rest } = splitLocked(listing);
    const damage = damageIn(rest);
    for (const line of damage) io.remark(`${io.paint.red("damaged")} ${line}`);
    if (locked.length > 0)
      io.remark(
        `${io.paint.yellow("locked")} ${locked.length} sealed after a rotation of keys, which the key of the configuration does not open: ${locked.join(", ")}`,
      );
    if (listing.unfinished.length > 0) io.remark(`${listing.unfinished.length} unfinished, not listed: ${listing.unfinished.join(", ")}`);
    if (listing.trash.length > 0) io.remark(`${listing.trash.length} in the trash; bring one back with: holdfast backup undelete ID`);
    return damage.length + locked.length > 0 ? 4 : 0;
  }).option("--tag <tag>", "only backups with this tag (repeatable)", collect);
}

/** What it stores is what it added: the rest of it lies in packs that others brought. */
function isSealed({ form }: BackupHead): boolean {
  return form === "repository";
}

/** captured, then what was proved since; not whole, pinned and otherwise protected are said too. */
function verdictOf({ manifest, marks }: BackupHead, protectedBy: readonly string[]): string {
  const verdict = marks.verified === undefined ? "captured" : marks.verified.ok ? "verified" : "DAMAGED";
  return [
    verdict,
    ...(goodForAll(manifest) ? [] : ["partial"]),
    ...(marks.pin === undefined ? (protectedBy.length === 0 ? [] : ["protected"]) : ["pinned"]),
  ].join(", ");
}

function cellsOf(head: BackupHead, protectedBy: readonly string[]): string[] {
  const { manifest } = head;
  return [
    head.id,
    formatBytes(manifest.size_bytes),
    formatBytes(manifest.stored_bytes),
    verdictOf(head, protectedBy),
    manifest.tags.join(" "),
  ];
}

function rowOf(head: BackupHead): Record<string, unknown> {
  const { manifest, marks } = head;
  return {
    id: head.id,
    sequence: manifest.sequence,
    timestamp: manifest.timestamp,
    finished_at: manifest.finished_at,
    trigger: manifest.trigger,
    tags: manifest.tags,
    components: manifest.components,
    not_captured: manifest.not_captured,
    size_bytes: manifest.size_bytes,
    stored_bytes: manifest.stored_bytes,
    db_schema_version: manifest.db_schema_version,
    checksum: manifest.checksum,
    complete: goodForAll(manifest),
    verified: marks.verified ?? null,
    pin: marks.pin ?? null,
    form: head.form,
    location: head.location,
  };
}

export function showCommand(runner: Runner): Command {
  const about = {
    summary: "show one backup: its manifest and what was proved of it",
    examples: ["backup show latest", "backup show latest --json"],
  };
  return makeCommand("show", about, runner, async ({ io, instance, args }) => {
    const { show } = await import("../operations/index.ts");
    const head = await show(await instance(), String(args[0]));
    io.document({
      schema: "holdfast.backup-detail/1",
      manifest: head.manifest,
      marks: head.marks,
      form: head.form,
      location: head.location,
    });
    printHead(io, head);
    return 0;
  }).argument("<id>", ID);
}

function printHead(io: Io, head: BackupHead): void {
  const { manifest, marks } = head;
  const verified = marks.verified;
  const facts: readonly (readonly [string, string])[] = [
    ["id", head.id],
    ["taken", `${manifest.timestamp}, finished ${manifest.finished_at}, on ${manifest.host}`],
    ["number", String(manifest.sequence)],
    ["size", `${formatBytes(manifest.size_bytes)}, ${isSealed(head) ? "added" : "stored in"} ${formatBytes(manifest.stored_bytes)}`],
    ["where", head.location],
    ["checksum", manifest.checksum],
    ["schema version", manifest.db_schema_version === null ? "-" : String(manifest.db_schema_version)],
    ["tags", manifest.tags.join(" ") || "-"],
    ["captured", goodForAll(manifest) ? "everything declared, whole" : "partial"],
    ["verified", verified === undefined ? "not yet" : `${verified.ok ? "yes" : `NO: ${verified.problem ?? "damaged"}`}, ${verified.at}`],
    ["pinned", marks.pin === undefined ? "no" : `since ${marks.pin.at}${marks.pin.note === undefined ? "" : `: ${marks.pin.note}`}`],
  ];
  for (const [name, value] of facts) io.print(`${io.paint.dim(name.padEnd(14))} ${value}`);
  io.print();
  const rows = Object.entries(manifest.component_details).map(([name, details]) => [
    name,
    details.source,
    details.importance,
    String(details.entries),
    formatBytes(details.bytes),
    details.suspect ? "suspect" : details.whole ? "whole" : "not whole",
    details.stored_as,
  ]);
  io.print(table(["COMPONENT", "SOURCE", "IMPORTANCE", "ENTRIES", "SIZE", "STATE", "STORED AS"], rows, [3, 4]));
  for (const [name, { reason }] of Object.entries(manifest.not_captured)) io.print(`${io.paint.red("not captured")} ${name}: ${reason}`);
}

export function deleteCommand(runner: Runner): Command {
  const about = {
    summary: "move a backup to the trash",
    examples: [
      "backup delete 2026-03-15T14-30-00_manual",
      "backup delete latest --yes",
      "backup delete 2026-03-15T14-30-00_manual.tar.gz --yes",
    ],
  };
  return makeCommand("delete", about, runner, async ({ io, instance, args, options }) => {
    const { findRemovable, remove } = await import("../operations/index.ts");
    const opened = await instance();
    const { id, name, damage } = await findRemovable(opened, String(args[0]));
    if (damage !== null) io.remark(`${name} is damaged: ${damage}`);
    await confirm(io, `Delete backup ${name}?`, options["yes"] as boolean | undefined);
    await remove(opened, name, { force: options["force"] === true });
    io.document({ schema: "holdfast.removed/1", id, damage });
    io.print(`Deleted ${name}. It lies in the vault's trash until the next prune; until then: holdfast backup undelete ${id}`);
    return 0;
  })
    .argument("<id>", ID)
    .option("--force", "also when it is pinned, protected, or the last one")
    .option("-y, --yes", "do not ask");
}

export function undeleteCommand(runner: Runner): Command {
  const about = { summary: "bring a deleted backup back from the trash", examples: ["backup undelete 2026-03-15T14-30-00_manual"] };
  return makeCommand("undelete", about, runner, async ({ io, instance, args }) => {
    const { undelete } = await import("../operations/index.ts");
    const id = await undelete(await instance(), String(args[0]));
    io.document({ schema: "holdfast.undeleted/1", id });
    io.print(`Brought back ${id}`);
    return 0;
  }).argument("<id>", "id, or a unique prefix of one");
}

export function pinCommand(runner: Runner): Command {
  const about = { summary: "keep a backup until it is unpinned", examples: ['backup pin latest --note "before the upgrade"'] };
  return makeCommand("pin", about, runner, async ({ io, instance, args, options }) => {
    const { pin } = await import("../operations/index.ts");
    const { id } = await pin(await instance(), String(args[0]), options["note"] as string | undefined);
    io.document({ schema: "holdfast.pinned/1", id, pinned: true });
    io.print(`Pinned ${id}`);
    return 0;
  })
    .argument("<id>", ID)
    .option("--note <text>", "why");
}

export function unpinCommand(runner: Runner): Command {
  const about = { summary: "let go of a pinned backup", examples: ["backup unpin latest"] };
  return makeCommand("unpin", about, runner, async ({ io, instance, args }) => {
    const { unpin } = await import("../operations/index.ts");
    const { id } = await unpin(await instance(), String(args[0]));
    io.document({ schema: "holdfast.pinned/1", id, pinned: false });
    io.print(`Unpinned ${id}`);
    return 0;
  }).argument("<id>", ID);
}
