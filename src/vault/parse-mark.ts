import { DocumentFields, parseJsonDocument } from "./document.ts";
import type { MarkKind, Marks } from "./marks.ts";

export const MARK_KINDS: readonly MarkKind[] = ["pin", "verified"];

/** @throws DamageError MANIFEST_INVALID */
export function parseMark<K extends MarkKind>(bytes: Uint8Array, kind: K, id: string): NonNullable<Marks[K]> {
  const name = `the mark "${kind}" of "${id}"`;
  const value = parseJsonDocument(name, bytes);
  const fields = new DocumentFields(name, value);
  fields.instant("at");
  if (kind === "pin" && fields.has("note")) fields.text("note", 10_000);
  if (kind === "verified") {
    fields.text("holdfast_version", 100);
    fields.matching("manifest_sha256", /^[0-9a-f]{64}$/, "64 hexadecimal digits");
    fields.integer("entries");
    fields.integer("bytes");
    fields.boolean("ok");
    if (fields.has("problem")) fields.text("problem", 100_000);
  }
  return value as NonNullable<Marks[K]>;
}
