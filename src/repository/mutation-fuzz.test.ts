import { createHash } from "node:crypto";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FORGED_ID, forgeRepository, type ForgedEntry, type ForgeOptions } from "../../test/support/forge-repository.ts";
import { mutations } from "../../test/support/mutations.ts";
import { smallVault } from "../../test/support/repository-corpus.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { HoldfastError } from "../kernel/index.ts";
import { toBackupId, type BackupId } from "../vault/index.ts";
import { openRepositoryVault } from "./index.ts";
import { generateKeyFile, type Secret } from "./keys/secret.ts";

interface ReadRequest {
  readonly path: string;
  readonly secret: Secret;
  readonly instance: string;
  readonly ids: readonly BackupId[];
}

/** Every place of some backups with the SHA-256 of its bytes; what a backup cannot be read for, in its place. */
async function readBack({ path, secret, instance, ids }: ReadRequest): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const attempt = async (what: string, read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      expect(error.code, String(error)).not.toBe("INTERNAL");
      found[what] = error.code;
    }
  };
  await attempt("vault", async () => {
    const options = { path, instance: { name: instance }, secrets: [secret], cacheFolder: `${path}.cache`, create: false };
    await using vault = await openRepositoryVault(options);
    for (const id of ids) {
      await attempt(id, async () => {
        await using reader = await vault.open(id);
        for await (const { entry, content } of reader.read()) {
          const hash = createHash("sha256");
          for await (const piece of content ?? []) hash.update(piece);
          found[`${id}/${entry.component}/${entry.path}`] = `${entry.mode} ${entry.target ?? hash.digest("hex")}`;
        }
      });
    }
  });
  return found;
}

/** What was read is what was stored, as far as it was read; a backup of which no failure is told was read whole. */
function compare(found: Readonly<Record<string, string>>, stored: Readonly<Record<string, string>>, ids: readonly BackupId[]): boolean {
  const failed = ids.filter((id) => found[id] !== undefined || found["vault"] !== undefined);
  // The content that is damaged was given to its end before it was known to be.
  const read = Object.entries(found).filter(([place, seen]) => place.includes("/") && stored[place] !== seen);
  expect(read).toEqual([]);
  for (const place of Object.keys(stored)) if (!failed.some((id) => place.startsWith(`${id}/`))) expect(found).toHaveProperty([place]);
  return failed.length > 0;
}

describe("a mutated vault in repository form", () => {
  it("gives what was stored or a HoldfastError, whichever bytes of a pack, a manifest or a key document change", async () => {
    using folder = temporaryFolder();
    const secret = generateKeyFile("key");
    const { path, ids } = await smallVault(folder.path, secret);
    // The copy of the keys would stand in for them.
    rmSync(`${path}/.vault/keys`, { recursive: true });
    const request = { path, secret, instance: "contract", ids };
    const stored = await readBack(request);
    expect(Object.keys(stored).length).toBeGreaterThan(8);
    const files = ["packs/??/*", "*.backup", "keys/*.json"].map((pattern) => globSync(`${path}/${pattern}`).toSorted());
    const failures = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.nat(), mutations, async (kind, number, mutate) => {
        const file = files[kind]![number % files[kind]!.length]!;
        const sound = readFileSync(file);
        try {
          writeFileSync(file, mutate(sound));
          if (compare(await readBack(request), stored, ids)) failures[kind]! += 1;
        } finally {
          writeFileSync(file, sound);
        }
      }),
      { numRuns: 180 },
    );
    expect(Math.min(...failures)).toBeGreaterThan(20);
    expect(await readBack(request)).toEqual(stored);
  });

  it("gives what was stored or a HoldfastError, whatever was sealed by somebody who has the key", async () => {
    using folder = temporaryFolder();
    const path = folder.join("vault");
    const ids = [toBackupId(FORGED_ID)];
    const request = { path, secret: { kind: "none" }, instance: "forged", ids } as const;
    const entries: readonly ForgedEntry[] = [
      { path: ".", type: "directory", mode: 0o755 },
      { path: "a", text: "alpha", user: "x", group: "y" },
      { path: "deep/b", text: "beta", uid: 7 },
      { path: "link", type: "symlink", target: "a" },
      { path: "same", hard_link: "a" },
    ];
    const forge = (options: ForgeOptions): void => {
      rmSync(path, { recursive: true, force: true });
      forgeRepository(path, entries, options);
    };
    forge({});
    const stored = await readBack(request);
    expect(Object.keys(stored)).toHaveLength(entries.length);
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("manifest", "packs", "roots", "run", "index"),
        mutations.filter((mutate) => mutate(Buffer.from("something")).length > 0),
        async (target, change) => {
          const mutate: ForgeOptions["mutate"] = (bytes, what) => {
            const changed = what === target ? change(bytes) : bytes;
            return changed.length === 0 ? bytes : changed;
          };
          forge({ indexed: true, mutate });
          if (compare(await readBack(request), stored, ids)) failures += 1;
        },
      ),
      { numRuns: 120 },
    );
    expect(failures).toBeGreaterThan(60);
  });
});
