import { DamageError, HostError } from "../kernel/index.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** One for all: a listing reads a document per backup, and making a decoder takes longer than using it. */
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads one JSON document of the vault field by field. Whatever is wrong is a MANIFEST_INVALID that names the document
 * and the field. Fields that nobody asks for are let pass: a newer minor version may have written them.
 */
export class DocumentFields {
  readonly #name: string;
  readonly #object: JsonObject;
  /** What holds it, under the name of the field; null: it is the document. */
  readonly #within: DocumentFields | null;
  readonly #field: string;

  /** @param isList whether a list is meant, whose items are its fields */
  constructor(name: string, value: unknown, within: DocumentFields | null = null, field = "", isList = false) {
    this.#name = name;
    this.#within = within;
    this.#field = field;
    if (typeof value !== "object" || value === null || Array.isArray(value) !== isList) throw this.#wrong("", "must be an object");
    this.#object = value as JsonObject;
  }

  #wrong(field: string, problem: string): DamageError {
    const where = (this.#at() + field).replace(/\.$/, "");
    return new DamageError("MANIFEST_INVALID", `Cannot trust ${this.#name}: ${where === "" ? "the document" : `"${where}"`} ${problem}`, {
      hint: "It was damaged or changed by hand; restore it from a copy of the vault, or use another backup",
    });
  }

  /** Before the name of a field, in a message. */
  #at(): string {
    return this.#within === null ? "" : `${this.#within.#at()}${this.#field}.`;
  }

  fail(field: string, problem: string): never {
    throw this.#wrong(field, problem);
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#object, field);
  }

  keys(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** An own value: a document cannot reach what every object inherits, which is functions, and one object. Nothing else has to be asked for here. */
  raw(field: string): unknown {
    const value = this.#object[field];
    if (typeof value !== "object" && typeof value !== "function") return value;
    return this.has(field) ? value : undefined;
  }

  text(field: string, limit = 4096): string {
    const value = this.#object[field];
    if (typeof value !== "string") throw this.#wrong(field, "must be a string");
    if (value.length > limit) throw this.#wrong(field, `must not be longer than ${limit} characters`);
    return value;
  }

  matching(field: string, pattern: RegExp, what: string): string {
    const value = this.text(field);
    if (!pattern.test(value)) throw this.#wrong(field, `must be ${what}`);
    return value;
  }

  oneOf<T extends string>(field: string, allowed: readonly T[]): T {
    const value = this.text(field);
    if (!(allowed as readonly string[]).includes(value)) throw this.#wrong(field, `must be one of ${allowed.join(", ")}`);
    return value as T;
  }

  integer(field: string, least = 0): number {
    const value = this.#object[field];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
      throw this.#wrong(
        field,
        least === Number.MIN_SAFE_INTEGER ? "must be a whole number" : `must be a whole number of at least ${least}`,
      );
    }
    return value;
  }

  boolean(field: string): boolean {
    const value = this.#object[field];
    if (typeof value !== "boolean") throw this.#wrong(field, "must be true or false");
    return value;
  }

  /** ISO 8601, UTC. */
  instant(field: string): string {
    const value = this.text(field, 40);
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/.test(value) || Number.isNaN(Date.parse(value))) {
      throw this.#wrong(field, "must be a UTC instant such as 2026-03-15T14:30:00Z");
    }
    return value;
  }

  object(field: string): DocumentFields {
    return new DocumentFields(this.#name, this.raw(field), this, field);
  }

  /** null in the document, or an object. */
  nullable(field: string): DocumentFields | null {
    return this.raw(field) === null ? null : this.object(field);
  }

  list<T>(field: string, limit: number, item: (fields: DocumentFields, index: string) => T): T[] {
    const value = this.#object[field];
    if (!Array.isArray(value)) throw this.#wrong(field, "must be a list");
    if (value.length > limit) throw this.#wrong(field, `must not have more than ${limit} items`);
    if (value.length === 0) return [];
    const items = new DocumentFields(this.#name, value, this, field, true);
    return value.map((_, index) => item(items, String(index)));
  }
}

/** Bytes to a JSON value. */
export function parseJsonDocument(name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(STRICT_UTF8.decode(bytes));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DamageError("MANIFEST_INVALID", `Cannot read ${name}: not a JSON document (${message.slice(0, 200)})`, {
      cause,
      hint: "It was damaged or cut off; use another backup",
    });
  }
}

/** Refuses a document of a version that this program does not know, before any other field of it is looked at. */
export function checkVersion(name: string, value: unknown, known: string): void {
  const version: unknown =
    typeof value === "object" && value !== null && Object.hasOwn(value, "version") ? (value as { version: unknown }).version : undefined;
  if (version === known) return;
  if (typeof version === "string" && /^\d{1,9}$/.test(version) && Number(version) > Number(known)) {
    throw new HostError("VERSION_UNSUPPORTED", `Cannot read ${name}: its format is ${version}, and this version reads ${known}`, {
      hint: "Update Holdfast on this machine",
    });
  }
  throw new DamageError("MANIFEST_INVALID", `Cannot trust ${name}: "version" must be "${known}"`, {
    hint: "It was damaged or changed by hand; use another backup",
  });
}
