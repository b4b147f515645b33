import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { identityAt, type FileIdentity } from "../kernel/index.ts";
import { openReading } from "./open-reading.ts";
import { readBack, testPlace } from "../../test/support/source-place.ts";

const SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n";

describe("openReading() of a tree", () => {
  it("gives a folder before its contents and names in the order of their bytes", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "a"));
    mkdirSync(join(place.state, "empty"));
    for (const name of ["a/z", "a/b.txt", "a.txt", "B", "\u{10000}", "\uFF5E", "line\nbreak", "n".repeat(255)])
      writeFileSync(join(place.state, name), name);
    const { paths, bytes, report } = await readBack(place.request());
    expect(paths).toEqual([".", "B", "a", "a/b.txt", "a/z", "a.txt", "empty", "line\nbreak", "n".repeat(255), "\uFF5E", "\u{10000}"]);
    expect(bytes.get("line\nbreak")?.toString()).toBe("line\nbreak");
    expect(report).toMatchObject({ source: "tree", resolved_path: place.state, omissions: [], warnings: [], suspect: false });
  });

  it("records owner, permissions, time in nanoseconds and holes", async () => {
    using place = testPlace();
    const file = join(place.state, "sparse");
    writeFileSync(file, "", { mode: 0o640 });
    truncateSync(file, 1_000_000);
    const { entries } = await readBack(place.request());
    const stats = statSync(file, { bigint: true });
    expect(entries[1]?.head).toEqual({
      path: "sparse",
      type: "file",
      mode: 0o640,
      uid: 0,
      gid: 0,
      user: "root",
      group: "root",
      mtime_ns: stats.mtimeNs.toString(),
      size: 1_000_000,
      sparse: true,
    });
    expect(entries[1]?.content).toMatchObject({
      kind: "live",
      appending: false,
      span: { device: stats.dev, inode: stats.ino, offset: 0, length: 1_000_000 },
    });
  });

  it("stores links as links, loops included, and follows only the component's own path", async () => {
    using place = testPlace();
    symlinkSync("..", join(place.state, "up"));
    symlinkSync("self", join(place.state, "self"));
    symlinkSync("/nowhere", join(place.state, "dangling"));
    const alias = join(place.folder, "alias");
    symlinkSync(place.state, alias);
    const { entries, report } = await readBack(place.request({ path: alias }));
    expect(entries.map(({ head }) => [head.path, head.type, head.target])).toEqual([
      [".", "directory", undefined],
      ["dangling", "symlink", "/nowhere"],
      ["self", "symlink", "self"],
      ["up", "symlink", ".."],
    ]);
    expect(report.resolved_path).toBe(place.state);
  });

  it("gives the first name of a hard-linked file its content and the others its path", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "sub"));
    writeFileSync(join(place.state, "one"), "content");
    linkSync(join(place.state, "one"), join(place.state, "sub/two"));
    linkSync(join(place.state, "one"), join(place.folder, "outside"));
    const { entries } = await readBack(place.request());
    expect(entries[1]).toMatchObject({ head: { path: "one", size: 7 }, content: { kind: "live" } });
    expect(entries[3]).toMatchObject({ head: { path: "sub/two", hard_link: "one", size: 0 }, content: { kind: "none" } });
  });

  it("lists a FIFO and a socket as harmless and a name that is not UTF-8 as harmful", async () => {
    using place = testPlace();
    execFileSync("mkfifo", [join(place.state, "fifo")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(place.state, "socket"), resolve));
    const bad = Buffer.concat([Buffer.from(`${place.state}/caf`), Buffer.from([0xe9])]);
    mkdirSync(bad);
    writeFileSync(join(place.state, "caf\uFFFD"), "a real replacement character");
    const { paths, report } = await readBack(place.request());
    server.close();
    expect(paths).toEqual([".", "caf\uFFFD"]);
    expect(report.omissions).toEqual([
      { path: "caf\\xe9", reason: "Has a name that is not UTF-8", harmless: false },
      { path: "fifo", reason: "Is a FIFO, which has no content to keep", harmless: true },
      { path: "socket", reason: "Is a socket, which has no content to keep", harmless: true },
    ]);
    rmSync(bad, { recursive: true });
  });

  it("leaves out what exclude patterns match, as git would, without listing it", async () => {
    using place = testPlace();
    for (const folder of ["node_modules/x", "keep", "deep/cache"]) mkdirSync(join(place.state, folder), { recursive: true });
    for (const file of ["node_modules/x/a", "keep/a.tmp", "keep/b.tmp", "keep/c.txt", "deep/cache/x", "cache", "A.TMP"])
      writeFileSync(join(place.state, file), "");
    const { paths, report } = await readBack(place.request({ exclude: ["node_modules/", "*.tmp", "!b.tmp", "/cache", "nothing-like-it"] }));
    expect(paths).toEqual([".", "A.TMP", "deep", "deep/cache", "deep/cache/x", "keep", "keep/b.tmp", "keep/c.txt"]);
    expect(report.omissions).toEqual([]);
    expect(report.warnings).toEqual(['The exclude pattern "nothing-like-it" matches nothing']);
  });

  it("limits a tree to what include patterns match, with the folders that lead there", async () => {
    using place = testPlace();
    for (const folder of ["notes/2026", "other/deep", "empty"]) mkdirSync(join(place.state, folder), { recursive: true });
    for (const file of ["notes/2026/a.bin", "other/deep/b.md", "other/c.txt", "top.md"]) writeFileSync(join(place.state, file), "");
    const { paths } = await readBack(place.request({ include: ["*.md", "notes/"], exclude: ["top.md"] }));
    expect(paths).toEqual([".", "notes", "notes/2026", "notes/2026/a.bin", "other", "other/deep", "other/deep/b.md"]);
  });

  it("keeps a cache folder and its tag, and drops what is in it", async () => {
    using place = testPlace();
    for (const [folder, tag] of [
      ["cache", SIGNATURE],
      ["fake", "Signature: none"],
    ] as const) {
      mkdirSync(join(place.state, folder));
      writeFileSync(join(place.state, folder, "CACHEDIR.TAG"), tag);
      writeFileSync(join(place.state, folder, "blob"), "x");
    }
    const { paths, report } = await readBack(place.request());
    expect(paths).toEqual([".", "cache", "cache/CACHEDIR.TAG", "fake", "fake/CACHEDIR.TAG", "fake/blob"]);
    expect(report.omissions).toMatchObject([{ path: "cache", harmless: true }]);
    expect((await readBack(place.request({ excludeCaches: false }))).paths).toContain("cache/blob");
    const own = await readBack(place.request({ path: join(place.state, "cache") }));
    expect(own.paths).toContain("blob");
    expect(own.report.warnings).toHaveLength(1);
  });

  it("lists files that exclude_larger leaves out", async () => {
    using place = testPlace();
    writeFileSync(join(place.state, "big"), "x".repeat(101));
    writeFileSync(join(place.state, "fits"), "x".repeat(100));
    const { paths, report } = await readBack(place.request({ excludeLarger: 100 }));
    expect(paths).toEqual([".", "fits"]);
    expect(report.omissions).toMatchObject([{ path: "big", harmless: true }]);
  });

  it("stays on one file system when told to, and keeps the mount point", async () => {
    using place = testPlace();
    const mount = join(place.state, "mount");
    mkdirSync(mount);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", mount]);
    try {
      writeFileSync(join(mount, "inside"), "x");
      expect((await readBack(place.request())).paths).toEqual([".", "mount", "mount/inside"]);
      const { paths, report } = await readBack(place.request({ oneFileSystem: true }));
      expect(paths).toEqual([".", "mount"]);
      expect(report.omissions).toMatchObject([{ path: "mount", harmless: true }]);
    } finally {
      execFileSync("umount", [mount]);
    }
  });

  it("never opens what it is told to avoid, through a bind mount or a hard link either", async () => {
    using place = testPlace();
    const vault = join(place.folder, "vault");
    const lease = join(place.folder, "lease.db");
    mkdirSync(vault);
    writeFileSync(join(vault, "secret"), "x");
    // Empty and named like a database: opening or sniffing it would complain.
    writeFileSync(lease, "");
    linkSync(lease, join(place.state, "other-name.db"));
    writeFileSync(join(place.state, "other-name.db-wal"), "log");
    const bind = join(place.state, "bind");
    mkdirSync(bind);
    execFileSync("mount", ["--bind", vault, bind]);
    try {
      const avoid = [identityAt(vault), identityAt(lease)] as FileIdentity[];
      const { paths, report } = await readBack(place.request({ avoid }));
      expect(paths).toEqual(["."]);
      expect(report.omissions).toEqual([
        { path: "bind", reason: "Belongs to Holdfast itself", harmless: true },
        { path: "other-name.db", reason: "Belongs to Holdfast itself", harmless: true },
      ]);
      await expect(openReading(place.request({ path: bind, avoid }))).rejects.toMatchObject({ code: "COMPONENT_PATH" });
    } finally {
      execFileSync("umount", [bind]);
    }
  });

  it("does not walk its own staging folder", async () => {
    using place = testPlace();
    writeFileSync(join(place.state, "a"), "x");
    const { paths } = await readBack(place.request({ path: place.folder, cut: true }));
    expect(paths).toEqual([".", "state", "state/a"]);
  });

  it("bounds the list of omissions and keeps the harmful ones apart", async () => {
    using place = testPlace();
    const names = Array.from({ length: 1005 }, (_, index) => join(place.state, `fifo-${index}`));
    execFileSync("mkfifo", names);
    writeFileSync(Buffer.concat([Buffer.from(`${place.state}/z`), Buffer.from([0xff])]), "");
    const { report } = await readBack(place.request());
    expect(report.omissions).toHaveLength(1001);
    expect(report.omissions[0]).toMatchObject({ path: "z\\xff", harmless: false });
    expect(report.warnings).toEqual(["5 more paths were left out by the rules and are not listed"]);
  });

  it("marks logs as growing, whose size at open is what counts", async () => {
    using place = testPlace();
    writeFileSync(join(place.state, "a.jsonl"), '{"a":1}\n{"b"');
    const { entries, bytes } = await readBack(place.request());
    expect(entries[1]?.content).toMatchObject({ kind: "live", appending: true });
    expect(bytes.get("a.jsonl")?.toString()).toBe('{"a":1}\n{"b"');
  });

  it("copies everything first when the component is paused, and cleans up", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "sub"));
    writeFileSync(join(place.state, "sub/a"), "before");
    writeFileSync(join(place.state, "sparse"), "");
    truncateSync(join(place.state, "sparse"), 5_000_000);
    symlinkSync("sub/a", join(place.state, "link"));
    const reading = await openReading(place.request({ cut: true }));
    writeFileSync(join(place.state, "sub/a"), "after the pause");
    rmSync(join(place.state, "sparse"));
    const contents: string[] = [];
    for await (const { head, content } of reading.entries()) {
      const span = content.kind === "staged" ? content.spans[0] : undefined;
      contents.push(`${head.path} ${content.kind} ${head.size}`);
      if (head.path === "sub/a" && span?.kind === "file") expect(execFileSync("cat", [span.path]).toString()).toBe("before");
      if (head.path === "sparse" && span?.kind === "file") expect(statSync(span.path).blocks).toBeLessThan(100);
    }
    await reading.confirm();
    expect(contents).toEqual([". none 0", "link none 0", "sparse staged 5000000", "sub none 0", "sub/a staged 6"]);
    expect(readdirSync(place.staging)).toHaveLength(1);
    await reading.close();
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("fails its confirm() when the folder was swapped while it was read", async () => {
    using place = testPlace();
    const reading = await openReading(place.request());
    for await (const _ of reading.entries()) rmSync(place.state, { recursive: true });
    await expect(reading.confirm()).rejects.toMatchObject({ code: "COMPONENT_MOVED" });
    await reading.close();
  });
});
