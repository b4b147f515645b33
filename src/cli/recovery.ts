import { formatBytes } from "../kernel/index.ts";
import type { Recovery } from "../operations/index.ts";
import { goodForAll } from "../vault/index.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";

/** More lines than this of one sort are summed up; --json has all. */
const SHOWN = 10;

/** What a vault holds and what comes back from it, for people. */
export function printRecovery(io: Io, recovery: Recovery): void {
  const { bold, dim, red, yellow, green } = io.paint;
  const { listing, owner } = recovery;
  const count = listing.backups.length;
  printLocked(io, recovery);
  io.print(`${bold(owner.instance)}: ${count === 1 ? "1 backup" : `${count} backups`} in ${recovery.vault}`);
  const rows = listing.backups.slice(0, SHOWN).map(({ id, manifest, marks }) => {
    const verdict = marks.verified === undefined ? "captured" : marks.verified.ok ? "verified" : "DAMAGED";
    return [id, formatBytes(manifest.size_bytes), goodForAll(manifest) ? verdict : `${verdict}, partial`];
  });
  io.print(table(["ID", "SIZE", "VERDICT"], rows, [1]));
  if (count > SHOWN) io.print(dim(`… and ${count - SHOWN} older`));
  for (const line of recovery.damage) io.print(`${red("damaged")} ${printable(line)}`);
  for (const name of listing.foreign) io.print(dim(`not a backup, left alone: ${printable(name)}`));
  io.print();
  io.print(`Configuration from ${recovery.configFrom} to ${bold(printable(recovery.file))}`);
  for (const { key, before, after } of recovery.changes) {
    if (before !== null) io.print(red(`- ${key}: ${printable(before)}`));
    io.print(green(`+ ${key}: ${printable(after)}`));
  }
  for (const { key, argv } of recovery.programs) io.print(dim(`runs  ${key}: ${printable(argv.join(" "))}`));
  for (const { key, path } of recovery.lost)
    io.print(yellow(`! ${key}: the folder above "${printable(path)}" is not on this machine; when it belongs elsewhere: --map OLD=NEW`));
  if (recovery.components.length === 0) return;
  io.print();
  const parts = recovery.components.map(({ component, backup, takenAt, bytes }) => [
    component,
    backup ?? "none",
    takenAt ?? "-",
    bytes === null ? "-" : formatBytes(bytes),
  ]);
  io.print(table(["COMPONENT", "FROM", "TAKEN", "SIZE"], parts, [3]));
  for (const { component, remark } of recovery.components) if (remark !== null) io.print(yellow(`! ${component}: ${printable(remark)}`));
}

/** Before anything else: a plan out of older backups must not pass for one out of the newest. */
function printLocked(io: Io, { locked }: Recovery): void {
  if (locked === null) return;
  const many = locked.backups.length > 1;
  const reach = locked.opens === null ? "older backups alone" : `what is sealed with keys of epoch ${locked.opens} and older`;
  io.print(
    io.paint.yellow(
      `! What was given opens ${reach}. ${many ? `${locked.backups.length} newer backups were` : "1 newer backup was"} sealed after a rotation of keys, and ${many ? "are" : "is"} not used here: for ${many ? "them" : "it"}, give a key that is in use today, or the recovery code that was printed at the last rotation`,
    ),
  );
  for (const name of locked.backups.slice(0, SHOWN)) io.print(io.paint.dim(`  ${printable(name)}`));
  if (locked.backups.length > SHOWN) io.print(io.paint.dim(`  … and ${locked.backups.length - SHOWN} more`));
  io.print();
}

/** Which key every later command will look for. */
export function printKeyWanted(io: Io, { key, file }: Recovery): void {
  if (key === undefined) return;
  const { names, problem } = key;
  io.print(`\n${printable(file)} wants ${key.key}: ${printable(names)}`);
  if (problem === null) return;
  io.print(io.paint.yellow(`! ${printable(problem)}`));
  if (key.key !== "backup.encryption.key_file") return;
  io.print("  Bring that file back from its copy; or make a new one, let it open the vault, and name it there:");
  io.print(`  holdfast --config ${printable(file)} key generate --output NEW.key`);
  io.print(`  holdfast --config ${printable(file)} key add --key-file NEW.key --unlock-recovery-code-file -`);
}

/** The same for programs. */
export function recoveryDocument(recovery: Recovery): Record<string, unknown> {
  const { vault, owner, listing, locked, damage, configFrom, file, alreadyThere, changes, components, lost, programs, key } = recovery;
  return {
    schema: "holdfast.recovered/1",
    vault,
    instance: owner.instance,
    backups: listing.backups.map(({ id }) => id),
    locked: locked === null ? null : { backups: locked.backups, opens_epoch: locked.opens },
    damage,
    foreign: listing.foreign,
    config: { from: configFrom, file, already_there: alreadyThere, changes, lost, programs, key: key ?? null },
    components: components.map(({ component, backup, takenAt, bytes, remark }) => ({
      component,
      backup,
      taken_at: takenAt,
      bytes,
      remark,
    })),
  };
}
