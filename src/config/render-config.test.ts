import { writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderConfig, type RenderComponent } from "./render-config.ts";
import { testPlace } from "./test-place.ts";

const FOUND: readonly RenderComponent[] = [
  { name: "persistence", path: "data/synthorg.db", kind: "sqlite", comment: "SQLite database", suggested: false },
  {
    name: "memory",
    path: "data/memory",
    kind: "tree",
    importance: "high",
    exclude: ["/index", "*.tmp", "#odd", "!keep"],
    suggested: false,
  },
  { name: "lib", path: "lib", kind: "tree", comment: "looks like a program", exclude: ["/x"], suggested: true },
  { name: "docs", path: "docs", suggested: true },
];

describe("renderConfig()", () => {
  it("writes what loadConfig() reads, guesses commented out", () => {
    using place = testPlace();
    const text = renderConfig({ name: "acme", backupPath: "/var/backups/acme", components: FOUND });
    const config = place.load(text);
    expect(config).toMatchObject({
      name: "acme",
      backup: { path: "/var/backups/acme", compression: true, include: ["persistence", "memory"] },
    });
    expect(config.components).toMatchObject([
      { path: { literal: place.join("data/synthorg.db") }, kind: "sqlite" },
      { path: { literal: place.join("data/memory") }, kind: undefined, importance: "high", exclude: ["/index", "*.tmp", "#odd", "!keep"] },
    ]);
    expect(text).toContain("  # SQLite database\n  persistence:\n");
  });

  it("writes a vault in repository form when it is told what opens it", () => {
    using place = testPlace();
    const sealed = (encryption: "none" | { keyFile: string }): unknown =>
      place.load(renderConfig({ name: "acme", backupPath: "/v", encryption, components: FOUND })).backup;
    expect(sealed("none")).toMatchObject({ format: "repository", encryption: { kind: "none" } });
    expect(sealed({ keyFile: "/keys/ac me: 1.key" })).toMatchObject({ encryption: { kind: "key-file", path: "/keys/ac me: 1.key" } });
    expect(sealed({ keyFile: "~odd/k" })).toMatchObject({ encryption: { kind: "key-file", path: place.join("~odd/k") } });
  });

  it("writes guesses so that taking the comment away is enough", () => {
    using place = testPlace();
    const text = renderConfig({ name: "acme", backupPath: "/v", components: FOUND });
    const config = place.load(text.replaceAll(/^ {2}# (( {2})*(lib:|docs:|path:|exclude:|- ))/gm, "  $1"));
    expect(config.components.map(({ name, path, exclude }) => [name, path, exclude])).toContainEqual([
      "lib",
      { literal: place.join("lib") },
      ["/x"],
    ]);
    expect(config.components).toHaveLength(4);
  });

  it("keeps any name of a file, however odd", () => {
    using place = testPlace();
    const name = fc
      .string({ unit: "binary", minLength: 1, maxLength: 20 })
      .filter((text) => !/[/\0]|\$\{/.test(text) && text.isWellFormed() && text !== "." && text !== "..");
    fc.assert(
      fc.property(name, fc.constantFrom("", "data/"), name, (file, folder, pattern) => {
        const text = renderConfig({
          name: "acme",
          backupPath: `/vaults/${file}`,
          components: [{ name: "state", path: folder + file, exclude: [pattern], comment: `from ${file}`, suggested: false }],
        });
        const config = place.load(text);
        expect(config.backup.path).toBe(`/vaults/${file}`);
        expect(config.components[0]).toMatchObject({ path: { literal: place.join(folder, file) }, exclude: [pattern] });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    "123",
    "true",
    "null",
    "~",
    "~root",
    "~/x",
    "mongo:state",
    "- a",
    "a: b",
    "a #b",
    "[a]",
    "{a}",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "'a",
    '"a',
    ".inf",
    "0x1F",
    "1e3",
    ".5",
    "-",
    "?",
    "#a",
    " a ",
    "a\nb: c",
    "\u2028",
    "\uFEFFa",
    "\u0085",
    "\x7F",
    "...",
  ])("keeps the path %j", (path) => {
    using place = testPlace();
    const text = renderConfig({ name: "acme", backupPath: "/v", components: [{ name: "state", path, comment: path, suggested: false }] });
    writeFileSync(place.file, text);
    expect(place.load(text).components[0]?.path).toEqual({ literal: path === "~/x" ? place.join("~/x") : place.join(path) });
  });

  it("keeps names that would read as something else", () => {
    using place = testPlace();
    const text = renderConfig({
      name: "123",
      backupPath: "/v",
      components: [
        { name: "007", path: "a", suggested: false },
        { name: "true", path: "b", suggested: false },
      ],
    });
    expect(place.load(text)).toMatchObject({ name: "123", components: [{ name: "007" }, { name: "true" }] });
  });
});
