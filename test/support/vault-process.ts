/**
 * One change of a vault in a process of its own, to be killed at a crashpoint (HOLDFAST_CRASHPOINT) or, with
 * "hang", in the middle of a backup. Arguments: vault folder, "tar.gz", "directory" or "repository", action, and what the action needs.
 */
import { setTimeout } from "node:timers/promises";
import { ARCHIVE_FORMS, exportBackup, importArchive, openArchiveVault } from "../../src/archive/index.ts";
import { adoptVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { memoryReading, storeAll, takeBackupOf } from "../../src/testing/index.ts";
import { toBackupId } from "../../src/vault/index.ts";

const [path = "", form, action, ...rest] = process.argv.slice(2);
const TIME = Date.parse("2026-03-15T14:30:00Z");
const [argument = ""] = rest;

const instance = { name: "contract" };
await using vault =
  form === "repository"
    ? await openRepositoryVault({ path, instance, secrets: [{ kind: "none" }], cacheFolder: `${path}.cache`, create: true })
    : await openArchiveVault({ path, instance, compression: form === "tar.gz", create: true });
switch (action) {
  case "create":
    break;
  case "backup":
    await takeBackupOf(vault, { a: "alpha", b: "x".repeat(3_000_000) }, TIME);
    break;
  case "hang": {
    await using draft = await vault.begin({ trigger: "manual", time: TIME });
    await storeAll(draft, { memory: memoryReading({ a: "alpha", b: "x".repeat(5_000_000) }) }, { time: TIME, trigger: "manual" });
    console.log("stored");
    await setTimeout(600_000);
    break;
  }
  case "remove":
    await vault.remove([toBackupId(argument)], "test", TIME);
    break;
  case "sweep":
    await vault.sweepTrash();
    break;
  case "undelete":
    await vault.undelete(toBackupId(argument), TIME);
    break;
  case "pin":
    await vault.setMark(toBackupId(argument), "pin", { at: new Date(TIME).toISOString() });
    break;
  case "export":
    await exportBackup(vault, toBackupId(argument), rest[1] ?? "");
    break;
  case "import":
    await importArchive(vault, argument);
    break;
  case "adopt":
    await adoptVault(path, { instance: { name: argument }, forms: ARCHIVE_FORMS });
    break;
  default:
    throw new Error(`Unknown action ${action}`);
}
console.log("done");
