import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBackupId, type Manifest, type VerifiedMark } from "../src/vault/index.ts";

export const HOUR = 3_600_000;

/** Makes of a vault with one backup one with many: one an hour until now, each verified, in an unbroken chain. Contents are shared. */
export function multiply(vault: string, count: number): void {
  const origin = readdirSync(vault).find((name) => name !== ".vault") ?? "";
  const template = join(vault, ".vault", "template");
  renameSync(join(vault, origin), template);
  const files = readdirSync(template, { recursive: true, withFileTypes: true });
  const places = files.map((found) => ({
    path: join(found.parentPath, found.name).slice(template.length + 1),
    folder: found.isDirectory(),
  }));
  const before = JSON.parse(readFileSync(join(template, "manifest.json"), "utf8")) as Manifest;
  let previous: Manifest["previous"] = null;
  const now = Date.now();
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const time = now - (count - sequence) * HOUR;
    const id = makeBackupId(time, "scheduled");
    const timestamp = `${new Date(time).toISOString().slice(0, 19)}Z`;
    const manifest: Manifest = { ...before, id, trigger: "scheduled", sequence, previous, timestamp, finished_at: timestamp };
    const bytes = `${JSON.stringify(manifest, null, 2)}\n`;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    mkdirSync(join(vault, id), { mode: 0o700 });
    for (const { path, folder } of places) {
      if (folder) mkdirSync(join(vault, id, path), { mode: 0o700 });
      else if (path !== "manifest.json") linkSync(join(template, path), join(vault, id, path));
    }
    writeFileSync(join(vault, id, "manifest.json"), bytes, { mode: 0o600 });
    const mark: VerifiedMark = {
      at: timestamp,
      holdfast_version: before.holdfast_version,
      manifest_sha256: sha256,
      entries: 1,
      bytes: 1,
      ok: true,
    };
    writeFileSync(join(vault, ".vault", "marks", `${id}.verified.json`), `${JSON.stringify(mark, null, 2)}\n`, { mode: 0o600 });
    previous = { sequence, sha256 };
  }
  writeFileSync(join(vault, ".vault", "newest.json"), `${JSON.stringify({ sequence: count })}\n`, { mode: 0o600 });
  rmSync(template, { recursive: true });
  for (const mark of readdirSync(join(vault, ".vault", "marks"))) if (mark.startsWith(origin)) rmSync(join(vault, ".vault", "marks", mark));
}
