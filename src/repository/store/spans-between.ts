import type { Span } from "../../vault/index.ts";

/** So few spans are not worth looking through. */
const FEW = 16;

/**
 * The spans of the part [from, to) of a content, with whatever lies before it stood for by zeros, so that positions are the
 * same. A pinned database may have a hundred thousand spans, and every job of a thread carries its own copy of them.
 */
export function spansBetween(spans: readonly Span[], from: number, to: number): readonly Span[] {
  if (spans.length <= FEW) return spans;
  const part: Span[] = [];
  let start = 0;
  for (const span of spans) {
    const end = start + span.length;
    if (start >= to) break;
    if (end > from) {
      if (part.length === 0 && start > 0) part.push({ kind: "zeros", length: start });
      part.push(span);
    }
    start = end;
  }
  return part;
}
