import type * as z from "zod/mini";

/** A part of the schema, as zod lays it out for programs that read one. */
export type SchemaNode = z.core.$ZodType;
export type Expected = "text" | "number" | "boolean" | "list" | "map";

function definition(node: SchemaNode): z.core.$ZodTypes["_zod"]["def"] {
  return (node as z.core.$ZodTypes)["_zod"].def;
}

/** The same without the wrapper that makes a key optional. */
export function required(node: SchemaNode): SchemaNode {
  const def = definition(node);
  return def.type === "optional" ? required(def.innerType) : node;
}

export function isOptional(node: SchemaNode): boolean {
  return definition(node).type === "optional";
}

/** What a value may be; the members of a union together. */
export function expected(node: SchemaNode): Set<Expected> {
  const def = definition(required(node));
  switch (def.type) {
    case "string":
    case "enum":
      return new Set(["text"]);
    case "number":
      return new Set(["number"]);
    case "boolean":
      return new Set(["boolean"]);
    case "array":
      return new Set(["list"]);
    case "object":
    case "record":
      return new Set(["map"]);
    case "union":
      return new Set(def.options.flatMap((option) => [...expected(option)]));
    default:
      throw new TypeError(`The configuration's schema has a "${def.type}", which nothing here can describe`);
  }
}

/** The words of an enumeration, or undefined when it is none. */
export function wordsOf(node: SchemaNode): readonly string[] | undefined {
  const def = definition(required(node));
  return def.type === "enum" ? Object.values(def.entries).map(String) : undefined;
}

/** Fixed keys of a map with their schemas; none for a map whose keys are names. */
export function keysOf(node: SchemaNode): Readonly<Record<string, SchemaNode>> {
  const def = definition(required(node));
  if (def.type === "object") return def.shape;
  if (def.type === "union") return Object.assign({}, ...def.options.map(keysOf)) as Readonly<Record<string, SchemaNode>>;
  return {};
}

/** Schema of the elements of a list of maps, or undefined. */
export function elementOf(node: SchemaNode): SchemaNode | undefined {
  const def = definition(required(node));
  return def.type === "array" && Object.keys(keysOf(def.element)).length > 0 ? def.element : undefined;
}

/** Schema of the values of a map whose keys are names, or undefined. */
export function valuesOf(node: SchemaNode): SchemaNode | undefined {
  const def = definition(required(node));
  return def.type === "record" ? def.valueType : undefined;
}

/** The schema below a path of keys; undefined where it knows none. */
export function schemaAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const part of path) {
    if (node === undefined) return undefined;
    const def = definition(required(node));
    if (typeof part === "number") {
      node = def.type === "array" ? def.element : undefined;
    } else {
      const keys: Readonly<Record<string, SchemaNode>> = keysOf(node);
      node = Object.hasOwn(keys, String(part)) ? keys[String(part)] : valuesOf(node);
    }
  }
  return node;
}
