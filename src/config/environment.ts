import { isScalar, parseDocument } from "yaml";
import { nearest } from "../kernel/index.ts";
import { type KeyPath, keyText, meant, type Problem } from "./problem.ts";
import { FILE_SCHEMA } from "./schema.ts";
import { expected, keysOf, schemaAt, type SchemaNode, valuesOf } from "./schema-tree.ts";
import { unavailableKeys } from "./unavailable.ts";

const PREFIX = "HOLDFAST_";

/** Variables with this prefix that are no overrides: where the configuration is, where a fault test stops the process, whose lease a child works under. */
export const RESERVED_VARIABLES: readonly string[] = ["HOLDFAST_CONFIG", "HOLDFAST_CRASHPOINT", "HOLDFAST_LEASE"];

/** The variable that overrides a key: `__` between levels, a dash is an underscore. */
export function variableOf(path: KeyPath): string {
  return PREFIX + path.map((part) => String(part).toUpperCase().replaceAll("-", "_")).join("__");
}

export interface Overrides {
  readonly problems: readonly Problem[];
  /** The variable that a value came from: its own, or that of something around it. */
  variableFor(path: KeyPath): string | undefined;
}

/**
 * Puts the overrides of the environment into the document's data, in place. A variable that means no key is a problem:
 * a mistyped one would otherwise leave the file's value in force without a word.
 */
export function applyEnvironment(value: Record<string, unknown>, env: NodeJS.ProcessEnv): Overrides {
  const problems: Problem[] = [];
  const applied = new Map<string, string>();
  const variables = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && env[name] !== undefined && !RESERVED_VARIABLES.includes(name),
  );
  // Shorter first, so that a map as a whole comes before what is set inside it.
  for (const variable of variables.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const targets = targetsOf(value);
    const path = targets.get(variable.toUpperCase());
    if (path === undefined) {
      const hint = meant(nearest(variable.toUpperCase(), targets.keys()));
      problems.push({ key: "", message: "This variable overrides no key of the configuration", place: { variable }, ...hint });
      continue;
    }
    const key = keyText(path);
    const twin = applied.get(JSON.stringify(path));
    const parsed = twin === undefined ? parse(env[variable] ?? "", path) : { complaint: `\`${key}\` is set by ${twin} as well` };
    const complaint = "complaint" in parsed ? parsed.complaint : put(value, path, parsed.value);
    if (complaint === undefined) applied.set(JSON.stringify(path), variable);
    else problems.push({ key, message: complaint, place: { variable } });
  }
  return {
    problems,
    variableFor: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const variable = applied.get(JSON.stringify(path.slice(0, length)));
        if (variable !== undefined) return variable;
      }
      return undefined;
    },
  };
}

/** Every key that can be set now, by its variable: those of the schema, and below each component that is there. */
function targetsOf(value: Record<string, unknown>): Map<string, KeyPath> {
  const targets = new Map<string, KeyPath>();
  const visit = (node: SchemaNode, actual: unknown, path: KeyPath): void => {
    if (path.length > 0) targets.set(variableOf(path), path);
    for (const [name, inner] of Object.entries(keysOf(node))) visit(inner, inside(actual, name), [...path, name]);
    for (const name of unavailableKeys(path)) targets.set(variableOf([...path, name]), [...path, name]);
    const each = valuesOf(node);
    if (each !== undefined && isMap(actual)) for (const name of Object.keys(actual)) visit(each, actual[name], [...path, name]);
  };
  visit(FILE_SCHEMA, value, []);
  return targets;
}

/** Text as the schema wants it: text stays as it is, numbers and booleans as YAML reads them, lists and maps as JSON. */
function parse(text: string, path: KeyPath): { readonly value: unknown } | { readonly complaint: string } {
  const schema = schemaAt(FILE_SCHEMA, path);
  // Refused by name later, whatever it holds.
  if (schema === undefined) return { value: text };
  const kinds = expected(schema);
  if (kinds.has("text") && !(kinds.has("map") && text.trimStart().startsWith("{"))) return { value: text };
  if (kinds.has("list") || kinds.has("map")) {
    try {
      return { value: JSON.parse(text, refuseProto) as unknown };
    } catch {
      // The parser's own words would quote the value, which may hold a secret.
      return { complaint: `\`${keyText(path)}\` must be JSON here, such as ${kinds.has("list") ? '["one", "two"]' : '{"key": "value"}'}` };
    }
  }
  const document = parseDocument(text, { schema: "core", prettyErrors: false });
  return { value: document.errors.length === 0 && isScalar(document.contents) ? document.contents.value : text };
}

function refuseProto(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new SyntaxError("__proto__ cannot be a key");
  return value;
}

/** Sets what is at a path, making the maps around it; the complaint when something else is in the way. */
function put(root: Record<string, unknown>, path: KeyPath, value: unknown): string | undefined {
  let place = root;
  for (const [index, part] of path.slice(0, -1).entries()) {
    const next = inside(place, String(part)) ?? {};
    if (!isMap(next)) return `Cannot set \`${keyText(path)}\`: \`${keyText(path.slice(0, index + 1))}\` is not a map of keys`;
    place[part] = next;
    place = next;
  }
  place[String(path.at(-1))] = value;
  return undefined;
}

function inside(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
