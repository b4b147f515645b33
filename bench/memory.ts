import { rmSync } from "node:fs";
import { megabytes, type Row } from "./comparisons.ts";
import { type Command, measure } from "./measure.ts";
import { componentsOf, ownVault } from "./own-vault.ts";
import type { Form, Rig } from "./rig.ts";

export const MEMORY_FORMS = ["repository", "gzip", "plain"] as const;
export type MemoryForm = (typeof MEMORY_FORMS)[number];

const MUST = 300_000_000;

/** The largest resident set of any one process, by command. Runs of their own: looking costs time. */
export async function memory(rig: Rig, forms: readonly MemoryForm[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const form of forms) rows.push(...(form === "repository" ? await ofRepository(rig) : await ofArchive(rig, form)));
  return rows;
}

async function ofArchive(rig: Rig, form: Form): Promise<Row[]> {
  rig.forget(form);
  const restored = rig.place(`restored-${form}`);
  const rows = [
    await look(`${form} backup`, rig.on(form, "backup")),
    await look(`${form} verify`, rig.on(form, "verify", "latest")),
    await look(`${form} restore`, rig.on(form, "restore", "latest", "--to", restored, "--yes")),
  ];
  rmSync(restored, { recursive: true, force: true });
  rig.forget(form);
  return rows;
}

/** The second backup merges what the first one left with what is there, and holds both while it does. */
async function ofRepository(rig: Rig): Promise<Row[]> {
  const own = await ownVault(rig, "memory", componentsOf(rig.workload.root));
  const restored = rig.place("restored-repository");
  const rows = [
    await look("repository backup", own.command("backup")),
    await look("repository backup, nothing changed", own.command("backup")),
    await look("repository verify", own.command("verify", "latest")),
    await look("repository restore", own.command("restore", "latest", "--to", restored, "--yes")),
  ];
  rmSync(restored, { recursive: true, force: true });
  own.forget();
  const pinned = await ownVault(rig, "memory-pinned", componentsOf(rig.workload.root, "pinned"));
  rows.push(await look("repository backup, pinned", pinned.command("backup")));
  pinned.forget();
  return rows;
}

async function look(what: string, command: Command): Promise<Row> {
  const { peak } = await measure(command, { memory: true });
  return { what: `memory: ${what}`, ours: megabytes(peak), peer: "", value: peak, unit: "bytes", must: MUST };
}
