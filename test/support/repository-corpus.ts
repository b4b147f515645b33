import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { openKeys } from "../../src/repository/keys/open-keys.ts";
import { rotateKeys } from "../../src/repository/keys/rotate-keys.ts";
import {
  formatKeyFile,
  formatRecoveryCode,
  generateKeyFile,
  generateRecoveryCode,
  parsePassphrase,
  type Secret,
} from "../../src/repository/keys/secret.ts";
import { readBackupFile } from "../../src/repository/manifest/backup-file.ts";
import { FrameCache } from "../../src/repository/pack/frame-cache.ts";
import { decodeRoots } from "../../src/repository/tree/roots.ts";
import { readStoredEntries } from "../../src/repository/tree/tree-reader.ts";
import type { BackupId } from "../../src/vault/index.ts";
import { copyOf, CORPUS_CLOCK, failing, takeCorpusBackup, treeOf } from "./corpus-backup.ts";
import { makeHostileTree } from "./hostile-tree.ts";
import { writeTree } from "./write-tree.ts";

/** A vault in repository form, made by the library from real files. */
export interface CorpusVault {
  readonly name: string;
  readonly path: string;
  /** The ways in which it opens, each with how tools/rescue.mjs is told of it, and the backups that it opens. */
  readonly openings: readonly { readonly secret: Secret; readonly argv: readonly string[]; readonly ids: readonly BackupId[] }[];
  readonly ids: readonly BackupId[];
  open(secret?: Secret): Promise<LocalVault>;
}

const CONTRACT = { name: "contract" };

/** @param folder empty; holds the vault, its cache, what is protected, and files of keys */
async function corpusVault(
  folder: string,
  name: string,
  fill: (vault: LocalVault, state: string) => Promise<readonly BackupId[]>,
): Promise<CorpusVault> {
  const path = join(folder, name, "vault");
  const state = join(folder, name, "state");
  mkdirSync(state, { recursive: true });
  const open = openingOf(path);
  await using vault = await open();
  const ids = await fill(vault, state);
  return { name, path, ids, open, openings: [{ secret: { kind: "none" }, argv: [], ids }] };
}

function openingOf(path: string): CorpusVault["open"] {
  return async (secret = { kind: "none" }) =>
    await openRepositoryVault({
      path,
      instance: CONTRACT,
      secrets: [secret],
      cacheFolder: `${path}.cache`,
      create: true,
      clock: CORPUS_CLOCK,
    });
}

/** Everything that a tree may hold, and files that grow, change in the middle, go and come back. */
function filesVault(folder: string): Promise<CorpusVault> {
  return corpusVault(folder, "files", async (vault, state) => {
    const tree = { memory: treeOf(state) };
    makeHostileTree(state);
    const large = randomBytes(6_000_000);
    writeFileSync(join(state, "grows"), large.subarray(0, 3_000_000));
    writeFileSync(join(state, "zeros"), Buffer.alloc(2_000_000));
    const ids = [await takeCorpusBackup(vault, 1, tree)];
    writeFileSync(join(state, "grows"), large);
    chmodSync(join(state, "empty-file"), 0o600);
    rmSync(join(state, "zeros"));
    writeTree(
      state,
      Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`many/${index}.md`, `note ${index}\n`.repeat(index % 40)])),
    );
    ids.push(await takeCorpusBackup(vault, 2, tree));
    large.fill("changed", 2_000_000, 2_100_000);
    writeFileSync(join(state, "grows"), large.subarray(1000));
    rmSync(join(state, "many", "7.md"));
    symlinkSync("../grows", join(state, "many", "7.md"));
    linkSync(join(state, "grows"), join(state, "many", "grows too"));
    utimesSync(join(state, "many"), 1_234_567_890.5, 1_234_567_890.5);
    ids.push(await takeCorpusBackup(vault, 3, tree));
    return ids;
  });
}

/** A database of two base blocks that changes a little in each of many backups, then grows and shrinks. */
function databaseVault(folder: string): Promise<CorpusVault> {
  return corpusVault(folder, "database", async (vault, state) => {
    const path = join(state, "state.db");
    const change = (sql: string): void => {
      using database = new DatabaseSync(path);
      database.exec(sql);
    };
    change(`PRAGMA page_size = 512; CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT);
      WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 17000) INSERT INTO note SELECT id, hex(randomblob(200)) FROM n`);
    const ids: BackupId[] = [];
    for (let number = 1; number <= 9; number += 1) {
      ids.push(await takeCorpusBackup(vault, number, { persistence: { ...copyOf(path, { database: true }), storedAs: "data/state.db" } }));
      change(`UPDATE note SET text = hex(randomblob(200)) WHERE id % 3000 = ${number}; INSERT INTO note (text) VALUES ('${number}')`);
      if (number === 4) change("INSERT INTO note SELECT NULL, text FROM note LIMIT 900");
      if (number === 7) change("DELETE FROM note WHERE id > 9000; VACUUM");
    }
    return ids;
  });
}

/** Several components: one fails in between, one comes later, one is empty. */
function componentsVault(folder: string): Promise<CorpusVault> {
  return corpusVault(folder, "components", async (vault, state) => {
    writeTree(state, { "memory/a.md": "alpha", "memory/deep/b.md": "beta", "company.yaml": "name: Acme\n" });
    mkdirSync(join(state, "empty"));
    const memory = treeOf(join(state, "memory"));
    const config = { ...copyOf(join(state, "company.yaml"), { database: false }), storedAs: "config/company.yaml" };
    const ids = [await takeCorpusBackup(vault, 1, { memory, config })];
    appendFileSync(join(state, "memory", "a.md"), " and more");
    ids.push(await takeCorpusBackup(vault, 2, { memory: failing(memory), config }));
    appendFileSync(join(state, "company.yaml"), "# changed\n");
    ids.push(await takeCorpusBackup(vault, 3, { memory, config, notes: treeOf(join(state, "empty")) }));
    ids.push(await takeCorpusBackup(vault, 4, { config }));
    return ids;
  });
}

/** Opens with a key file, a passphrase and a recovery code; after a rotation with the key file and a new recovery code. */
async function keysVault(folder: string): Promise<CorpusVault> {
  const path = join(folder, "keys", "vault");
  const state = join(folder, "keys", "state");
  writeTree(state, { "secret.md": "first", "large.bin": randomBytes(500_000) });
  const file = generateKeyFile("key");
  const [first, second] = [generateRecoveryCode(), generateRecoveryCode()];
  const passphrase = parsePassphrase("K\u00E4se und Brot\n", "passphrase");
  const sheets = {
    key: formatKeyFile(file),
    passphrase: "Ka\u0308se und Brot\r\n",
    first: `${formatRecoveryCode(first).toLowerCase().replaceAll("-", " ")}\n`,
    second: formatRecoveryCode(second),
  };
  writeTree(join(folder, "keys"), sheets);
  const argv = (option: string, sheet: keyof typeof sheets): string[] => [option, join(folder, "keys", sheet)];
  const open = openingOf(path);
  let id: string;
  const ids: BackupId[] = [];
  {
    await using vault = await openRepositoryVault({
      path,
      instance: CONTRACT,
      secrets: [file, passphrase, first],
      cacheFolder: `${path}.cache`,
      create: true,
      clock: CORPUS_CLOCK,
    });
    ({ id } = vault.identity);
    ids.push(await takeCorpusBackup(vault, 1, { memory: treeOf(state) }));
  }
  rotateKeys(path, id, openKeys(path, id, [file]), [file, second], CORPUS_CLOCK);
  {
    await using vault = await open(file);
    appendFileSync(join(state, "secret.md"), ", then second");
    ids.push(await takeCorpusBackup(vault, 2, { memory: treeOf(state) }));
  }
  rotateKeys(path, id, openKeys(path, id, [file]), [file, second], CORPUS_CLOCK);
  {
    await using vault = await open(second);
    ids.push(await takeCorpusBackup(vault, 3, { memory: treeOf(state) }));
  }
  const openings = [
    { secret: file, argv: argv("--key-file", "key"), ids },
    { secret: second, argv: argv("--recovery-code-file", "second"), ids: ids.slice(2) },
    { secret: first, argv: argv("--recovery-code-file", "first"), ids: ids.slice(0, 1) },
    { secret: passphrase, argv: argv("--passphrase-file", "passphrase"), ids: ids.slice(0, 1) },
  ];
  return { name: "keys", path, ids, open: (secret = file) => open(secret), openings };
}

/** By name, each made when it is asked for. */
export const CORPUS: Readonly<Record<string, (folder: string) => Promise<CorpusVault>>> = {
  files: filesVault,
  database: databaseVault,
  components: componentsVault,
  keys: keysVault,
};

/** A small vault with two backups of a database and of small files and a large one; the second adds `memory/late.md`. */
export async function smallVault(folder: string, secret: Secret = { kind: "none" }): Promise<CorpusVault> {
  const path = join(folder, "vault");
  const state = join(folder, "state");
  const sheet = join(folder, "small.key");
  if (secret.kind === "file") writeFileSync(sheet, formatKeyFile(secret));
  writeTree(state, { "memory/a.md": "alpha", "memory/b.md": "beta", "memory/large.bin": randomBytes(700_000) });
  {
    using database = new DatabaseSync(join(state, "state.db"));
    database.exec("CREATE TABLE note (text TEXT); INSERT INTO note VALUES (hex(randomblob(5000)))");
  }
  const open: CorpusVault["open"] = (other = secret) => openingOf(path)(other);
  await using vault = await open();
  const components = { memory: treeOf(join(state, "memory")), persistence: copyOf(join(state, "state.db"), { database: true }) };
  const ids = [await takeCorpusBackup(vault, 1, components)];
  writeFileSync(join(state, "memory", "late.md"), "late");
  ids.push(await takeCorpusBackup(vault, 2, components));
  return { name: "small", path, ids, open, openings: [{ secret, argv: secret.kind === "file" ? ["--key-file", sheet] : [], ids }] };
}

/** What there is in the trees of a vault: whoever compares two readers of it knows by this that there was something to compare. */
export function shapesIn({ path, openings, ids }: CorpusVault): ReadonlySet<string> {
  const { id: vault } = JSON.parse(readFileSync(join(path, ".vault", "vault.json"), "utf8")) as { id: string };
  const keys = openKeys(path, vault, openings[0] === undefined ? [] : [openings[0].secret]);
  const shapes = new Set<string>();
  for (const id of ids) {
    const { packs, roots } = readBackupFile(join(path, `${id}.backup`), keys, ["packs", "roots"]);
    using frames = new FrameCache({ folder: path, packs, keys, budget: 8 * 1024 * 1024 });
    for (const { root } of decodeRoots(roots)) {
      for (const { entry, content } of readStoredEntries(frames, root)) {
        shapes.add(entry.type).add(content.kind);
        if (entry.hard_link !== undefined) shapes.add("hard link");
        if (entry.sparse === true) shapes.add("sparse");
        if (content.kind !== "pages") continue;
        if (content.map.blocks.length > 1) shapes.add("blocks");
        if (content.map.layers.length > 1) shapes.add("layers");
        if (content.map.layers.length === 0) shapes.add("no layers");
      }
    }
  }
  return shapes;
}
