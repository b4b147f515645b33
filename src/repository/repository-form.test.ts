import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { memoryReading, readAll, storeAll, vaultContract, type VaultHarness } from "../testing/index.ts";
import { openRepositoryVault } from "./index.ts";

const VAULT_PROCESS: string = new URL("../../test/support/vault-process.ts", import.meta.url).pathname;

function harness(): VaultHarness {
  const folder = temporaryFolder();
  const path = folder.join("vault");
  return {
    open: async () =>
      await openRepositoryVault({
        path,
        instance: { name: "contract" },
        secrets: [{ kind: "none" }],
        cacheFolder: folder.join("cache"),
        create: true,
      }),
    takeAway: (id) => Promise.resolve(rmSync(join(path, `${id}.backup`))),
    damage: () => {
      // The largest pack holds the content; its middle lies in a frame.
      const packs = readdirSync(join(path, "packs"), { recursive: true, withFileTypes: true })
        .filter((found) => found.isFile())
        .map((found) => join(found.parentPath, found.name))
        .toSorted((one, other) => statSync(other).size - statSync(one).size);
      flipByte(packs[0] ?? "", 60);
      return Promise.resolve();
    },
    killWriter: async () => {
      const child = spawn(process.execPath, [VAULT_PROCESS, path, "repository", "hang"], { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      await once(child, "close");
    },
    [Symbol.asyncDispose]: () => Promise.resolve(folder[Symbol.dispose]()),
  };
}

function flipByte(path: string, position: number): void {
  const descriptor = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, position);
  closeSync(descriptor);
}

describe("a repository as a vault", () => {
  vaultContract({ describe, it }, "repository vault", () => Promise.resolve(harness()));

  it("reads back what was stored in another order than the manifest names it in", async () => {
    await using under = harness();
    await using vault = await under.open();
    await using draft = await vault.begin({ trigger: "manual", time: 0 });
    const readings = { second: memoryReading({ b: "2" }), first: memoryReading({ a: "1" }) };
    const body = await storeAll(draft, readings, { time: 0, trigger: "manual" });
    const { id } = await draft.commit({ ...body, components: ["first", "second"] });
    expect(Object.keys(await readAll(vault, id))).toEqual(["second/.", "second/b", "first/.", "first/a"]);
    await using reader = await vault.open(id);
    expect(await reader.prove?.()).toEqual({ entries: 4, bytes: 2 });
  });

  it("keeps the entries of a tree that has few for behind the others, whose entries nobody keeps", async () => {
    await using under = harness();
    await using vault = await under.open();
    await using draft = await vault.begin({ trigger: "manual", time: 0 });
    const store = draft.store.bind(draft);
    draft.store = async (request) => await store({ ...request, few: request.component === "logs" });
    const readings = { logs: memoryReading({ b: "2" }), notes: memoryReading({ a: "1" }) };
    const { id } = await draft.commit(await storeAll(draft, readings, { time: 0, trigger: "manual" }));
    expect(Object.keys(await readAll(vault, id))).toEqual(["notes/.", "notes/a", "logs/.", "logs/b"]);
  });
});
