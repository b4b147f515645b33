import { toJSONSchema } from "zod/mini";
import { FILE_SCHEMA } from "./schema.ts";
import { KEY_META } from "./schema-fields.ts";
import { elementOf, expected, isOptional, keysOf, required, type SchemaNode, valuesOf, wordsOf } from "./schema-tree.ts";
import { UNAVAILABLE_KEYS } from "./unavailable.ts";

/** One key of the configuration, for the reference page. */
export interface ReferenceRow {
  /** "components.NAME.path" */
  readonly key: string;
  readonly type: string;
  readonly default?: string;
  readonly meaning: string;
  /** false: refused by name in this version. */
  readonly available?: boolean;
}

/** JSON Schema (2020-12) of the file, for editors. */
export function describeSchema(): Record<string, unknown> {
  return toJSONSchema(FILE_SCHEMA, { metadata: KEY_META, io: "input" });
}

const TYPES = { text: "text", number: "whole number", boolean: "true or false", list: "list of text", map: "map" } as const;

/** Every key there is, in the order of the file; then those that this version refuses. */
export function configReference(): readonly ReferenceRow[] {
  const rows: ReferenceRow[] = [];
  const visit = (node: SchemaNode, key: string): void => {
    for (const [name, inner] of Object.entries(keysOf(node))) {
      const path = key === "" ? name : `${key}.${name}`;
      rows.push(rowOf(path, inner));
      visit(inner, path);
    }
    const each = valuesOf(node);
    if (each !== undefined) visit(each, `${key}.NAME`);
    const element = elementOf(node);
    if (element !== undefined) visit(element, `${key}[]`);
  };
  visit(FILE_SCHEMA, "");
  for (const [place, names] of Object.entries(UNAVAILABLE_KEYS)) {
    for (const name of names) {
      rows.push({
        key: `${place === "" ? "" : `${place.replace("*", "NAME")}.`}${name}`,
        type: "-",
        meaning: "Refused by name",
        available: false,
      });
    }
  }
  return rows;
}

function rowOf(key: string, node: SchemaNode): ReferenceRow {
  const schema = required(node);
  const meta = KEY_META.get(schema);
  const type = meta?.title ?? wordsOf(schema)?.join(", ") ?? [...expected(schema)].map((kind) => TYPES[kind]).join(" or ");
  const fallback = meta?.default;
  return {
    key,
    type: isOptional(node) ? type : `${type}, required`,
    ...(fallback === undefined ? {} : { default: typeof fallback === "string" ? fallback : JSON.stringify(fallback) }),
    meaning: meta?.description ?? "",
  };
}
