import { describe, expect, it } from "vitest";
import { backupHead } from "../../../test/support/backup-head.ts";
import { told } from "../../../test/support/sights.ts";
import { HostError } from "../../kernel/index.ts";
import type { BackupHead, Listing, LostPack, Marks } from "../../vault/index.ts";
import { packSights } from "./packs.ts";

const DAMAGED: Marks = {
  verified: { at: "2026-03-15T00:00:00Z", holdfast_version: "", manifest_sha256: "0".repeat(64), entries: 0, bytes: 0, ok: false },
};

/** Newest first. */
function heads(count: number, marks: Marks = {}): readonly BackupHead[] {
  return Array.from({ length: count }, (_, index) => backupHead({ minute: count - index, marks }));
}

const listed = (backups: readonly BackupHead[]): Listing => ({
  backups,
  damaged: [],
  unfinished: [],
  foreign: [],
  missing: [],
  chain: [],
  trash: [],
});

const lost = (is: LostPack["is"], backups: readonly BackupHead[]): LostPack => ({ name: is, is, backups: backups.map(({ id }) => id) });

describe("packSights()", () => {
  it("names the newest of the backups that need what is lost, each once, and counts the others", () => {
    const backups = heads(8);
    const packs = { lost: [lost("missing", backups.slice(1).toReversed()), lost("changed", backups.slice(1, 4))], untold: [] };
    const named = backups.slice(1, 6).map(({ id }) => id);
    expect(told(packSights({ listing: listed(backups), packs }))).toEqual([
      `problem packs: 1 pack is missing, and 1 pack has another length. 7 backups need what is lost: ${named.join(", ")}, and 2 more`,
    ]);
    expect(packSights({ listing: listed(backups), packs: { lost: [], untold: [] } })).toEqual([]);
  });

  it("only warns when every backup that needs them is recorded as damaged", () => {
    const recorded = heads(1, DAMAGED);
    const packs = { lost: [lost("missing", recorded)], untold: [] };
    expect(told(packSights({ listing: listed(recorded), packs }))).toEqual([
      expect.stringMatching(/^warning packs: 1 pack is missing\. 1 backup needs what is lost: /),
    ]);
    const young = backupHead({ minute: 5 });
    const both = { lost: [lost("missing", [young, ...recorded])], untold: [] };
    expect(told(packSights({ listing: listed([young, ...recorded]), packs: both }))).toEqual([expect.stringMatching(/^problem packs: /)]);
  });

  it("says of what it could not look at that it could not, and finds nothing sound there", () => {
    const [head] = heads(1) as [BackupHead];
    const packs = { lost: [], untold: [{ id: head.id, problem: "it is cut off" }] };
    expect(told(packSights({ listing: listed([head]), packs }))).toEqual([
      `problem packs: It cannot be told which packs ${head.id} needs: it is cut off`,
    ]);
    const failure = new HostError("FILE_SYSTEM", "Cannot look at the packs");
    expect(told(packSights({ listing: listed([head]), packs: failure }))).toEqual(["unknown packs: Cannot look at the packs"]);
  });
});
