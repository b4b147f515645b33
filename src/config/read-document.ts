import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { messageOf, type Position } from "../kernel/index.ts";
import { type KeyPath, keyText, type Problem } from "./problem.ts";

/** The file as plain data, with the place of every key and value. */
export interface ReadDocument {
  /** Maps, lists, text, numbers, booleans and null; aliases are copies, so that an override changes one place. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where a key (or, for "value", what stands after it) is; the nearest one above it when it is not there. */
  locate(path: KeyPath, at: "key" | "value"): Position;
}

/** What aliases may unfold to; a document of a few lines can mean billions of values ("billion laughs"). */
const MOST_VALUES = 20_000;
const DEEPEST = 50;

const PLAIN_TAGS = new Set([undefined, ...["str", "int", "float", "bool", "null", "map", "seq"].map((tag) => `tag:yaml.org,2002:${tag}`)]);

/** Reads YAML 1.2, which JSON is a part of. Never throws on content: what is wrong is a problem with a place. */
export function readDocument(file: string, text: string): ReadDocument {
  const lineCounter = new LineCounter();
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, schema: "core" });
  } catch (error) {
    // The parser recurses; a few thousand nested lists end its stack.
    const problem = {
      key: "",
      message: `Not readable: ${messageOf(error)}`,
      place: { file, line: 1, column: 1 },
    };
    return { value: undefined, problems: [problem], locate: () => problem.place };
  }
  const reader = new Reader(file, lineCounter);
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const said = code === "MULTIPLE_DOCS" ? "The file holds more than one document" : `Not valid YAML: ${message}`;
    // One missing bracket makes several complaints at its place.
    const line = lineCounter.linePos(pos[0]).line;
    if (!reader.problems.some(({ place }) => "line" in place && place.line === line)) reader.report([], said, pos[0]);
  }
  // What follows a syntax error is guesswork; its shape would only add noise.
  const value = reader.problems.length === 0 ? reader.convert(document.contents, [], 0) : undefined;
  return { value, problems: reader.problems, locate: (path, at) => reader.locate(path, at) };
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #places = new Map<string, { key: number; value: number }>();
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  report(path: KeyPath, message: string, offset: number): void {
    this.problems.push({ key: keyText(path), message, place: this.#position(offset) });
  }

  locate(path: KeyPath, at: "key" | "value"): Position {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)));
      // Of something that is not there, the key above it is what a person looks for.
      if (place !== undefined) return this.#position(length === path.length ? place[at] : place.key);
    }
    return this.#position(0);
  }

  convert(node: unknown, path: KeyPath, depth: number, keyOffset?: number): unknown {
    const offset = offsetOf(node) ?? keyOffset ?? 0;
    this.#places.set(JSON.stringify(path), { key: keyOffset ?? offset, value: offset });
    this.#values += 1;
    if (this.#values > MOST_VALUES || depth > DEEPEST) {
      if (!this.problems.some(({ message }) => message.startsWith("Unfolds"))) {
        this.report([], `Unfolds to more than ${MOST_VALUES} values or ${DEEPEST} levels`, offset);
      }
      return undefined;
    }
    if (isAlias(node)) return this.#alias(node.source, path, depth, offset);
    if (isScalar(node) || isMap(node) || isSeq(node)) {
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
      if (!PLAIN_TAGS.has(node.tag)) this.report(path, `The tag "${node.tag}" has no meaning here`, offset);
      if (isScalar(node)) return node.value;
      if (isSeq(node)) return node.items.map((item, index) => this.convert(item, [...path, index], depth + 1));
      return this.#map(node, path, depth);
    }
    return null;
  }

  #alias(name: string, path: KeyPath, depth: number, offset: number): unknown {
    if (this.#anchors.has(name)) {
      const place = this.#places.get(JSON.stringify(path)) ?? { key: offset, value: offset };
      const value = this.convert(this.#anchors.get(name), path, depth + 1);
      this.#places.set(JSON.stringify(path), place);
      return value;
    }
    this.report(path, `No anchor is called "${name}"`, offset);
    return undefined;
  }

  #map(node: YAMLMap, path: KeyPath, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const { key: keyNode, value } of node.items) {
      const offset = offsetOf(keyNode) ?? offsetOf(node) ?? 0;
      const key =
        isScalar(keyNode) && keyNode.value !== null ? (typeof keyNode.value === "string" ? keyNode.value : keyNode.source) : undefined;
      if (key === undefined || key === "__proto__") {
        this.report([...path, key ?? "?"], key === undefined ? "A key must be text" : "`__proto__` cannot be a key", offset);
      } else if (Object.hasOwn(result, key)) {
        const first = this.locate([...path, key], "key");
        this.report([...path, key], `\`${key}\` is here twice; first on line ${first.line}`, offset);
      } else {
        result[key] = this.convert(value, [...path, key], depth + 1, offset);
      }
    }
    return result;
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) return undefined;
  return node.range[0] as number;
}
