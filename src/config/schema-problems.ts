import type * as z from "zod/mini";
import { nearest } from "../kernel/index.ts";
import { type KeyPath, keyText, meant, type Place, type Problem } from "./problem.ts";
import { FILE_SCHEMA } from "./schema.ts";
import { KEY_META } from "./schema-fields.ts";
import { expected, keysOf, required, schemaAt, type SchemaNode, wordsOf } from "./schema-tree.ts";
import { isUnavailableValue, notAvailable, unavailableKeys } from "./unavailable.ts";

export type Locate = (path: KeyPath, at: "key" | "value") => Place;

const WORDS = { text: "text", number: "a whole number", boolean: "true or false", list: "a list", map: "a map of keys" } as const;

/** What the schema finds wrong with plain data, in our words and with places. */
export function schemaProblems(value: unknown, locate: Locate): Problem[] {
  // jitless: one document is checked once, and compiling the check costs more than it saves.
  const result = FILE_SCHEMA.safeParse(value, { jitless: true });
  if (result.success) return [];
  const issues = result.error.issues.flatMap((issue) => flatten(issue));
  const unknown = issues.filter((issue) => issue.code === "unrecognized_keys");
  return issues.flatMap((issue) => {
    const path = issue.path as KeyPath;
    if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey(path, name, locate));
    const actual = valueAt(value, path);
    if (actual === undefined) {
      const name = String(path.at(-1));
      // A mistyped key is one mistake, and not also a missing one.
      const typo = unknown.some(
        (other) => samePath(other.path, path.slice(0, -1)) && other.keys.some((word) => nearKey(other.path, word) === name),
      );
      return typo ? [] : [{ key: keyText(path), message: `\`${keyText(path)}\` is missing`, place: locate(path, "key") }];
    }
    return [wrongValue(issue, path, actual, locate)];
  });
}

function unknownKey(path: KeyPath, name: string, locate: Locate): Problem {
  const whole = [...path, name];
  const key = keyText(whole);
  const place = locate(whole, "key");
  if (unavailableKeys(path).includes(name)) return { key, message: notAvailable(name), place };
  const near =
    path.length === 0 && Object.hasOwn(keysOf(schemaAt(FILE_SCHEMA, ["backup"]) ?? FILE_SCHEMA), name)
      ? `backup.${name}`
      : nearKey(path, name);
  const known = Object.keys(keysOf(schemaAt(FILE_SCHEMA, path) ?? FILE_SCHEMA));
  return {
    key,
    message: `Unknown key \`${name}\``,
    place,
    ...(near === undefined ? { hint: `Known here: ${known.join(", ")}` } : meant(near)),
  };
}

function nearKey(path: readonly PropertyKey[], name: string): string | undefined {
  return nearest(name, Object.keys(keysOf(schemaAt(FILE_SCHEMA, path) ?? FILE_SCHEMA)));
}

function wrongValue(issue: z.core.$ZodIssue, path: KeyPath, actual: unknown, locate: Locate): Problem {
  const key = keyText(path);
  const place = locate(path, "value");
  const named = key === "" ? "The configuration" : `\`${key}\``;
  const schema = schemaAt(FILE_SCHEMA, path);
  if (isUnavailableValue(path, actual)) return { key, message: notAvailable(`${String(path.at(-1))}: ${String(actual)}`), place };
  const words = schema === undefined ? undefined : wordsOf(schema);
  if (words !== undefined) {
    return {
      key,
      message: `${named} must be ${listed(words)}`,
      place,
      ...meant(typeof actual === "string" ? nearest(actual, words) : undefined),
    };
  }
  if (issue.code !== "invalid_type" && issue.code !== "invalid_union") return { key, message: `${named} ${issue.message}`, place };
  const wanted = schema === undefined ? [] : [...expected(schema)].map((kind) => WORDS[kind]);
  return { key, message: `${named} must be ${listed(wanted)}, not ${describe(actual)}`, place, ...advice(actual, schema) };
}

function advice(actual: unknown, schema: SchemaNode | undefined): { readonly hint?: string } {
  if (schema === undefined) return {};
  const kinds = expected(schema);
  if (kinds.has("text") && (typeof actual === "number" || typeof actual === "boolean")) {
    const duration = KEY_META.get(required(schema))?.title === "duration";
    return { hint: duration ? `A duration has its unit: ${actual}s, ${actual}m or ${actual}h` : `Put it in quotes: "${actual}"` };
  }
  if (kinds.has("list") && typeof actual === "string")
    return { hint: "A list is written [one, two], or with a dash before each on lines of their own" };
  return {};
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function describe(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : "a broken number";
  return typeof value === "boolean" ? `${value}` : "a map of keys";
}

/** Of a union, the issues of the member that was meant: the one whose type the value has. */
function flatten(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meantMember = issue.errors.find((errors) => errors.every((inner) => inner.code !== "invalid_type" || inner.path.length > 0));
  if (meantMember === undefined) return [issue];
  return meantMember.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

function samePath(a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
