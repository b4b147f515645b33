import { join } from "node:path";
import type { ReadableContent } from "../../vault/index.ts";
import type { BodyItem, BodyResult, ResolveLink } from "./body.ts";

/**
 * The hard links of one component. A further name refers to the first; when the first could not be stored, the next name
 * takes its place, so that what still has a name is not lost with the one that vanished.
 */
export class LinkGroups {
  readonly #placeOf: (path: string) => string;
  /** First names that were not stored, with what they were to be read from. */
  readonly #lost: Map<string, BodyItem> = new Map();
  /** Which name stands for a lost one. */
  readonly #standIns: Map<string, string> = new Map();

  constructor(placeOf: (path: string) => string) {
    this.#placeOf = placeOf;
  }

  readonly resolve: ResolveLink = (item) => {
    const first = item.head.hard_link ?? "";
    const path = this.firstName(first);
    if (path !== first || !this.#lost.has(first)) return { firstPlace: this.#placeOf(path) };
    const content = ownContent(this.#lost.get(first), item);
    return content === undefined ? undefined : { content };
  };

  /** The stored name that a hard link refers to. */
  firstName(path: string): string {
    return this.#standIns.get(path) ?? path;
  }

  /** Tells what became of an item, in order. */
  note({ item, stored }: Pick<BodyResult, "item" | "stored">, original: BodyItem): void {
    const { path, hard_link: first } = original.head;
    if (first === undefined) {
      if (!stored && item.content !== undefined) this.#lost.set(path, original);
    } else if (stored && item.head.hard_link === undefined) this.#standIns.set(first, path);
  }
}

/** The same file under its other name: the reading gave bytes for the first name only. */
function ownContent(lost: BodyItem | undefined, item: BodyItem): ReadableContent | undefined {
  if (lost?.content?.kind !== "live") return undefined;
  const { span } = lost.content;
  if (!span.path.endsWith(`/${lost.head.path}`)) return undefined;
  const root = span.path.slice(0, -lost.head.path.length);
  return { ...lost.content, span: { ...span, path: join(root, item.head.path) } };
}
