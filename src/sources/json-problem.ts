import { messageOf } from "../kernel/index.ts";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import verifier from "stream-json/utils/verifier.js";

/** Above this a document is checked piece by piece. Bytes. */
const WHOLE = 64 * 1024 * 1024;

export interface JsonProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What is wrong with a JSON document, or undefined. A byte order mark in front is nothing wrong. */
export async function problemInJson(file: string, whole: number = WHOLE): Promise<JsonProblem | undefined> {
  if (statSync(file).size <= whole) {
    try {
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file)));
      return undefined;
    } catch (error) {
      // The parser's own message names a place in some cases only, so the tokenizer looks again.
      return (await problemInTokens(file)) ?? { line: 1, column: 1, message: messageOf(error) };
    }
  }
  return problemInTokens(file);
}

async function problemInTokens(file: string): Promise<JsonProblem | undefined> {
  const at = { line: 1, column: 1 };
  try {
    const check = verifier.asStream();
    check.resume();
    await pipeline(Readable.from(texts(file, at), { objectMode: true }), check);
    return undefined;
  } catch (error) {
    if (error instanceof TypeError) return { ...at, message: "the text is not UTF-8" };
    if (!isVerifierError(error)) throw error;
    return { line: error.line, column: error.pos, message: error.message.replace(/^ERROR at \d+ \(\d+, \d+\): (Verifier )?/, "") };
  }
}

/** Decoded pieces; `at` follows along, so that the place of a broken byte is known to the piece. */
async function* texts(file: string, at: { line: number; column: number }): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    try {
      yield advance(decoder.decode(chunk as Buffer, { stream: true }), at);
    } catch (error) {
      if (error instanceof TypeError) advance((chunk as Buffer).toString("utf8").split("\uFFFD", 1)[0] ?? "", at);
      throw error;
    }
  }
  yield advance(decoder.decode(), at);
}

function advance(text: string, at: { line: number; column: number }): string {
  const last = text.lastIndexOf("\n");
  if (last === -1) at.column += text.length;
  else {
    for (let next = text.indexOf("\n"); next !== -1; next = text.indexOf("\n", next + 1)) at.line += 1;
    at.column = text.length - last;
  }
  return text;
}

function isVerifierError(error: unknown): error is Error & { line: number; pos: number } {
  return error instanceof Error && "line" in error && "pos" in error && typeof error.line === "number" && typeof error.pos === "number";
}
