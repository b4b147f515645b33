import { randomBytes } from "node:crypto";
import { openInstance } from "../../src/app/index.ts";
import { backup } from "../../src/operations/index.ts";
import type { Manifest } from "../../src/vault/index.ts";
import { createBank, moveMoney } from "./bank.ts";
import { documentOf, makeInstance, type Instance } from "./instance.ts";
import type { StoredFormName } from "./stored-forms.ts";
import { writeTree } from "./write-tree.ts";

export const STATE: string = `  persistence: { path: data/state.db }
  memory: { path: data/memory }
  state: { path: data/state.json }`;

export type Outcome = Awaited<ReturnType<typeof backup>>;

/** The backup that a restore takes of what it replaces. */
export async function salvage({ config, folder }: Instance, signal?: AbortSignal): Promise<Outcome> {
  const instance = openInstance({ config, env: process.env, cwd: folder });
  return await backup(instance, { trigger: "pre-restore", salvage: true, ...(signal === undefined ? {} : { signal }) });
}

/** A state of which one good backup is taken, with a database inside the tree as well. */
export async function sound(folder: string, form: StoredFormName = "directory", components: string = STATE): Promise<Instance> {
  writeTree(folder, { "data/memory/note.md": "# Note\n", "data/state.json": '{"turn":1}\n' });
  for (const path of [`${folder}/data/state.db`, `${folder}/data/memory/index.db`]) {
    using bank = createBank(path);
    for (let n = 0; n < 20; n += 1) moveMoney(bank);
  }
  const instance = makeInstance(folder, components, { form });
  documentOf(await instance.run("backup", "--json"), 0);
  return instance;
}

/** Bytes of sidecars that somebody may still get rows out of. */
export function breakAll(folder: string): Record<string, Buffer> {
  const junk = {
    "data/state.db": Buffer.alloc(20_000, "no header"),
    "data/state.db-wal": randomBytes(5000),
    "data/state.db-shm": randomBytes(100),
    "data/memory/index.db": Buffer.alloc(0),
    "data/memory/index.db-wal": randomBytes(300),
    "data/state.json": Buffer.from('{"turn": 2, "text": "cut of'),
  };
  writeTree(folder, junk);
  return junk;
}

/** What the manifest says of a component. */
export function told({ head }: Outcome, component: string): Manifest["component_details"][string] | undefined {
  return head.manifest.component_details[component];
}
