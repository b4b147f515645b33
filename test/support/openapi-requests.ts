import * as fc from "fast-check";

/** Any object of an OpenAPI document. */
export interface Json {
  readonly [key: string]: unknown;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Json }[];
  /** null: it takes no body. */
  readonly body: Json | null;
}

interface Described {
  readonly operationId: string;
  readonly parameters?: Operation["parameters"];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Json } } };
}

interface Schema {
  readonly $ref?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Json[];
  readonly type?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly items?: Json;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

/** What a client can call, by the document alone. */
export function operationsOf(document: Json): readonly Operation[] {
  return Object.entries(document["paths"] as Readonly<Record<string, Readonly<Record<string, Described>>>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { operationId, parameters = [], requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content["application/json"].schema ?? null,
    })),
  );
}

/**
 * Values that a schema allows.
 *
 * @param known words that mean something there; they come often wherever they are allowed
 */
export function valuesOf(schema: Json, document: Json, known: readonly string[]): fc.Arbitrary<unknown> {
  const inner = (one: Json): fc.Arbitrary<unknown> => valuesOf(one, document, known);
  const {
    $ref,
    enum: words,
    anyOf,
    type,
    minimum = 0,
    maximum = 1000,
    minItems = 0,
    items,
    properties = {},
    required = [],
  } = schema as Schema;
  if ($ref !== undefined) return inner(named(document, $ref));
  if (words !== undefined) return fc.constantFrom(...words);
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(inner));
  if (type === "string") return texts(schema, known);
  if (type === "integer") return fc.integer({ min: minimum, max: maximum });
  if (type === "boolean") return fc.boolean();
  if (type === "array" && items !== undefined) return fc.array(inner(items), { minLength: minItems, maxLength: minItems + 2 });
  if (type === "object") {
    const values = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)]));
    return fc.record(values, { requiredKeys: [...required] });
  }
  throw new Error(`Nothing is made of ${JSON.stringify(schema)}`);
}

function named(document: Json, reference: string): Json {
  const { schemas } = document["components"] as { readonly schemas: Readonly<Record<string, Json>> };
  const found = schemas[reference.replace("#/components/schemas/", "")];
  if (found === undefined) throw new Error(`Nothing is called ${reference}`);
  return found;
}

function texts({ pattern, minLength = 0, maxLength = 40 }: Schema, known: readonly string[]): fc.Arbitrary<string> {
  const most = Math.min(40, maxLength);
  const any = pattern === undefined ? fc.string({ minLength, maxLength: most }) : fc.stringMatching(new RegExp(pattern, "u"));
  const short = any.filter(({ length }) => length <= maxLength);
  const fitting = known.filter((word) => pattern === undefined || new RegExp(pattern, "u").test(word));
  if (fitting.length === 0) return short;
  return fc.oneof({ arbitrary: fc.constantFrom(...fitting), weight: 4 }, { arbitrary: short, weight: 1 });
}
