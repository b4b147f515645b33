import { basename } from "node:path";
import { ENTRIES_NAME, MANIFEST_NAME, type SourceKind } from "../vault/index.ts";

/** Names at the top of a backup that belong to the format. */
const RESERVED: ReadonlySet<string> = new Set([MANIFEST_NAME, ENTRIES_NAME]);

/** What some file systems take for the same name. */
function fold(name: string): string {
  return name.normalize("NFC").toLowerCase().normalize("NFC");
}

/**
 * Where each component lies inside a backup: a database that is a component lies at the top under its own
 * name when that name is unique and not reserved, else in `<component>/`; everything else lies in `<component>/`.
 * Names are compared without case and Unicode form, so that the layout can be unpacked anywhere.
 */
export function assignStoredAs(
  components: readonly { readonly name: string; readonly kind: SourceKind; readonly path: string | null; readonly as?: string }[],
): Map<string, string> {
  const folders = new Set(components.map(({ name }) => fold(name)));
  const topNames = components.flatMap(({ kind, path }) => (kind === "sqlite" && path !== null ? [fold(basename(path))] : []));
  return new Map(
    components.map(({ name, kind, path, as }) => {
      if (kind === "tree") return [name, name];
      const file = as ?? basename(path ?? name);
      const folded = fold(file);
      const alone = topNames.filter((other) => other === folded).length === 1;
      const free = !RESERVED.has(folded) && !folders.has(folded) && !folded.startsWith(".");
      return [name, kind === "sqlite" && alone && free ? file : `${name}/${file}`];
    }),
  );
}
