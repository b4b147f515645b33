import { homedir } from "node:os";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { redact, redactData } from "./redact.ts";

const MODULE = new URL("./redact.ts", import.meta.url).href;

/** A secret as a program makes one: recognisable, and with the characters that real ones have. */
const secret = fc.stringMatching(/^[A-Za-z0-9_~.-]{8,40}$/).map((text) => `S3cr${text}`);
const names = fc.constantFrom(
  "password",
  "PASSWORD",
  "db_password",
  "POSTGRES_PASSWORD",
  "passphrase",
  "secret",
  "client_secret",
  "SECRET_KEY",
  "token",
  "GITHUB_TOKEN",
  "access-token",
  "api_key",
  "apiKey",
  "API-KEY",
  "private_key",
  "aws_credential",
  "authorization",
  "cookie",
  "passwd",
);
const before = fc.constantFrom("", "Cannot connect: ", "tried\n  ", '{"a":1} ', "x=1&");
const after = fc.constantFrom("", " and then", "\nnext line", ", y=2", "; z");

/** Every shape in which a secret is recognised in text. */
const SHAPES: readonly (readonly [string, (name: string, value: string) => string])[] = [
  ["name=value", (name, value) => `${name}=${value}`],
  ["name: value", (name, value) => `${name}: ${value}`],
  ["name = value", (name, value) => `${name} = ${value}`],
  ["a quoted value", (name, value) => `${name}="${value} ${value}"`],
  ["a value in single quotes", (name, value) => `${name}: '${value}, ${value}'`],
  ["JSON", (name, value) => JSON.stringify({ [name]: value })],
  ["JSON in JSON", (name, value) => JSON.stringify(JSON.stringify({ [name]: value }))],
  ["an option", (name, value) => `--${name} ${value}`],
  ["an option with =", (name, value) => `--${name}=${value}`],
  ["a URL", (_name, value) => `postgres://user:${value}@db.example:5432/app`],
  ["a URL without a user", (_name, value) => `redis://:${value}@cache.example`],
  ["a URL whose user is the secret", (_name, value) => `https://${value}@git.example/x.git`],
  ["a URL with an @ in the password", (_name, value) => `https://user:${value}@${value}@git.example/x.git`],
  ["a bearer token", (_name, value) => `Authorization: Bearer ${value}`],
  ["a bearer token in lower case", (_name, value) => `bearer ${value}`],
  ["basic credentials", (_name, value) => `Basic ${value}==`],
  ["a private key", (_name, value) => `-----BEGIN RSA PRIVATE KEY-----\n${value}\n${value}\n-----END RSA PRIVATE KEY-----`],
  ["a private key cut off", (_name, value) => `-----BEGIN PRIVATE KEY-----\n${value}\n${value}`],
];

describe("redact()", () => {
  it.each(SHAPES)("lets no secret survive in the shape of %s", (_shape, write) => {
    fc.assert(
      fc.property(names, secret, before, after, (name, value, lead, rest) => {
        const text = `${lead}${write(name, value)}${rest}`;
        const redacted = redact(text);
        expect(redacted).not.toContain(value);
        expect(redacted).toContain("***");
        expect(redacted.startsWith(lead)).toBe(true);
        // What follows on the next line has nothing to do with it, unless a text was cut off in the middle of a secret.
        if (rest.startsWith("\n") && !redacted.endsWith("***")) expect(redacted.endsWith(rest)).toBe(true);
      }),
    );
  });

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), names, secret, ([, write], name, value) => {
        const once = redact(write(name, value));
        expect(redact(once)).toBe(once);
      }),
    );
  });

  it.each(["a", "a-", "-", "://", "password", "token=", "\\", '"', "-----BEGIN ", "/root", "Basic "])(
    "takes no long time for a megabyte of %j",
    (part) => {
      const started = performance.now();
      redact(part.repeat(1_000_000 / part.length));
      expect(performance.now() - started).toBeLessThan(5000);
    },
  );

  it("keeps what helps: host and name of a URL, and the name of a variable", () => {
    expect(redact("postgres://user:hunter22@db.example:5432/app")).toBe("postgres://***@db.example:5432/app");
    expect(redact("POSTGRES_PASSWORD=hunter22 failed")).toBe("POSTGRES_PASSWORD=*** failed");
  });

  it.each([
    "",
    'Cannot open "/srv/agent/data/synthorg.db": no such file',
    "https://example.com:8080/a/b?c=d#e",
    "2026-03-15T14:30:00Z 12 components, 183.3 kB",
    "holdfast backup --component memory --tag before-upgrade",
    "see mailto:operator@example.com, or user@host:path",
    "sha256:0f343b0931126a20f133d67c2b018a3b",
  ])("leaves %j alone", (text) => {
    expect(redact(text)).toBe(text);
  });

  it("shortens the home folder, and only that: not a folder of the same name somewhere else", () => {
    const home = homedir();
    expect(redact(`Cannot read "${home}/data/x" and ${home}/y`)).toBe('Cannot read "~/data/x" and ~/y');
    expect(redact(`path=${home}/x`)).toBe("path=~/x");
    for (const other of [`/mnt${home}/x`, `${home}-old/x`, `/srv/a${home}/x`, `..${home}/x`]) expect(redact(other)).toBe(other);
  });
});

describe("redact() without a home folder", () => {
  it("works all the same: a container gives a user id that no account has", async () => {
    const code = `import { redact } from ${JSON.stringify(MODULE)}; console.log(redact("token=abc /root/x"));`;
    const { stdout, stderr } = await asUser(54_321, [process.execPath, "--input-type=module", "-e", code], { env: { HOME: undefined } });
    expect(stderr).toBe("");
    expect(stdout).toBe("token=*** /root/x\n");
  });
});

describe("redactData()", () => {
  it("takes away what a secret's name holds, of any type and depth, and keeps the shape", () => {
    expect(
      redactData({
        name: "x",
        password: "p",
        nested: [{ apiKey: 5, tokens: ["a", "b"], credentials: { user: "u", value: "v" }, cookie: null, secret: undefined }],
        note: "token=abc123",
        count: 3,
        ok: true,
        none: null,
      }),
    ).toEqual({
      name: "x",
      password: "***",
      nested: [{ apiKey: "***", tokens: "***", credentials: "***", cookie: null, secret: undefined }],
      note: "token=***",
      count: 3,
      ok: true,
      none: null,
    });
  });

  it("lets no secret survive in any text of any structure", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), names, secret, fc.jsonValue(), ([, write], name, value, other) => {
        const data = { other, list: [other, { text: write(name, value) }], [name]: { inner: [value] } };
        expect(JSON.stringify(redactData(data))).not.toContain(value);
      }),
    );
  });

  it("gives data without secrets back as it was", () => {
    const plain = fc
      .jsonValue()
      .filter((value) => !/pass|secret|token|key|credential|authorization|cookie|bearer|basic|\/\//i.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        expect(redactData(value)).toEqual(value);
      }),
    );
  });
});
