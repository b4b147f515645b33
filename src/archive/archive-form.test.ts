import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { vaultContract, type VaultHarness } from "../testing/index.ts";
import { ARCHIVE_FORMS, openArchiveVault } from "./index.ts";
import { layoutOf } from "../local-vault/index.ts";

const VAULT_PROCESS: string = new URL("../../test/support/vault-process.ts", import.meta.url).pathname;

function harness(form: "tar.gz" | "directory"): VaultHarness {
  const folder = temporaryFolder();
  const path = folder.join("vault");
  const layout = layoutOf(path, ARCHIVE_FORMS);
  return {
    open: async () => await openArchiveVault({ path, instance: { name: "contract" }, compression: form === "tar.gz", create: true }),
    takeAway: (id) => Promise.resolve(rmSync(layout.backup(id, form), { recursive: true })),
    damage: (id) => {
      const top = layout.backup(id, form);
      const file = form === "tar.gz" ? top : join(top, "memory", readdirSync(join(top, "memory")).at(-1) ?? "");
      // In an archive the middle of the last member, which holds the contents.
      const position =
        form === "tar.gz"
          ? readFileSync(file).lastIndexOf(Buffer.from("HF\u0004\u0000", "latin1")) + 60
          : Math.floor(statSync(file).size / 2);
      flipByte(file, position);
      return Promise.resolve();
    },
    killWriter: async () => {
      const child = spawn(process.execPath, [VAULT_PROCESS, path, form, "hang"], { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      await once(child, "close");
    },
    [Symbol.asyncDispose]: () => Promise.resolve(folder[Symbol.dispose]()),
  };
}

function flipByte(file: string, position: number): void {
  const descriptor = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0x40;
  writeSync(descriptor, byte, 0, 1, position);
  closeSync(descriptor);
}

for (const form of ["tar.gz", "directory"] as const) {
  vaultContract({ describe, it }, `archive vault (${form})`, () => Promise.resolve(harness(form)));
}
