import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writePack } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { checkPack } from "./check-pack.ts";
import { packPath } from "./pack-place.ts";

describe("checkPack()", () => {
  it("reads a pack of several pieces and finds a change in the last byte", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: randomBytes(1_500_000) }, { raw: randomBytes(1_500_000) }]);
    const path = packPath(folder.path, pack.name);
    expect(checkPack(folder.path, pack)).toBe("whole");
    expect(checkPack(folder.path, { ...pack, length: pack.length - 1 })).toBe("damaged");
    const bytes = readFileSync(path);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(pack.name);
    bytes[bytes.length - 1] = 0;
    writeFileSync(path, bytes);
    expect(checkPack(folder.path, pack)).toBe("damaged");
  });
});
