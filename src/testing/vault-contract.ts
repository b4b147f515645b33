import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type {
  BackupHead,
  BackupId,
  ContentsModule,
  Draft,
  Entry,
  ManifestBody,
  Reading,
  ReadingEntry,
  Trigger,
  Vault,
} from "../vault/index.ts";
import type { ContractRunner } from "./source-contract.ts";

/** One vault under test, empty at first, and what only its maker can do to it. */
export interface VaultHarness extends AsyncDisposable {
  /** Opens the vault; a second call opens it as another process would. */
  open(): Promise<Vault>;
  /** Takes a committed backup away behind the vault's back. */
  takeAway(id: BackupId): Promise<void>;
  /** Changes one byte of a content that is stored in a backup. */
  damage(id: BackupId): Promise<void>;
  /** Another process begins a backup, stores something in it, and is killed with SIGKILL before it commits. */
  killWriter(): Promise<void>;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

const TIME = Date.parse("2026-03-15T14:30:00Z");

/** A folder as a reading: contents from memory, as streams. */
export function memoryReading(files: Files, options: { readonly fail?: Error; readonly failConfirm?: Error } = {}): Reading {
  const head = { mode: 0o644, uid: 1000, gid: 1000, mtime_ns: "1700000000123456789" };
  async function* entries(): AsyncGenerator<ReadingEntry> {
    yield { head: { ...head, path: ".", type: "directory", mode: 0o755, size: 0 }, content: { kind: "none" } };
    const folders = new Set<string>();
    for (const path of Object.keys(files).toSorted()) {
      for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
        const folder = path.slice(0, end);
        if (folders.has(folder)) continue;
        folders.add(folder);
        yield { head: { ...head, path: folder, type: "directory", mode: 0o755, size: 0 }, content: { kind: "none" } };
      }
      const bytes = Buffer.from(files[path] ?? "");
      yield { head: { ...head, path, type: "file", size: bytes.length }, content: { kind: "stream", open: () => Readable.from([bytes]) } };
    }
    if (options.fail !== undefined) throw options.fail;
    await Promise.resolve();
  }
  return {
    entries,
    confirm: () => (options.failConfirm === undefined ? Promise.resolve() : Promise.reject(options.failConfirm)),
    report: () => ({ source: "tree", resolved_path: null, suspect: false, omissions: [], warnings: [] }),
    close: () => Promise.resolve(),
  };
}

/** Stores components of files and gives the manifest's body that describes them. */
export async function storeAll(
  draft: Draft,
  components: Readonly<Record<string, Reading>>,
  options: { readonly time: number; readonly trigger: Trigger },
): Promise<ManifestBody> {
  const details: Record<string, ManifestBody["component_details"][string]> = {};
  for (const [component, reading] of Object.entries(components)) {
    const stored = await draft.store({ component, storedAs: component, reading });
    const report = reading.report();
    details[component] = {
      ...report,
      omissions: [...report.omissions, ...stored.omissions],
      stored_as: component,
      bytes: stored.bytes,
      entries: stored.entries,
      changed: stored.changed,
      whole: true,
      importance: "critical",
    };
  }
  const instant = `${new Date(options.time).toISOString().slice(0, 19)}Z`;
  return {
    holdfast_version: "0.0.0",
    instance: "contract",
    timestamp: instant,
    finished_at: instant,
    trigger: options.trigger,
    tags: [],
    components: Object.keys(components),
    not_captured: {},
    db_schema_version: null,
    component_details: details,
    runtime: null,
    host: "contract",
  };
}

/** One committed backup. */
export async function takeBackupOf(vault: Vault, files: Files, time: number = TIME, trigger: Trigger = "manual"): Promise<BackupHead> {
  await using draft = await vault.begin({ trigger, time });
  return await draft.commit(await storeAll(draft, { memory: memoryReading(files) }, { time, trigger }));
}

/** Everything in a backup: `component/path` to content, folders to null. */
export async function readAll(vault: Vault, id: BackupId): Promise<Record<string, string | null>> {
  await using reader = await vault.open(id);
  const found: Record<string, string | null> = {};
  for await (const { entry, content } of reader.read()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content ?? []) chunks.push(Buffer.from(chunk));
    found[`${entry.component}/${entry.path}`] = content === undefined ? null : Buffer.concat(chunks).toString();
  }
  return found;
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, code, String(error));
    return true;
  };
}

/** What every form of vault promises. */
export function vaultContract(runner: ContractRunner, name: string, makeVault: () => Promise<VaultHarness>): void {
  const test = (title: string, body: (vault: Vault, harness: VaultHarness) => Promise<void>): void => {
    runner.it(title, async () => {
      await using harness = await makeVault();
      await using vault = await harness.open();
      await body(vault, harness);
    });
  };

  runner.describe(name, () => {
    test("begins empty", async (vault) => {
      const listing = await vault.list();
      assert.deepEqual(listing, { backups: [], damaged: [], unfinished: [], foreign: [], missing: [], chain: [], trash: [] });
    });

    test("begin(), store() and commit() give a backup that is listed and reads back", async (vault, harness) => {
      const head = await takeBackupOf(vault, { "a.txt": "alpha", "deep/er/b.txt": "beta", empty: "", "manifest.json": "{}" });
      assert.equal(head.id, "2026-03-15T14-30-00_manual");
      assert.equal(head.manifest.sequence, 1);
      assert.equal(head.manifest.previous, null);
      assert.equal(head.manifest.size_bytes, 11);
      assert.equal(head.manifest.vault, vault.identity.id);
      assert.deepEqual((await vault.list()).backups, [head]);
      const expected = {
        "memory/.": null,
        "memory/a.txt": "alpha",
        "memory/deep": null,
        "memory/deep/er": null,
        "memory/deep/er/b.txt": "beta",
        "memory/empty": "",
        "memory/manifest.json": "{}",
      };
      assert.deepEqual(await readAll(vault, head.id), expected);
      await using other = await harness.open();
      assert.deepEqual((await other.list()).backups, [head]);
      assert.deepEqual(await readAll(other, head.id), expected);
    });

    test("entries() gives what was stored, in stored order", async (vault) => {
      const head = await takeBackupOf(vault, { "a/b": "1", c: "22" });
      await using reader = await vault.open(head.id);
      const entries: Entry[] = [];
      for await (const entry of reader.entries()) entries.push(entry);
      assert.deepEqual(
        entries.map(({ path, type, size, mtime_ns, mode, uid }) => [path, type, size, mtime_ns, mode, uid]),
        [
          [".", "directory", 0, "1700000000123456789", 0o755, 1000],
          ["a", "directory", 0, "1700000000123456789", 0o755, 1000],
          ["a/b", "file", 1, "1700000000123456789", 0o644, 1000],
          ["c", "file", 2, "1700000000123456789", 0o644, 1000],
        ],
      );
    });

    test("read({ select }) gives what was selected and no more", async (vault) => {
      const big = "x".repeat(3_000_000);
      const head = await takeBackupOf(vault, { a: big, b: "wanted", c: big, d: "wanted too" });
      await using reader = await vault.open(head.id);
      const found: string[] = [];
      for await (const { entry, content } of reader.read({ select: ({ path }) => path === "b" || path === "d" })) {
        for await (const chunk of content ?? []) found.push(`${entry.path}:${Buffer.from(chunk).toString()}`);
      }
      assert.deepEqual(found, ["b:wanted", "d:wanted too"]);
    });

    test("located() lets any thread read what read() gives, where there is such a thing", async (vault) => {
      const head = await takeBackupOf(vault, { a: "x".repeat(3_000_000), "deep/b": "second", empty: "" });
      await using reader = await vault.open(head.id);
      const located = reader.located?.();
      if (located === undefined) return;
      const { openContents } = (await import(located.module)) as ContentsModule;
      using here = located.open();
      using there = openContents(structuredClone(located.data));
      const [entries, found]: [Entry[], Record<string, string | null>] = [[], {}];
      for await (const { entry, content } of located.entries()) {
        entries.push(entry);
        const own = content === undefined ? null : textOf(here.read(content.at));
        found[`${entry.component}/${entry.path}`] = own;
        if (content === undefined) continue;
        assert.equal(textOf(there.read(structuredClone(content.at))), own);
      }
      assert.deepEqual(entries, await Array.fromAsync(reader.entries()));
      assert.deepEqual(found, await readAll(vault, head.id));
      const selected = await Array.fromAsync(located.entries({ select: ({ path }) => path === "deep/b" }));
      assert.deepEqual(
        selected.map(({ entry }) => entry.path),
        ["deep/b"],
      );
      await assert.rejects(Array.fromAsync(located.entries({ signal: AbortSignal.abort() })), hasCode("INTERRUPTED"));
    });

    test("read() lets a content be left unread or half read", async (vault) => {
      const head = await takeBackupOf(vault, { a: "x".repeat(5_000_000), b: "second", c: "third" });
      await using reader = await vault.open(head.id);
      const seen: string[] = [];
      for await (const { entry, content } of reader.read()) {
        if (entry.path === "a") for await (const _ of content ?? []) break;
        if (entry.path === "c") for await (const chunk of content ?? []) seen.push(Buffer.from(chunk).toString());
      }
      assert.deepEqual(seen, ["third"]);
    });

    test("read() fails with damage when one byte changed", async (vault, harness) => {
      const head = await takeBackupOf(vault, { a: "unchanged", b: "z".repeat(100_000) });
      await harness.damage(head.id);
      await assert.rejects(readAll(vault, head.id), hasCode("BACKUP_DAMAGED"));
    });

    test("abort() leaves nothing", async (vault) => {
      const draft = await vault.begin({ trigger: "manual", time: TIME });
      await draft.store({ component: "memory", storedAs: "memory", reading: memoryReading({ a: "a" }) });
      await draft.abort();
      const listing = await vault.list();
      assert.deepEqual([listing.backups, listing.unfinished, listing.foreign, listing.missing], [[], [], [], []]);
      const head = await takeBackupOf(vault, { a: "a" });
      assert.equal(head.manifest.sequence, 1);
    });

    test("disposing of a draft that was not committed leaves nothing", async (vault) => {
      {
        await using draft = await vault.begin({ trigger: "manual", time: TIME });
        await draft.store({ component: "memory", storedAs: "memory", reading: memoryReading({ a: "a" }) });
      }
      const listing = await vault.list();
      assert.deepEqual([listing.backups, listing.unfinished, listing.foreign], [[], [], []]);
    });

    for (const [where, options] of [
      ["while it is read", { fail: new Error("unreadable") }],
      ["in confirm()", { failConfirm: new Error("moved") }],
    ] as const) {
      test(`store() leaves nothing of a component that fails ${where}, and the draft goes on`, async (vault) => {
        await using draft = await vault.begin({ trigger: "manual", time: TIME });
        const before = await storeAll(draft, { first: memoryReading({ a: "before" }) }, { time: TIME, trigger: "manual" });
        const failing = memoryReading({ b: "lost", big: "y".repeat(3_000_000) }, options);
        await assert.rejects(draft.store({ component: "second", storedAs: "second", reading: failing }), /unreadable|moved/);
        const after = await storeAll(draft, { third: memoryReading({ c: "after" }) }, { time: TIME, trigger: "manual" });
        const head = await draft.commit({
          ...before,
          components: ["first", "third"],
          component_details: { ...before.component_details, ...after.component_details },
        });
        assert.deepEqual(await readAll(vault, head.id), { "first/.": null, "first/a": "before", "third/.": null, "third/c": "after" });
      });
    }

    test("begin() refuses a second writer with VAULT_BUSY, and lets it in afterwards", async (vault, harness) => {
      await using other = await harness.open();
      {
        await using _ = await vault.begin({ trigger: "manual", time: TIME });
        await assert.rejects(other.begin({ trigger: "manual", time: TIME }), hasCode("VAULT_BUSY"));
      }
      await using draft = await other.begin({ trigger: "manual", time: TIME });
      assert.equal(draft.id, "2026-03-15T14-30-00_manual");
    });

    test("begin() waits as long as it is told, and stops waiting on abort", async (vault, harness) => {
      await using other = await harness.open();
      const first = await vault.begin({ trigger: "manual", time: TIME });
      const waiting = other.begin({ trigger: "manual", time: TIME, wait: 60_000 });
      const controller = new AbortController();
      const stopped = other.begin({ trigger: "manual", time: TIME, wait: 60_000, signal: controller.signal });
      controller.abort();
      await assert.rejects(stopped, hasCode("INTERRUPTED"));
      await first.abort();
      await (await waiting).abort();
    });

    test("a reader does not keep a writer away, nor a writer a reader", async (vault, harness) => {
      const head = await takeBackupOf(vault, { a: "a" });
      await using other = await harness.open();
      await using reader = await other.open(head.id);
      await using draft = await vault.begin({ trigger: "manual", time: TIME + 1000 });
      assert.deepEqual(await readAll(other, head.id), { "memory/.": null, "memory/a": "a" });
      await draft.commit(await storeAll(draft, { memory: memoryReading({ a: "b" }) }, { time: TIME + 1000, trigger: "manual" }));
      assert.equal((await vault.list()).backups.length, 2);
      assert.equal(reader.head.id, head.id);
    });

    test("backups of one second get suffixes, and sequence and hashes chain them", async (vault) => {
      const heads = [await takeBackupOf(vault, { a: "1" }), await takeBackupOf(vault, { a: "2" }), await takeBackupOf(vault, { a: "3" })];
      assert.deepEqual(
        heads.map(({ id }) => id),
        ["2026-03-15T14-30-00_manual", "2026-03-15T14-30-00_manual-2", "2026-03-15T14-30-00_manual-3"],
      );
      assert.deepEqual(
        heads.map(({ manifest }) => manifest.previous),
        [null, { sequence: 1, sha256: heads[0]?.manifestSha256 }, { sequence: 2, sha256: heads[1]?.manifestSha256 }],
      );
      const listing = await vault.list();
      assert.deepEqual(
        listing.backups.map(({ manifest }) => manifest.sequence),
        [3, 2, 1],
      );
      assert.deepEqual([listing.missing, listing.chain], [[], []]);
    });

    test("list() is newest first by time, whatever the order of taking", async (vault) => {
      for (const hours of [5, 1, 9]) await takeBackupOf(vault, { a: "a" }, TIME + hours * 3_600_000);
      assert.deepEqual(
        (await vault.list()).backups.map(({ manifest }) => manifest.timestamp.slice(11, 13)),
        ["23", "19", "15"],
      );
    });

    test("setMark() sets, replaces and takes off marks", async (vault, harness) => {
      const head = await takeBackupOf(vault, { a: "a" });
      const pin = { at: "2026-03-16T00:00:00Z", note: "keep" };
      const verified = {
        at: "2026-03-16T00:00:00Z",
        holdfast_version: "0.0.0",
        manifest_sha256: head.manifestSha256,
        entries: 2,
        bytes: 1,
        ok: true,
      };
      await vault.setMark(head.id, "pin", { at: "2026-03-15T20:00:00Z" });
      await vault.setMark(head.id, "pin", pin);
      await vault.setMark(head.id, "verified", verified);
      await using other = await harness.open();
      assert.deepEqual((await other.list()).backups[0]?.marks, { pin, verified });
      await vault.setMark(head.id, "pin", null);
      assert.deepEqual((await other.list()).backups[0]?.marks, { verified });
      await assert.rejects(vault.setMark("2020-01-01T00-00-00_manual" as BackupId, "pin", pin), hasCode("BACKUP_NOT_FOUND"));
    });

    test("a verdict about another document does not count", async (vault) => {
      const head = await takeBackupOf(vault, { a: "a" });
      await vault.setMark(head.id, "verified", {
        at: "2026-03-16T00:00:00Z",
        holdfast_version: "0.0.0",
        manifest_sha256: "0".repeat(64),
        entries: 2,
        bytes: 1,
        ok: true,
      });
      assert.deepEqual((await vault.list()).backups[0]?.marks, {});
    });

    test("remove() takes backups out of the list into the trash, and undelete() brings one back", async (vault) => {
      const [first, second] = [await takeBackupOf(vault, { a: "1" }), await takeBackupOf(vault, { a: "2" })];
      await vault.remove([first.id], "too many", TIME + 5000);
      const without = await vault.list();
      assert.deepEqual(
        without.backups.map(({ id }) => id),
        [second.id],
      );
      assert.deepEqual(without.trash, [{ id: first.id, removedAt: new Date(TIME + 5000).toISOString(), reason: "too many" }]);
      assert.deepEqual([without.missing, without.chain, without.damaged], [[], [], []]);
      await assert.rejects(vault.open(first.id), hasCode("BACKUP_NOT_FOUND"));
      await vault.undelete(first.id, TIME + 6000);
      const again = await vault.list();
      assert.deepEqual([again.backups.length, again.trash, again.missing, again.chain], [2, [], [], []]);
      assert.deepEqual(await readAll(vault, first.id), { "memory/.": null, "memory/a": "1" });
      const next = await takeBackupOf(vault, { a: "3" });
      assert.equal(next.manifest.sequence, 5);
      assert.deepEqual((await vault.list()).chain, []);
    });

    test("remove() of what is not there removes nothing", async (vault) => {
      const head = await takeBackupOf(vault, { a: "1" });
      await assert.rejects(vault.remove([head.id, "2020-01-01T00-00-00_manual" as BackupId], "x", TIME), hasCode("BACKUP_NOT_FOUND"));
      await assert.rejects(vault.undelete(head.id, TIME), hasCode("BACKUP_NOT_FOUND"));
      assert.equal((await vault.list()).backups.length, 1);
    });

    test("an id in the trash is not given out again", async (vault) => {
      const head = await takeBackupOf(vault, { a: "1" });
      await vault.remove([head.id], "x", TIME);
      assert.equal((await takeBackupOf(vault, { a: "2" })).id, "2026-03-15T14-30-00_manual-2");
    });

    test("list() names what somebody else took away, the newest as well", async (vault, harness) => {
      const heads = [];
      for (let number = 1; number <= 4; number += 1) heads.push(await takeBackupOf(vault, { a: String(number) }));
      const [, second, , fourth] = heads;
      assert.ok(second !== undefined && fourth !== undefined);
      await harness.takeAway(second.id);
      assert.deepEqual((await vault.list()).missing, [2]);
      await harness.takeAway(fourth.id);
      assert.deepEqual((await vault.list()).missing, [2, 4]);
      assert.equal((await takeBackupOf(vault, { a: "5" })).manifest.sequence, 5);
    });

    test("a writer that is killed leaves nothing listed, and the next one begins", async (vault, harness) => {
      await harness.killWriter();
      const listing = await vault.list();
      assert.deepEqual([listing.backups, listing.damaged, listing.missing], [[], [], []]);
      assert.equal(listing.unfinished.length, 1);
      const head = await takeBackupOf(vault, { a: "a" });
      assert.equal(head.manifest.sequence, 1);
      assert.deepEqual((await vault.list()).unfinished, []);
    });
  });
}

/** Each piece is good until the next one is asked for. */
function textOf(pieces: Iterable<Uint8Array>): string {
  return Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece))).toString();
}
