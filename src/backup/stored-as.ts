import { basename } from "node:path";
import type { SourceKind } from "../vault/index.ts";

/** Names at the top of a backup that belong to the format. */
const RESERVED: ReadonlySet<string> = new Set(["manifest.json", "entries.jsonl"]);

/**
 * Where each component lies inside a backup: a database that is a component lies at the top under its own
 * name when that name is unique and not reserved, else in `<component>/`; everything else lies in `<component>/`.
 * Names are compared without case, so that the layout can be unpacked anywhere.
 */
export function assignStoredAs(
  components: readonly { readonly name: string; readonly kind: SourceKind; readonly path: string | null; readonly as?: string }[],
): Map<string, string> {
  const folders = new Set(components.map(({ name }) => name.toLowerCase()));
  const topNames = components.flatMap(({ kind, path }) => (kind === "sqlite" && path !== null ? [basename(path).toLowerCase()] : []));
  return new Map(
    components.map(({ name, kind, path, as }) => {
      if (kind === "tree") return [name, name];
      const file = as ?? basename(path ?? name);
      const lower = file.toLowerCase();
      const alone = topNames.filter((other) => other === lower).length === 1;
      const free = !RESERVED.has(lower) && !folders.has(lower) && !lower.startsWith(".");
      return [name, kind === "sqlite" && alone && free ? file : `${name}/${file}`];
    }),
  );
}
