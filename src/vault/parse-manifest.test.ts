import { describe, expect, it } from "vitest";
import { entryOf, forgeArchive } from "../../test/support/forge-archive.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { toBackupId } from "./backup-id.ts";
import { parseManifest, parseManifestLink } from "./parse-manifest.ts";

type Json = Record<string, unknown>;

function sample(): Json {
  using folder = temporaryFolder();
  return structuredClone(forgeArchive(folder.join("a"), { entries: [entryOf("a", { sha256: "0".repeat(64) })] })) as unknown as Json;
}

/** A copy in which one field, given by its path, is another. */
function changed(path: string, value: unknown): Buffer {
  const document = sample();
  const names = path.split(".");
  const last = names.pop() ?? "";
  const holder = names.reduce<Json>((object, name) => object[name] as Json, document);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return Buffer.from(JSON.stringify(document));
}

const ID = toBackupId("2026-03-15T14-30-00_manual");

describe("parseManifest()", () => {
  it("gives a manifest back as it was written, with fields that it does not know", () => {
    const bytes = changed("from_a_newer_version", { yes: true });
    expect(parseManifest(bytes, { id: ID })).toEqual(JSON.parse(bytes.toString()));
  });

  it.each([{ file: "state.db" }, { file: null }, { file: null, reason: "It was torn", paths: ["a/index.db"] }])(
    "takes what a salvage says of a component: %j",
    (salvaged) => {
      expect(parseManifest(changed("component_details.memory.salvaged", salvaged)).component_details["memory"]?.salvaged).toEqual(salvaged);
    },
  );

  const refused: readonly (readonly [string, unknown])[] = [
    ["id", "2026-03-15T14-30-01_manual"],
    ["id", "../../etc"],
    ["id", "2026-02-30T14-30-00_manual"],
    ["trigger", "scheduled"],
    ["instance", 1],
    ["instance", "x".repeat(201)],
    ["vault", ""],
    ["sequence", 0],
    ["sequence", 1.5],
    ["sequence", "7"],
    ["previous", undefined],
    ["previous.sequence", 7],
    ["previous.sha256", "0"],
    ["timestamp", "2026-03-15 14:30"],
    ["timestamp", "2026-13-15T14:30:00Z"],
    ["timestamp", "2026-03-15T14:30:00"],
    ["finished_at", "soon"],
    ["tags", "a"],
    ["tags", [1]],
    ["components", ["memory", "memory"]],
    ["components", ["../memory"]],
    ["components", []],
    ["size_bytes", -1],
    ["size_bytes", 2 ** 60],
    ["stored_bytes", null],
    ["checksum", "md5:00"],
    ["checksum", `sha256:${"G".repeat(64)}`],
    ["db_schema_version", "3"],
    ["host", 4],
    ["runtime", "node"],
    ["features", []],
    ["features.read", "x"],
    ["not_captured", { memory: { importance: "high", code: "X", reason: "y" } }],
    ["not_captured", { other: { importance: "huge", code: "X", reason: "y" } }],
    ["component_details", {}],
    ["component_details.memory.stored_as", "/etc"],
    ["component_details.memory.stored_as", "../up"],
    ["component_details.memory.stored_as", "a//b"],
    ["component_details.memory.stored_as", "manifest.json"],
    ["component_details.memory.stored_as", "entries.jsonl/x"],
    ["component_details.memory.source", "raw"],
    ["component_details.memory.bytes", "0"],
    ["component_details.memory.entries", -1],
    ["component_details.memory.whole", "yes"],
    ["component_details.memory.changed", [{ path: "a", change: "melted" }]],
    ["component_details.memory.omissions", [{ path: "a" }]],
    ["component_details.memory.sqlite", { page_size: "4096" }],
    ["component_details.memory.salvaged", "state.db"],
    ["component_details.memory.salvaged", { reason: "no file is told" }],
    ["component_details.memory.salvaged", { file: "../state.db" }],
    ["component_details.memory.salvaged", { file: null, reason: 7 }],
    ["component_details.memory.salvaged", { file: null, paths: "index.db" }],
    ["component_details.memory.salvaged", { file: null, paths: ["index.db", "/etc/passwd"] }],
    ["imported_from", { vault: "v", instance: "i", sequence: 0, manifest_sha256: "0".repeat(64) }],
  ];
  it.each(refused)("refuses %s: %j, and names the field", (path, value) => {
    const names = path.split(".");
    expect(() => parseManifest(changed(path, value), { id: ID })).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID", message: expect.stringContaining(names[0] ?? "") as string }),
    );
  });

  it("refuses a newer version and an unknown feature by name, before it looks at anything else", () => {
    expect(() => parseManifest(Buffer.from('{"version":"2","id":7}'))).toThrow(expect.objectContaining({ code: "VERSION_UNSUPPORTED" }));
    expect(() => parseManifest(changed("features.read", ["sealed"]))).toThrow(
      expect.objectContaining({ code: "VERSION_UNSUPPORTED", message: expect.stringContaining("sealed") as string }),
    );
    expect(parseManifest(changed("features.write", ["anything"])).features.write).toEqual(["anything"]);
  });

  it.each(["", "null", "[]", "{", '"text"', "\u0000", '{"version":1}', '{"version":"0"}', '{"__proto__":{"version":"1"}}'])(
    "refuses %j",
    (text) => {
      expect(() => parseManifest(Buffer.from(text))).toThrow(expect.objectContaining({ code: "MANIFEST_INVALID" }));
      expect(() => parseManifest(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]))).toThrow(
        expect.objectContaining({ code: "MANIFEST_INVALID" }),
      );
    },
  );
});

describe("parseManifestLink()", () => {
  it("gives who the backup is and where it stands, whatever else the document says", () => {
    const bytes = changed("component_details", "torn");
    expect(parseManifestLink(bytes, { id: ID })).toMatchObject({ id: ID, sequence: 7 });
    expect(() => parseManifest(bytes, { id: ID })).toThrow(expect.objectContaining({ code: "MANIFEST_INVALID" }) as Error);
  });

  it.each([
    ["id", "2026-03-15T14-30-01_manual", "MANIFEST_INVALID"],
    ["trigger", "scheduled", "MANIFEST_INVALID"],
    ["vault", "", "MANIFEST_INVALID"],
    ["sequence", 0, "MANIFEST_INVALID"],
    ["previous.sha256", "0", "MANIFEST_INVALID"],
    ["version", "2", "VERSION_UNSUPPORTED"],
    ["features", { read: ["threads"], write: [] }, "VERSION_UNSUPPORTED"],
  ])("refuses %s: %j", (path, value, code) => {
    expect(() => parseManifestLink(changed(path, value), { id: ID })).toThrow(expect.objectContaining({ code }) as Error);
  });
});
