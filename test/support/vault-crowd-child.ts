/**
 * One of those who use a vault in repository form at the same time, until it is killed. Arguments: a folder for all of them,
 * what it does, and a seed. It says what it is about to do and what it has done, a line of JSON each.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { BusyError, NotFoundError } from "../../src/kernel/index.ts";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { storeAll } from "../../src/testing/index.ts";
import type { BackupId } from "../../src/vault/index.ts";
import { seededRandom } from "./seeded-random.ts";
import { SimulatedState } from "./simulated-state.ts";

const [folder = "", role = "", seed = "0"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const PAGES = 60;
/** Of the newest so many are never removed. */
const NEVER = 3;
/** What waits for the lock waits so long. Milliseconds. */
const WAIT = 20_000;

function say(line: Readonly<Record<string, unknown>>): void {
  writeFileSync(1, `${JSON.stringify(line)}\n`);
}

async function open(): Promise<LocalVault> {
  return await openRepositoryVault({
    path: join(folder, "vault"),
    instance: { name: "contract" },
    secrets: [{ kind: "none" }],
    cacheFolder: join(folder, "cache"),
    create: false,
    sizes: { full: 200_000, small: 60_000 },
  });
}

async function write(vault: LocalVault, state: SimulatedState): Promise<void> {
  state.change();
  if (random() < 0.05) state.rewrite();
  const time = Date.now();
  await using draft = await vault.begin({ trigger: "manual", time, wait: WAIT });
  // What it must hold is written down before it can be there.
  writeFileSync(join(folder, "models", `${draft.id}.json`), JSON.stringify([...state.hashes()]));
  say({ begun: draft.id });
  draft.known?.(role);
  const body = await storeAll(draft, { [role]: state.reading() }, { time, trigger: "manual" });
  say({ stored: draft.id });
  const { id } = await draft.commit(body);
  say({ committed: id });
}

async function read(vault: LocalVault): Promise<void> {
  const { backups, damaged, chain } = await vault.list();
  if (damaged.length + chain.length > 0) throw new Error(`The listing tells of ${JSON.stringify([damaged, chain])}`);
  const id = backups[Math.floor(random() * backups.length)]?.id;
  if (id === undefined) return;
  say({ reading: id });
  await using reader = await vault.open(id);
  const found = new Map<string, string>();
  for await (const { entry, content } of reader.read()) {
    if (content === undefined) continue;
    const hash = createHash("sha256");
    for await (const piece of content) hash.update(piece);
    found.set(entry.path, hash.digest("hex"));
  }
  const model = JSON.parse(readFileSync(join(folder, "models", `${id}.json`), "utf8")) as [string, string][];
  const wrong = model.filter(([path, hash]) => found.get(path) !== hash).map(([path]) => path);
  if (wrong.length > 0 || found.size !== model.length) throw new Error(`Backup ${id} differs in ${wrong.join(", ")}`);
  say({ read: id });
}

async function prune(vault: LocalVault): Promise<void> {
  const { backups } = await vault.list();
  const going: BackupId[] = backups.slice(NEVER).flatMap(({ id }) => (random() < 0.4 ? [id] : []));
  say({ removing: going });
  if (going.length > 0) await vault.remove(going, "test", Date.now());
  say({ removed: going });
  say({ swept: (await vault.sweepTrash()).length });
}

const states = join(folder, `state-${role}-${seed}`);
const state = role.startsWith("writer") ? new SimulatedState(states, PAGES, Number(seed)) : undefined;
for (;;) {
  try {
    await using vault = await open();
    if (state !== undefined) await write(vault, state);
    else if (role === "reader") await read(vault);
    else await prune(vault);
  } catch (error) {
    if (!(error instanceof BusyError) && !(error instanceof NotFoundError && error.code === "BACKUP_NOT_FOUND")) {
      say({ wrong: String((error as Error).stack) });
      process.exit(1);
    }
    // Somebody else is at work: it is their turn.
    await setTimeout(5);
  }
}
