import type { KeyCheckReport, NewCode, SlotFacts } from "../operations/index.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";

const OPENS = {
  all: "The key opens the vault, every backup in it",
  older: "The key opens only older backups: it was left behind by a rotation, and nothing is written with it",
  nothing: "The key does not open the vault",
} as const;

/** What opens what, epoch by epoch. */
export function printCheck(io: Io, { vault, epochs, useless, opens }: KeyCheckReport): void {
  const { bold, dim, green, red } = io.paint;
  io.print(`${(opens === "all" ? green : red)(opens === "all" ? "ok" : "NO")}  ${OPENS[opens]}`);
  io.print(dim(`    ${printable(vault)}`));
  for (const name of useless) io.print(`    ${printable(name)} opens nothing here`);
  for (const [index, { epoch, open, slots, problem }] of epochs.entries()) {
    io.print(`\n${bold(`Epoch ${epoch}`)}${index === 0 ? ", in use" : ""}: ${open ? green("open") : "shut"}`);
    if (problem !== undefined) io.print(red(`  ${printable(problem)}${slots.length > 0 ? "; its copy is used" : ""}`));
    if (slots.length === 0) continue;
    const rows = slots.map((slot) => [...cells(slot), slot.opened_by === null ? "-" : "opens"]);
    io.print(table(["SLOT", "KIND", "FINGERPRINT", "LABEL", "MADE", ""], rows));
  }
}

export function printSlots(io: Io, title: string, slots: readonly SlotFacts[]): void {
  if (slots.length === 0) return;
  io.print(`${io.paint.bold(title)}:`);
  io.print(table(["SLOT", "KIND", "FINGERPRINT", "LABEL", "MADE"], slots.map(cells)));
}

function cells({ id, kind, fingerprint, label, created_at: made }: SlotFacts): string[] {
  return [id, kind, fingerprint ?? "-", label, made.slice(0, 10)];
}

/** The one time that the code is seen, unless it went to a sheet. */
export function printNewCode(io: Io, { code, fingerprint }: Pick<NewCode, "code" | "fingerprint">, sheet: string | undefined): void {
  if (sheet !== undefined) {
    io.print(`\nThe new recovery code (${fingerprint}) is on ${printable(sheet)}`);
    io.print("Print it, keep it where neither this machine nor the backups are, and delete the file");
    return;
  }
  io.print(`\nRecovery code, fingerprint ${fingerprint}, shown this once and stored nowhere:\n\n    ${io.paint.bold(code)}\n`);
  io.print("Write it down now, and keep it where neither this machine nor the backups are");
}

/** Everything about a code but the code. */
export function newCodeDocument({ fingerprint, slot }: NewCode, sheet: string | undefined): Record<string, unknown> {
  return { fingerprint, slot, sheet: sheet ?? null };
}
