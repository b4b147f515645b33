import * as z from "zod/mini";

export type Schema<T> = z.ZodMiniType<T>;

/** Documents that have a name of their own in the OpenAPI document. */
export const DOCUMENTS: z.core.$ZodRegistry<{ id: string }> = z.registry<{ id: string }>();
/** What stands in the OpenAPI document for a schema that reads text of an address. */
export const IN_ADDRESS: z.core.$ZodRegistry<{ json: Readonly<Record<string, unknown>> }> = z.registry();

export function named<T>(id: string, schema: Schema<T>): Schema<T> {
  DOCUMENTS.add(schema, { id });
  return schema;
}

const TRIGGER_NAMES = ["scheduled", "shutdown", "startup", "manual", "pre-migration", "pre-restore"] as const;
/** Why a backup was taken. The vault owns the set of them; a test holds the two equal. */
export type TriggerName = (typeof TRIGGER_NAMES)[number];
export const TRIGGERS: readonly TriggerName[] = TRIGGER_NAMES;
export const trigger: Schema<TriggerName> = z.enum(TRIGGER_NAMES);

const ID = String.raw`\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}_(?:${TRIGGER_NAMES.join("|")})(?:-[1-9]\d{0,4})?`;
/** The whole id of a backup: what changes something names it exactly. */
export const backupId: Schema<string> = matching(`^${ID}$`, "must be the whole id of a backup, such as 2026-03-15T14-30-00_manual");
/** What only looks may also ask for the newest. */
export const backupReference: Schema<string> = matching(
  `^(?:${ID}|latest|latest:verified)$`,
  "must be the id of a backup, latest, or latest:verified",
);
export const componentName: Schema<string> = matching("^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$", "must be a component's name", 200);
export const tag: Schema<string> = matching("^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", "must be up to 64 letters, digits and . _ : -");

export function matching(pattern: string, message: string, longest = 1024): Schema<string> {
  return z.string().check(z.regex(new RegExp(pattern), { error: message }), z.maxLength(longest, { error: message }));
}

/** `component/path` inside a backup: names, "/" between them; nothing that climbs. */
export const innerPath: Schema<string> = z.string().check(
  z.maxLength(4096, { error: "must have at most 4096 characters" }),
  z.refine((text) => !text.includes("\0") && !text.split("/").includes(".."), { error: "must be a path inside the backup" }),
);

/** A gitignore pattern. One that begins with a dash is an option to somebody. */
export const glob: Schema<string> = matching(String.raw`^[^\-\0][^\0]*$`, "must be a pattern, and not begin with a dash");

/** A number in an address. */
export function wholeNumber(low: number, high: number): Schema<number> {
  const error = `must be a whole number from ${low} to ${high}`;
  const schema = z.pipe(
    z.string().check(z.regex(/^\d{1,9}$/, { error })),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z.number().check(z.gte(low, { error }), z.lte(high, { error })),
    ),
  );
  IN_ADDRESS.add(schema, { json: { type: "integer", minimum: low, maximum: high } });
  return schema;
}

/** `true` or `false` in an address. */
export function flag(): Schema<boolean> {
  const schema = z.pipe(
    z.enum(["true", "false"], { error: "must be true or false" }),
    z.transform((text) => text === "true"),
  );
  IN_ADDRESS.add(schema, { json: { type: "boolean" } });
  return schema;
}
