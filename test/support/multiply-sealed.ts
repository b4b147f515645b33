import { createHash, randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openKeys } from "../../src/repository/keys/open-keys.ts";
import type { Secret } from "../../src/repository/index.ts";
import { readBackupFile, writeBackupFile } from "../../src/repository/manifest/backup-file.ts";
import { PackTable, type TableEntry } from "../../src/repository/manifest/pack-table.ts";
import { packIdOf } from "../../src/repository/pack/locator.ts";
import { packPath } from "../../src/repository/pack/pack-place.ts";
import { makeBackupId, type Manifest } from "../../src/vault/index.ts";

const DAY = 86_400_000;
const PACK_BYTES = 16 * 1024 * 1024;

export interface ManyBackups {
  readonly count: number;
  /** Packs of each backup: a third stay for ever, the others go one after another as newer ones come. */
  readonly packs: number;
  /** New packs of each. */
  readonly fresh: number;
}

/**
 * Makes of a vault in repository form with one backup one with many: one a day until now, in an unbroken chain, sealed as
 * in life. Their packs are there under their names, and hold nothing.
 *
 * @param secrets any that open the vault
 * @returns how many packs there are
 */
export function multiplySealed(vault: string, secrets: readonly Secret[], { count, packs, fresh }: ManyBackups): number {
  const origin = readdirSync(vault).find((name) => name.endsWith(".backup")) ?? "";
  const identity = (JSON.parse(readFileSync(join(vault, ".vault", "vault.json"), "utf8")) as { id: string }).id;
  const keys = openKeys(vault, identity, secrets);
  const { manifest: bytes, packs: own, roots } = readBackupFile(join(vault, origin), keys, ["manifest", "packs", "roots"]);
  const before = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
  const stays = Math.floor(packs / 3);
  const all = Array.from({ length: stays + (packs - stays) + (count - 1) * fresh }, () => makePack(vault));
  const now = Date.now();
  let previous: Manifest["previous"] = null;
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const time = now - (count - sequence) * DAY;
    const id = makeBackupId(time, "scheduled");
    const timestamp = `${new Date(time).toISOString().slice(0, 19)}Z`;
    const from = stays + (sequence - 1) * fresh;
    const named = [...all.slice(0, stays), ...all.slice(from, from + packs - stays)];
    const document: Manifest = { ...before, id, trigger: "scheduled", sequence, previous, timestamp, finished_at: timestamp };
    const manifest = Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
    writeBackupFile(join(vault, `${id}.backup`), keys.newest, { manifest, packs: PackTable.of([...own.entries, ...named]), roots });
    previous = { sequence, sha256: createHash("sha256").update(manifest).digest("hex") };
  }
  writeFileSync(join(vault, ".vault", "newest.json"), `${JSON.stringify({ sequence: count })}\n`, { mode: 0o600 });
  rmSync(join(vault, origin));
  return all.length;
}

function makePack(vault: string): TableEntry {
  const name = randomBytes(32).toString("hex");
  const path = packPath(vault, name);
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  const descriptor = openSync(path, "wx", 0o600);
  ftruncateSync(descriptor, PACK_BYTES);
  closeSync(descriptor);
  return { id: packIdOf(randomBytes(8)), name, length: PACK_BYTES, raw: 2 * PACK_BYTES, used: PACK_BYTES };
}
