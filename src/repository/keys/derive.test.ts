import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { manifestKey, openText, packKey, purposeKey, sealText } from "./derive.ts";

/** HKDF-SHA-256 of RFC 5869 for one block, written out. */
function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): string {
  const extracted = createHmac("sha256", salt).update(secret).digest();
  return createHmac("sha256", extracted)
    .update(info)
    .update(Buffer.from([1]))
    .digest("hex");
}

const MASTER = Buffer.alloc(32, 7);
const SALT = Buffer.alloc(32, 9);

describe("derived keys", () => {
  it("packKey(), manifestKey() and purposeKey() are HKDF-SHA-256 as the format says", () => {
    expect(packKey(MASTER, SALT).export().toString("hex")).toBe(hkdf(MASTER, SALT, "holdfast pack"));
    expect(manifestKey(MASTER, SALT).export().toString("hex")).toBe(hkdf(MASTER, SALT, "holdfast manifest"));
    const purposes = ["chunk boundaries", "run boundaries", "cache", "page change"] as const;
    const keys = purposes.map((purpose) => purposeKey(MASTER, purpose).toString("hex"));
    expect(keys).toEqual(purposes.map((purpose) => hkdf(MASTER, Buffer.alloc(0), `holdfast ${purpose}`)));
    expect(new Set(keys).size).toBe(4);
  });

  it("openText() gives back what sealText() sealed, never under the same nonce twice", () => {
    const text = randomBytes(32);
    const sealed = sealText(MASTER, text, "place");
    expect(openText(MASTER, sealed, "place")).toEqual(text);
    expect(sealText(MASTER, text, "place")).not.toEqual(sealed);
  });

  it("openText() refuses another key, another place, a changed bit anywhere, and every shorter text", () => {
    const sealed = sealText(MASTER, Buffer.from("secret"), "place");
    expect(openText(SALT, sealed, "place")).toBeUndefined();
    expect(openText(MASTER, sealed, "elsewhere")).toBeUndefined();
    for (const index of sealed.keys()) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1 << (index % 8);
      expect(openText(MASTER, changed, "place")).toBeUndefined();
      expect(openText(MASTER, sealed.subarray(0, index), "place")).toBeUndefined();
    }
  });
});
