import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import type { Scope } from "../contract/index.ts";
import {
  ConfigError,
  createFile,
  errnoOf,
  makeFolder,
  namedSystemError,
  removeFile,
  replaceFile,
  UsageError,
  type Clock,
} from "../kernel/index.ts";

export interface Token {
  readonly name: string;
  readonly scopes: readonly Exclude<Scope, "none">[];
}

interface KnownToken extends Token {
  readonly hash: Buffer;
  readonly expires: number | null;
}

const FILE = z.strictObject({
  tokens: z.array(
    z.strictObject({
      name: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$/)),
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      scopes: z.array(z.enum(["read", "operate", "restore"])).check(z.minLength(1)),
      expires: z.optional(z.iso.datetime()),
    }),
  ),
});

/** What the tokens of the first start may do. */
const FIRST: Readonly<Record<string, Token["scopes"]>> = {
  read: ["read"],
  operate: ["read", "operate"],
  restore: ["read", "operate", "restore"],
};
/** Longer ones are not hashed. */
const LONGEST = 512;
const LARGEST_FILE = 1024 * 1024;

export interface Tokens {
  /**
   * Whose token it is. Looks at the file again when it has changed, so that a token can be taken away at any time.
   *
   * @param header of Authorization; null when there was none
   * @throws UsageError UNAUTHENTICATED · ConfigError TOKENS_INVALID
   */
  check(header: string | null): Token;
}

/**
 * The hashes of the tokens. Where there is no file it is made, with three tokens whose plain text lies in
 * `<state_dir>/tokens/`, one file each, for this account alone: `curl -H "Authorization: Bearer $(cat …/tokens/read)"`.
 *
 * @returns also the folder of the plain tokens when they were made just now
 */
export function openTokens(file: string, stateDir: string, clock: Clock): { readonly tokens: Tokens; readonly made: string | null } {
  const made = makeTokens(file, stateDir);
  let seen = read(file);
  const check = (header: string | null): Token => {
    if (header === null) throw refused("The API was given no token", "Send it in the header Authorization, as a bearer token");
    const given = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(header)?.[1];
    if (given === undefined || given.length > LONGEST)
      throw refused("The token cannot be read", "Send it in the header Authorization, as a bearer token");
    if (printOf(lookAt(file)) !== seen.print) seen = read(file);
    const hash = createHash("sha256").update(given).digest();
    let found: KnownToken | undefined;
    // Every one is compared, so that the time tells nothing of which.
    for (const known of seen.known) if (timingSafeEqual(known.hash, hash)) found = known;
    if (found === undefined) throw refused("The token is not known", "Tokens and what they may do are in server.tokens_file");
    if (found.expires !== null && found.expires <= clock.now()) throw refused(`The token "${found.name}" has expired`, "Make a new one");
    return { name: found.name, scopes: found.scopes };
  };
  return { tokens: { check }, made };
}

function refused(message: string, hint: string): UsageError {
  return new UsageError("UNAUTHENTICATED", message, { hint });
}

function makeTokens(file: string, stateDir: string): string | null {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return null;
  const plain = Object.keys(FIRST).map((name) => ({ name, text: `hf_${randomBytes(32).toString("base64url")}` }));
  const tokens = plain.map(({ name, text }) => ({
    name,
    sha256: createHash("sha256").update(text).digest("hex"),
    scopes: FIRST[name],
  }));
  const folder = join(stateDir, "tokens");
  try {
    makeFolder(dirname(file));
    makeFolder(folder);
    if (!createFile(file, `${JSON.stringify({ tokens }, null, 2)}\n`)) return null;
    try {
      for (const { name, text } of plain) replaceFile(join(folder, name), `${text}\n`);
    } catch (error) {
      // Hashes of tokens that nobody can know would keep everybody out.
      removeFile(file);
      throw error;
    }
  } catch (error) {
    throw namedSystemError(error, `make the tokens of the API in "${file}"`);
  }
  return folder;
}

interface Seen {
  readonly print: string;
  readonly known: readonly KnownToken[];
}

function read(file: string): Seen {
  const stats = lookAt(file);
  if (!stats.isFile() || stats.size > LARGEST_FILE) throw invalid(file, "it is no file of tokens");
  if ((stats.mode & 0o077) !== 0) throw invalid(file, "other accounts may read or write it", `Run: chmod 600 ${file}`);
  const self = process.getuid?.();
  if (self !== undefined && stats.uid !== self && stats.uid !== 0) throw invalid(file, "it belongs to another account");
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw invalid(file, "it is no JSON", undefined, error);
  }
  const parsed = FILE.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(file, `${issue?.path.join(".") ?? "it"} is not as it should be`);
  }
  const known = parsed.data.tokens.map(({ name, sha256, scopes, expires }) => ({
    name,
    scopes,
    hash: Buffer.from(sha256, "hex"),
    expires: expires === undefined ? null : Date.parse(expires),
  }));
  return { print: printOf(stats), known };
}

function lookAt(file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    throw invalid(file, errnoOf(error) === "ENOENT" ? "it is not there" : "it cannot be looked at", undefined, error);
  }
}

function printOf({ ino, size, mtimeMs, mode, uid }: Stats): string {
  return [ino, size, mtimeMs, mode, uid].join(":");
}

function invalid(file: string, why: string, hint?: string, cause?: unknown): ConfigError {
  return new ConfigError("TOKENS_INVALID", `Cannot use the tokens in "${file}": ${why}`, {
    hint: hint ?? "Mend it, or take it away: at the next start a new one is made",
    ...(cause === undefined ? {} : { cause }),
  });
}
