import { TextDecoder } from "node:util";
import { DamageError } from "../kernel/index.ts";
import { ENTRY_LINE_LIMIT, parseEntryLine, type Entry } from "../vault/index.ts";

/** Lines to entries, several at once: one await per piece and not per line. */
export async function* parseLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Entry[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  let number = 0;
  for await (const chunk of bytes) {
    const lines = (rest + decode(decoder, chunk)).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > ENTRY_LINE_LIMIT) throw damaged("has a line that is too long");
    yield lines.map((line) => parseEntryLine(line, (number += 1)));
  }
  if (rest !== "" || decode(decoder, undefined) !== "") throw damaged("is cut off");
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (cause) {
    throw damaged("is not UTF-8", cause);
  }
}

function damaged(problem: string, cause?: unknown): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The backup is damaged: entries.jsonl ${problem}`, { cause, hint: "Use another backup" });
}
