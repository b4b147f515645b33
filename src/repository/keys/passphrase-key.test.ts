import { describe, expect, it } from "vitest";
import { kdfBudget, LARGEST_KDF, passphraseKey } from "./passphrase-key.ts";
import { CHEAP_KDF, failureOf } from "./test-keys.ts";

const SALT = Buffer.alloc(16, 1);

describe("passphraseKey()", () => {
  it("is argon2id, by salt and parameters", () => {
    const of = (text: string, kdf = CHEAP_KDF, salt = SALT): string => passphraseKey(text, salt, kdf, kdfBudget()).toString("hex");
    expect(of("a")).toMatch(/^[0-9a-f]{64}$/);
    expect(of("a")).toBe(of("a"));
    const others = [
      of("b"),
      of("a", { ...CHEAP_KDF, passes: 2 }),
      of("a", { ...CHEAP_KDF, memory_kib: 16 }),
      of("a", CHEAP_KDF, Buffer.alloc(16)),
    ];
    expect(new Set([of("a"), ...others]).size).toBe(5);
  });

  it("refuses work beyond the budget before it does any of it", () => {
    const budget = { left: 2 * CHEAP_KDF.memory_kib };
    for (const _ of [1, 2]) passphraseKey("a", SALT, CHEAP_KDF, budget);
    expect(failureOf(() => passphraseKey("a", SALT, CHEAP_KDF, budget)).code).toBe("VAULT_DAMAGED");
    expect(failureOf(() => passphraseKey("a", SALT, LARGEST_KDF, { left: 1 })).message).toContain("more work than any vault of ours");
  });
});
