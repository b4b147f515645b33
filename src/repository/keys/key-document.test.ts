import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { HoldfastError } from "../../kernel/index.ts";
import { formatKeyDocument, parseKeyDocument } from "./key-document.ts";
import { keyDocumentPath } from "./keys-folder.ts";
import { generateKeyFile, generateRecoveryCode, type Secret } from "./secret.ts";
import { failureOf, layKeys, TEST_VAULT } from "./test-keys.ts";

type Json = Record<string, unknown>;
const PLACE = { vault: TEST_VAULT, epoch: 1 };
const WRAPPED: readonly Secret[] = [generateKeyFile("a.key"), generateRecoveryCode(), { kind: "passphrase", text: "p", label: "typed" }];

function sample(secrets: readonly Secret[] = WRAPPED): Json {
  using folder = temporaryFolder();
  layKeys(folder.path, secrets);
  return JSON.parse(readFileSync(keyDocumentPath(folder.path, 1), "utf8")) as Json;
}

const bytesOf = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));
const CLEAR = sample([{ kind: "none" }]);
const LOCKED = sample();

/** A copy in which one field, given by its path, is another. */
function changed(path: string, value: unknown): Buffer {
  const document = structuredClone(LOCKED);
  const names = path.split(".");
  const last = names.pop() ?? "";
  const holder = names.reduce<Json>((object, name) => object[name] as Json, document);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return bytesOf(document);
}

describe("parseKeyDocument()", () => {
  it("gives back what formatKeyDocument() writes, of every kind of slot", () => {
    for (const document of [CLEAR, LOCKED]) {
      expect(JSON.parse(formatKeyDocument(parseKeyDocument(bytesOf(document), PLACE)))).toEqual(document);
    }
    expect(parseKeyDocument(bytesOf(LOCKED), PLACE).slots.map(({ kind }) => kind)).toEqual(["file", "recovery", "passphrase"]);
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ["version", 0],
    ["version", "1"],
    ["epoch", 2],
    ["epoch", 1.5],
    ["vault", 7],
    ["created_at", "today"],
    ["unknown", true],
    ["slots", []],
    ["slots", {}],
    ["slots.0", null],
    ["slots.0.id", "9f2c"],
    ["slots.0.id", undefined],
    ["slots.0.kind", "scrypt"],
    ["slots.0.kind", "__proto__"],
    ["slots.0.kind", "passphrase"],
    ["slots.0.label", ""],
    ["slots.0.label", "\u001b[2Jacme.key"],
    ["slots.0.label", "acme\u202eyek.exe"],
    ["slots.0.label", "x".repeat(101)],
    ["slots.0.fingerprint", "3f2a-91c0"],
    ["slots.0.salt", "AAAA"],
    ["slots.0.salt", undefined],
    ["slots.0.wrapped", "?".repeat(80)],
    ["slots.0.wrapped", "A".repeat(1000)],
    ["slots.0.key", Buffer.alloc(32).toString("base64")],
    ["slots.2.kdf", undefined],
    ["slots.2.kdf.name", "argon2d"],
    ["slots.2.kdf.memory_kib", 7],
    ["slots.2.kdf.memory_kib", 1024 * 1024 + 1],
    ["slots.2.kdf.memory_kib", 1e300],
    ["slots.2.kdf.passes", 0],
    ["slots.2.kdf.passes", 17],
    ["slots.2.kdf.parallelism", 9],
    ["slots.2.kdf.parallelism", 0],
    ["slots.2.kdf.salt", ""],
    ["previous", undefined],
    ["previous", ""],
    ["previous", Buffer.alloc(64).toString("base64")],
  ];
  it.each(refused)('refuses "%s" as %j', (path, value) => {
    const failure = failureOf(() => parseKeyDocument(changed(path, value), PLACE));
    expect(failure.code).toBe("MANIFEST_INVALID");
    expect(failure.message).toContain("the keys of epoch 1");
  });

  it("refuses the same slot twice, too many, and a key in the clear beside a wrapped one", () => {
    const slots = LOCKED["slots"] as Json[];
    const of = (list: readonly unknown[]): string => failureOf(() => parseKeyDocument(changed("slots", list), PLACE)).message;
    expect(of([slots[0], slots[0]])).toContain("the same slot twice");
    expect(of(Array.from({ length: 33 }, (_, index) => ({ ...slots[0], id: index.toString(16).padStart(16, "0") })))).toContain(
      "more than 32",
    );
    expect(of([slots[0], (CLEAR["slots"] as Json[])[0]])).toContain('"none" beside another');
  });

  it("refuses base64 that is written in another way than the one", () => {
    const salt = (LOCKED["slots"] as Json[])[0]!["salt"] as string;
    for (const other of [salt.replaceAll("=", ""), `${salt} `, `${salt.slice(0, -3)}${salt.at(-3) === "B" ? "C" : "B"}==`]) {
      expect(failureOf(() => parseKeyDocument(changed("slots.0.salt", other), PLACE)).code).toBe("MANIFEST_INVALID");
    }
  });

  it("tells a newer format and the keys of another vault apart from damage", () => {
    expect(failureOf(() => parseKeyDocument(changed("version", 2), PLACE)).code).toBe("VERSION_UNSUPPORTED");
    const foreign = failureOf(() => parseKeyDocument(bytesOf(LOCKED), { ...PLACE, vault: "another" }));
    expect([foreign.code, foreign.message]).toEqual(["VAULT_DAMAGED", "Cannot trust the keys of epoch 1: they belong to another vault"]);
  });

  it("throws nothing without a name, whatever bytes and whatever JSON it is given", () => {
    let refusals = 0;
    const paths = [
      "version",
      "epoch",
      "vault",
      "slots",
      "slots.0",
      "slots.1.salt",
      "slots.2.kdf",
      "slots.2.kdf.passes",
      "previous",
      "__proto__",
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.tuple(fc.constantFrom(...paths), fc.jsonValue()).map(([path, value]) => changed(path, value)),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          parseKeyDocument(given, PLACE);
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          refusals += 1;
        }
      }),
      { numRuns: 500 },
    );
    expect(refusals).toBeGreaterThan(400);
  });
});
