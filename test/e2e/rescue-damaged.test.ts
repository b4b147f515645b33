import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeyFile } from "../../src/repository/keys/secret.ts";
import { recordTree, type TreeFacts } from "../support/record-tree.ts";
import { smallVault, type CorpusVault } from "../support/repository-corpus.ts";
import { RESCUE, rescue } from "../support/rescue.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const UNFINISHED = ".holdfast-unfinished-restore";

describe("tools/rescue.mjs of a damaged vault", () => {
  let folder: TemporaryFolder;
  let sound: CorpusVault;
  let key: readonly string[];
  let whole: TreeFacts;

  beforeAll(async () => {
    folder = temporaryFolder();
    const secret = generateKeyFile("key");
    sound = await smallVault(folder.path, secret);
    key = sound.openings[0]!.argv;
    execFileSync(process.execPath, [RESCUE, sound.path, ...key, "restore", "latest", folder.join("whole")]);
    whole = recordTree(folder.join("whole"));
  });
  afterAll(() => folder[Symbol.dispose]());

  const packsIn = (vault: string): string[] =>
    readdirSync(join(vault, "packs"), { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => join(found.parentPath, found.name))
      .toSorted((one, other) => statSync(other).size - statSync(one).size);
  const pack = (vault: string): string => packsIn(vault)[0]!;
  const backup = (vault: string): string => join(vault, `${sound.ids.at(-1)}.backup`);
  const keys = (vault: string): string => join(vault, "keys/1.json");
  const flip = (path: string, position: number): void => {
    const bytes = readFileSync(path);
    const at = position < 0 ? bytes.length + position : position;
    bytes[at] = bytes[at]! ^ 0x10;
    writeFileSync(path, bytes);
  };
  const withoutCopy = (vault: string): void => rmSync(join(vault, ".vault/keys"), { recursive: true });
  const inKeys = (vault: string, change: (document: { slots: Record<string, unknown>[]; previous: string }) => object | void): void => {
    const document = JSON.parse(readFileSync(keys(vault), "utf8")) as Parameters<typeof change>[0];
    writeFileSync(keys(vault), JSON.stringify(change(document) ?? document));
    withoutCopy(vault);
  };

  it.for<readonly [string, (vault: string) => unknown, number, RegExp]>([
    ["a pack flipped in its header", (vault) => flip(pack(vault), 20), 4, /its id is|authenticate/],
    ["a pack of an unknown magic", (vault) => flip(pack(vault), 0), 4, /does not begin as one/],
    ["a pack flipped in its first frame", (vault) => flip(pack(vault), 70), 4, /its part 0 does not authenticate/],
    ["a pack flipped in its directory", (vault) => flip(pack(vault), -12), 4, /its directory does not authenticate/],
    ["a pack without a trailer", (vault) => flip(pack(vault), -1), 4, /its end is gone/],
    ["a pack that is cut off", (vault) => truncateSync(pack(vault), 5000), 4, /has 5000 bytes in place of/],
    ["a pack that grew", (vault) => appendFileSync(pack(vault), "x"), 4, /bytes in place of/],
    ["a pack that is missing", (vault) => rmSync(pack(vault)), 4, /ENOENT/],
    ["a pack in place of another", (vault) => cpSync(packsIn(vault)[1]!, pack(vault)), 4, /bytes in place of/],
    [
      "a pack behind a link",
      (vault) => {
        renameSync(pack(vault), join(vault, "aside"));
        symlinkSync(
          join(vault, "aside"),
          join(dirname(packsIn(sound.path)[0]!).replace(sound.path, vault), packsIn(sound.path)[0]!.slice(-64)),
        );
      },
      4,
      /ELOOP/,
    ],
    ["a manifest flipped in its epoch", (vault) => flip(backup(vault), 8), 4, /the keys of its epoch 17 are not in the vault/],
    ["a manifest flipped in its salt", (vault) => flip(backup(vault), 30), 4, /its part 0 does not authenticate/],
    ["a manifest flipped in a length", (vault) => flip(backup(vault), 50), 4, /cut off/],
    ["a manifest flipped at its end", (vault) => flip(backup(vault), -3), 4, /its part 2 does not authenticate/],
    ["a manifest that is cut off", (vault) => truncateSync(backup(vault), 40), 4, /cut off/],
    ["a manifest that grew", (vault) => appendFileSync(backup(vault), "x"), 4, /bytes are left over/],
    ["a manifest under another name", (vault) => cpSync(join(vault, `${sound.ids[0]}.backup`), backup(vault)), 4, /"id" is not/],
    ["keys that are missing", (vault) => [withoutCopy(vault), rmSync(join(vault, "keys"), { recursive: true })], 4, /has no keys/],
    ["keys that are cut off", (vault) => [withoutCopy(vault), truncateSync(keys(vault), 100)], 4, /not a JSON document/],
    [
      "a wrapped key that was changed",
      (vault) => inKeys(vault, ({ slots }) => void (slots[0]!["id"] = "0123456789abcdef")),
      1,
      /does not open/,
    ],
    [
      "earlier keys that were changed",
      (vault) => inKeys(vault, (document) => ({ ...document, previous: Buffer.alloc(28).toString("base64") })),
      4,
      /the earlier keys in it do not open/,
    ],
    ["an unknown field in the keys", (vault) => inKeys(vault, (document) => ({ ...document, more: 1 })), 4, /an unknown field/],
    [
      "a key that was laid there in the clear",
      (vault) =>
        inKeys(vault, (document) => {
          const { id, label, created_at } = document.slots[0]!;
          return { ...document, slots: [{ id, kind: "none", label, created_at, key: Buffer.alloc(32).toString("base64") }] };
        }),
      1,
      /it opens with: none/,
    ],
    ["a vault.json of another vault", (vault) => writeVaultJson(vault, "other"), 4, /belongs to another vault/],
  ])("%s is said, and no wrong byte is restored", async ([, damage, exitCode, message]) => {
    using place = temporaryFolder();
    const vault = place.join("vault");
    cpSync(sound.path, vault, { recursive: true });
    damage(vault);
    const restored = await rescue(vault, ...key, "restore", sound.ids.at(-1)!, place.join("to"));
    expect(restored).toMatchObject({ stdout: "", exitCode });
    expect(restored.stderr).toMatch(message);
    expect(restored.stderr).not.toMatch(/\bat .*rescue\.mjs/);
    expect(restored.stderr.includes(UNFINISHED)).toBe(existsSync(place.join("to")));
    expect(existsSync(place.join("to")) ? readdirSync(place.join("to")) : [UNFINISHED]).toEqual([UNFINISHED]);
    const left = existsSync(place.join("to")) ? recordTree(place.join("to", UNFINISHED)).records : {};
    for (const [path, { type, sha256 }] of Object.entries(left)) if (type === "file") expect(sha256).toBe(whole.records[path]?.sha256);
  });

  it.for<readonly [string, (vault: string) => void, RegExp]>([
    ["the keys when vault.json is gone", (vault) => rmSync(join(vault, ".vault"), { recursive: true }), /^warning: .*going by the keys\n$/],
    [
      "the copy of the keys when they are gone",
      (vault) => rmSync(join(vault, "keys"), { recursive: true }),
      /^warning: .*the copy of it\n$/,
    ],
    [
      "the copy of the keys when they do not open",
      (vault) => {
        const document = JSON.parse(readFileSync(keys(vault), "utf8")) as { slots: { id: string }[] };
        document.slots[0]!.id = "0123456789abcdef";
        writeFileSync(keys(vault), JSON.stringify(document));
      },
      /^warning: .*the copy of it\n$/,
    ],
  ])("goes by %s, and says so", async ([, lose, warning]) => {
    using place = temporaryFolder();
    cpSync(sound.path, place.join("vault"), { recursive: true });
    lose(place.join("vault"));
    const result = await rescue(place.join("vault"), ...key, "restore", "latest", place.join("to"));
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stderr).toMatch(warning);
    expect(recordTree(place.join("to")).records).toEqual(whole.records);
  });

  it("check goes on after what is damaged, and names every pack, backup and file", async () => {
    using place = temporaryFolder();
    const vault = place.join("vault");
    cpSync(sound.path, vault, { recursive: true });
    for (const path of packsIn(vault)) flip(path, 60);
    flip(join(vault, `${sound.ids[0]}.backup`), -3);
    const { exitCode, stdout, stderr } = await rescue(vault, ...key, "check");
    expect({ exitCode, stdout }).toEqual({
      exitCode: 4,
      stdout: expect.stringMatching(/^1 backups, 2 packs, .* not everything reads back\n$/),
    });
    expect(stderr.split("\n").map((line) => line.slice(0, 64))).toEqual(
      expect.arrayContaining([expect.stringContaining("damaged: pack ")]),
    );
    for (const what of [sound.ids[0]!, ...["a.md", "large.bin", "late.md"].map((name) => `${sound.ids[1]} "memory/${name}"`)])
      expect(stderr).toContain(`damaged: ${what}: `);
  });

  it("--partial restores what is whole, and --component what is not concerned", async () => {
    using place = temporaryFolder();
    const vault = place.join("vault");
    cpSync(sound.path, vault, { recursive: true });
    const [, small = ""] = packsIn(vault);
    flip(small, 60);
    const id = sound.ids.at(-1)!;
    const [partial, one] = await Promise.all([
      rescue(vault, ...key, "restore", id, place.join("to"), "--partial"),
      rescue(vault, ...key, "restore", id, place.join("one"), "--component", "persistence"),
    ]);
    expect(partial).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/^left out: Cannot restore "memory\/late.md": .*\n$/) });
    const { "memory/late.md": _, ...rest } = whole.records;
    expect(recordTree(place.join("to")).records).toEqual(rest);
    expect(one).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readdirSync(place.join("one"))).toEqual(["persistence"]);
  });

  it("refuses what it does not understand, and a folder that holds something", async () => {
    using place = temporaryFolder();
    mkdirSync(place.join("full", "er"), { recursive: true });
    const id = sound.ids[0]!;
    for (const [argv, exitCode] of [
      [[], 2],
      [["list", "--what"], 2],
      [["forget"], 2],
      [["list", "--component", "memory"], 2],
      [["restore", "latest"], 2],
      [["restore", "2020-01-01T00-00-00_manual", place.join("to")], 2],
      [["restore", id, place.join("to"), "--component", "none such"], 2],
      [["restore", id, place.join("full")], 1],
      [["restore", id, join(sound.path, "inside")], 2],
    ] as const) {
      const result = await rescue(sound.path, ...key, ...argv);
      expect({ argv, result }).toMatchObject({
        argv,
        result: { exitCode, stdout: "", stderr: expect.stringMatching(/^rescue: [^\n]+\n$/) },
      });
    }
    expect(await rescue(sound.path, "list")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("no key was given") });
    expect(existsSync(place.join("to"))).toBe(false);
    expect(existsSync(join(sound.path, "inside"))).toBe(false);
  });
});

function writeVaultJson(vault: string, id: string): void {
  const document = JSON.parse(readFileSync(join(vault, ".vault/vault.json"), "utf8")) as object;
  writeFileSync(join(vault, ".vault/vault.json"), JSON.stringify({ ...document, id }));
}
