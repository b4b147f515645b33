import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "../../kernel/index.ts";
import {
  fingerprintOf,
  formatKeyFile,
  formatRecoveryCode,
  generateKeyFile,
  generateRecoveryCode,
  parseKeyFile,
  parsePassphrase,
  parseRecoveryCode,
} from "./secret.ts";
import { failureOf } from "./test-keys.ts";

const BYTES = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const sha256 = (...parts: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** RFC 4648 by way of a number. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

describe("key file", () => {
  it("formatKeyFile() writes the line that the format describes", () => {
    expect(formatKeyFile({ kind: "file", bytes: BYTES, label: "a" })).toBe(
      `holdfast-key-1-${base32(Buffer.concat([BYTES, sha256(BYTES).subarray(0, 4)]))}\n`,
    );
  });

  it("parseKeyFile() gives back every key that formatKeyFile() writes, with or without a line end", () => {
    for (let count = 0; count < 50; count += 1) {
      const made = generateKeyFile("a.key");
      expect(parseKeyFile(formatKeyFile(made), "a.key")).toEqual(made);
      expect(parseKeyFile(`${formatKeyFile(made).trim()}\r\n`, "a.key")).toEqual(made);
    }
  });

  it("parseKeyFile() refuses a line with any character changed, left out or doubled, and tells nothing of it", () => {
    const line = formatKeyFile(generateKeyFile("a.key")).trim();
    for (let index = "holdfast-key-1-".length; index < line.length; index += 1) {
      const other = line[index] === "A" ? "B" : "A";
      for (const changed of [other, "", line[index]!.repeat(2)]) {
        const failure = failureOf(() => parseKeyFile(line.slice(0, index) + changed + line.slice(index + 1), "a.key"));
        expect(failure.code).toBe("KEY_INVALID");
        expect(JSON.stringify(failure)).not.toContain(line.slice(20, 28));
        expect(failure.message).toContain('"a.key"');
      }
    }
  });

  it("parseKeyFile() tells a newer format from something that is no key file", () => {
    expect(failureOf(() => parseKeyFile("holdfast-key-2-AAAA", "a.key")).code).toBe("VERSION_UNSUPPORTED");
    for (const text of ["", "holdfast-key-1-", "-----BEGIN PRIVATE KEY-----", "holdfast-key-0-AAAA", "\0".repeat(4000)]) {
      expect(failureOf(() => parseKeyFile(text, "a.key")).message).toBe('"a.key" is not a key file of Holdfast');
    }
  });
});

describe("recovery code", () => {
  const secret = { kind: "recovery", bytes: BYTES.subarray(0, 20), label: "recovery code" } as const;
  const code = formatRecoveryCode(secret);

  it("formatRecoveryCode() writes ten groups of four as the format describes", () => {
    const text = base32(Buffer.concat([secret.bytes, sha256(secret.bytes).subarray(0, 5)]));
    expect(code).toMatch(/^(?:[A-Z2-7]{4}-){9}[A-Z2-7]{4}$/);
    expect(code.replaceAll("-", "")).toBe(text);
  });

  it("parseRecoveryCode() takes small letters, blanks, other dashes and line ends as a person types them", () => {
    const made = generateRecoveryCode();
    const printed = formatRecoveryCode(made);
    for (const typed of [
      printed,
      printed.toLowerCase(),
      ` ${printed.replaceAll("-", "  ")}\n`,
      printed.replaceAll("-", "–"),
      printed.replaceAll("-", ""),
    ]) {
      expect(parseRecoveryCode(typed)).toEqual(made);
    }
  });

  it("parseRecoveryCode() says of a mistyped code that the checksum does not fit, at every place", () => {
    for (const [index, character] of code.split("").entries()) {
      if (character === "-") continue;
      const mistyped = code.slice(0, index) + (character === "A" ? "B" : "A") + code.slice(index + 1);
      expect(failureOf(() => parseRecoveryCode(mistyped)).message).toBe("The recovery code is mistyped: its checksum does not fit");
    }
  });

  it("parseRecoveryCode() says how long a code of the wrong length is", () => {
    expect(failureOf(() => parseRecoveryCode(code.slice(0, -5))).message).toBe("A recovery code has 40 characters, and this one has 36");
    expect(failureOf(() => parseRecoveryCode(`${code}A`)).message).toContain("this one has 41");
    expect(failureOf(() => parseRecoveryCode("")).message).toContain("this one has 0");
  });

  it("parseRecoveryCode() names a character that no code holds, and what it is taken for", () => {
    const failure = failureOf(() => parseRecoveryCode(`AB-0${code}`));
    expect(failure.message).toContain('character 3, "0"');
    expect(failure.hint).toContain("letter O");
    expect(failureOf(() => parseRecoveryCode(formatKeyFile(generateKeyFile("a")))).message).toContain("line of a key file");
  });
});

describe("fingerprintOf()", () => {
  it("is of the secret alone, in two groups of four", () => {
    const digits = sha256(Buffer.from("holdfast fingerprint"), BYTES).toString("hex").slice(0, 8).toUpperCase();
    expect(fingerprintOf({ kind: "file", bytes: BYTES, label: "a" })).toBe(`${digits.slice(0, 4)}-${digits.slice(4)}`);
    expect(fingerprintOf({ kind: "file", bytes: BYTES, label: "b" })).toMatch(/^[0-9A-F]{4}-[0-9A-F]{4}$/);
  });
});

describe("parsePassphrase()", () => {
  it("takes two spellings of the same letters for one passphrase, without the line end", () => {
    expect(parsePassphrase("cafe\u0301 au lait\r\n", "a")).toEqual(parsePassphrase("caf\u00e9 au lait", "a"));
    expect(parsePassphrase(" a \n", "a").text).toBe(" a ");
  });

  it.each(["", "\n", "x".repeat(5000), "\ud800", "a\ufffd"])("refuses what is no passphrase (%#)", (text) => {
    expect(failureOf(() => parsePassphrase(text, "a")).code).toBe("KEY_INVALID");
  });
});

it("parseKeyFile(), parseRecoveryCode() and parsePassphrase() throw nothing without a name, whatever they are given", () => {
  let refused = 0;
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString("utf16le")),
    fc.string({ unit: fc.constantFrom(..."ABCDEFGHabcd234567- \n".split("")), minLength: 30, maxLength: 60 }),
    fc
      .string({ unit: fc.constantFrom(..."ABCDEFGH234567".split("")), minLength: 50, maxLength: 60 })
      .map((rest) => `holdfast-key-1-${rest}`),
  );
  fc.assert(
    fc.property(text, (given) => {
      for (const parse of [parseKeyFile, parseRecoveryCode, parsePassphrase]) {
        try {
          parse(given, "a");
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          refused += 1;
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(500);
});
