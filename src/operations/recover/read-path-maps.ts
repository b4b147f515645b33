import { isAbsolute, normalize } from "node:path";
import type { PathMap } from "../../config/index.ts";
import { UsageError } from "../../kernel/index.ts";

/** What `--map OLD=NEW` said, each time that it was given. */
export function readPathMaps(texts: readonly string[]): readonly PathMap[] {
  const maps: PathMap[] = [];
  for (const text of texts) {
    const equals = text.indexOf("=");
    const [from, to] = [text.slice(0, equals), text.slice(equals + 1)];
    if (equals === -1 || !isAbsolute(from) || !isAbsolute(to))
      throw new UsageError("USAGE", `Not a map of paths: "${text}"`, { hint: "Write --map /old/folder=/new/folder, both absolute" });
    const map = { from: withoutSlash(from), to: withoutSlash(to) };
    const twin = maps.find((other) => other.from === map.from);
    if (twin !== undefined) throw new UsageError("USAGE", `"${map.from}" is mapped twice`, { hint: "Say once where it goes" });
    maps.push(map);
  }
  return maps;
}

function withoutSlash(path: string): string {
  const clean = normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
