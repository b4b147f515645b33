import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { CaptureError, errnoOf, messageOf, type Position } from "../kernel/index.ts";
import { decodeText } from "./decode-text.ts";

/** A runtime's configuration is far smaller; what is larger is another file. Bytes. */
const LARGEST = 8 * 1024 * 1024;
/** YAML is read a hundred times slower than JSON, and blocks the process meanwhile. Characters. */
const LARGEST_YAML = 1024 * 1024;

export interface PointerDocument {
  readonly text: string;
  readonly data: unknown;
}

/**
 * Reads the document that a pointer goes into. Read anew at every run, because the runtime may have changed it; a torn one
 * (its writer is in the middle of it) is refused, and never half understood.
 *
 * @throws CaptureError COMPONENT_PATH
 */
export async function readPointerDocument(file: string, content?: Buffer): Promise<PointerDocument> {
  const decoded = decodeText(content ?? (await readLimited(file)));
  if (!("text" in decoded)) {
    const { what, ...position } = decoded;
    throw invalid(file, what, { file, ...position });
  }
  const { text } = decoded;
  // A document that begins as JSON must be JSON: YAML would read some torn ones as something else.
  const json = /\.json$/i.test(file) || /^\s*[{[]/.test(text);
  return { text, data: json ? parseJson(file, text) : parseYaml(file, text) };
}

/** Where in the document the value of a pointer begins, for messages; the nearest place above it when it is not there. */
export function locatePointer(file: string, text: string, keys: readonly string[]): Position | undefined {
  if (text.length > LARGEST_YAML) return undefined;
  const lines = new LineCounter();
  let node: unknown = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false }).contents;
  for (const key of keys) {
    let next: unknown;
    if (isMap(node)) next = node.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === key)?.value;
    else if (isSeq(node)) next = node.items[Number(key)];
    if (next === undefined || next === null) break;
    node = next;
  }
  return positionAt(file, lines, (node as Node | null)?.range?.[0] ?? 0);
}

async function readLimited(file: string): Promise<Buffer> {
  try {
    // O_NONBLOCK: a FIFO that took the file's name does not hang the backup.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw invalid(file, "it is not a file");
    if (stats.size > LARGEST) throw invalid(file, `it has ${stats.size} bytes, at most ${LARGEST} are read`);
    const bytes = await handle.readFile();
    if (bytes.length > LARGEST) throw invalid(file, `it grew above ${LARGEST} bytes`);
    return bytes;
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const missing = errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR";
    throw new CaptureError(
      "COMPONENT_PATH",
      missing
        ? `No document at "${file}", which holds the path`
        : `Cannot read the document "${file}", which holds the path: ${messageOf(error)}`,
      { cause: error, hint: "Correct `from` in the configuration, or put the document there" },
    );
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own message can quote what is in the document, and that may be a secret.
    const cause = new SyntaxError("The document is not JSON");
    throw invalid(file, "it is not whole JSON", jsonErrorPosition(file, text, error), cause);
  }
}

const JSON_TOKEN =
  /[\s]*(?:[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;

/** V8 gives a position for some errors; for the others it is the end, or the first thing that is no word of JSON. */
function jsonErrorPosition(file: string, text: string, error: unknown): Position | undefined {
  const given = /at position (\d+)/.exec(String(error))?.[1];
  if (given !== undefined) return positionIn(file, text, Number(given));
  if (/unexpected end/i.test(String(error))) return positionIn(file, text, text.length);
  let end = 0;
  for (const token = new RegExp(JSON_TOKEN); token.test(text);) end = token.lastIndex;
  const wrong = text.slice(end).search(/\S/);
  return wrong === -1 ? undefined : positionIn(file, text, end + wrong);
}

function positionIn(file: string, text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { file, line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

function parseYaml(file: string, text: string): unknown {
  if (text.length > LARGEST_YAML) throw invalid(file, `it has ${text.length} characters, at most ${LARGEST_YAML} are read as YAML`);
  const lines = new LineCounter();
  let position: Position | undefined;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [first] = document.errors;
    if (first === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
    position = positionAt(file, lines, first.pos[0]);
    throw first;
  } catch (cause) {
    throw invalid(file, "it is not whole YAML", position, cause);
  }
}

function positionAt(file: string, lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

function invalid(file: string, what: string, position?: Position, cause?: unknown): CaptureError {
  const where = position === undefined ? `"${file}"` : `${file}:${position.line}:${position.column}`;
  return new CaptureError("COMPONENT_PATH", `Cannot take a path from ${where}: ${what}`, {
    cause,
    hint: "Look at that document; when its program was writing it just now, run the command again",
    ...(position === undefined ? {} : { position }),
  });
}
