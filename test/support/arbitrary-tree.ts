import fc from "fast-check";
import type { Locator, PackId } from "../../src/repository/pack/locator.ts";
import type { Reference } from "../../src/repository/tree/reference.ts";
import type { EntryFacts, StoredContent, StoredEntry } from "../../src/repository/tree/tree-entry.ts";

const BLOCK = 16_384;

const hexOf = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array).toString("hex"));

/** Few packs, so that entries share them. */
const pack: fc.Arbitrary<PackId> = fc.integer({ min: 0, max: 5 }).map((number) => `00000000000000${number}f` as PackId);

const placeOf = (length: number): fc.Arbitrary<Locator> =>
  fc.record({ pack, frame: fc.nat({ max: 2 ** 22 - 1 }), offset: fc.nat({ max: 4 * 1024 * 1024 - length }), length: fc.constant(length) });

export const referenceTo = (entries: fc.Arbitrary<number>): fc.Arbitrary<Reference> =>
  fc.record({ place: fc.integer({ min: 1, max: 100_000 }).chain(placeOf), hash: hexOf(16), entries });

const references: fc.Arbitrary<Reference[]> = fc.array(referenceTo(fc.integer({ min: 1, max: 2 ** 40 })), { minLength: 1, maxLength: 4 });

/** Names that a file system can hold: composed, combining, of two halves, beside control characters. */
const name: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("a", "ab", "ä", "a\u0308", "😀", "😁", "\u0001\n", "\ufeffx", "\ufffd", "日本", "日曜"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => text.isWellFormed() && !/[/\0]/.test(text)),
);
const path: fc.Arbitrary<string> = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => names.join("/"));

const owner = fc.record(
  {
    uid: fc.constantFrom(0, 1000, 2 ** 32 - 1),
    gid: fc.constantFrom(0, 7),
    user: fc.constantFrom("root", "ünn"),
    group: fc.constantFrom("g"),
  },
  { requiredKeys: ["uid", "gid"] },
);
const head = fc.record({
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  owner,
  mtime_ns: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
});

const pages: fc.Arbitrary<StoredContent> = fc
  .record({ pageSize: fc.constantFrom(512, 4096, 65_536), pages: fc.integer({ min: 1, max: 3 * BLOCK }) })
  .chain(({ pageSize, pages: count }) => {
    const blocks = Array.from({ length: Math.ceil(count / BLOCK) }, (_, number) => Math.min(BLOCK, count - number * BLOCK));
    const base = fc.tuple(...blocks.map((entries) => referenceTo(fc.constant(entries))));
    const layers = fc.array(referenceTo(fc.integer({ min: 1, max: 262_144 })), { maxLength: 3 });
    return fc.record({ pageSize: fc.constant(pageSize), pages: fc.constant(count), blocks: base, layers });
  })
  .map((map) => ({ kind: "pages", map }));

type Rest = Omit<EntryFacts, "path" | "mode" | "uid" | "gid" | "user" | "group" | "mtime_ns">;
type Body = { readonly rest: Rest; readonly content: StoredContent };
const flag = fc.constantFrom({}, { sparse: true });
const none = { kind: "none" } as const;

const body: fc.Arbitrary<Body> = fc.oneof(
  fc.constant({ rest: { type: "directory", size: 0 }, content: none }),
  path.map((target): Body => ({ rest: { type: "symlink", size: 0, target }, content: none })),
  fc
    .record({ hard_link: path, database: fc.constantFrom({}, { database: true }) })
    .map(({ hard_link, database }): Body => ({ rest: { type: "file", size: 0, hard_link, ...database }, content: none })),
  hexOf(32).map((sha256): Body => ({ rest: { type: "file", size: 0, sha256 }, content: none })),
  fc
    .record({ place: fc.integer({ min: 1, max: 9000 }).chain(placeOf), sha256: hexOf(32), flag })
    .map(({ place, sha256, flag: flags }): Body => ({
      rest: { type: "file", size: place.length, sha256, ...flags },
      content: { kind: "place", place },
    })),
  fc
    .record({ blocks: references, size: fc.integer({ min: 1, max: 2 ** 50 }), sha256: hexOf(32), flag })
    .map(({ blocks, size, sha256, flag: flags }): Body => ({
      rest: { type: "file", size, sha256, ...flags },
      content: { kind: "chunks", blocks },
    })),
  fc.record({ content: pages, hash: hexOf(32), byGroups: fc.boolean() }).map(({ content, hash, byGroups }): Body => ({
    rest: {
      type: "file",
      size: content.kind === "pages" ? content.map.pages * content.map.pageSize : 0,
      ...(byGroups ? { pages_sha256: hash } : { sha256: hash }),
      database: true,
    },
    content,
  })),
);

/** Anything that a tree can record of one entry. */
export const storedEntry: fc.Arbitrary<StoredEntry> = fc
  .record({ head, body })
  .map(({ head: { owner: own, ...facts }, body: { rest, content } }) => ({ entry: { ...facts, ...own, ...rest }, content }));
