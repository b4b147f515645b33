import { fstatSync } from "node:fs";
import { redact } from "../kernel/index.ts";
import type { Io } from "./io.ts";
import type { Log } from "./json-log.ts";
import { printableLines } from "./table.ts";

/**
 * Where what goes on is written, a line for each word: text for people, JSON Lines with --json. A line is written when it
 * is said; what a pipe has not taken yet is written before the process ends.
 */
export async function logTo(io: Io, stream: NodeJS.WriteStream & { readonly fd: number }): Promise<Log> {
  // Node's own stream for a file ends at the first write that fails, and a disk that was full for a moment would silence
  // the log for good. A pipe keeps Node's: one that nobody reads must not hold up the backups.
  const keepsUp = fstatSync(stream.fd).isFile();
  if (io.json || keepsUp) {
    const { jsonLog, lastingFile } = await import("./json-log.ts");
    const destination = keepsUp ? lastingFile(stream.fd) : stream;
    return io.json ? jsonLog(destination, io.quiet) : textLog(io, destination);
  }
  return textLog(io, stream);
}

function textLog(io: Io, destination: { write(line: string): unknown }): Log {
  const colours = { debug: io.paint.dim, info: io.paint.green, warn: io.paint.yellow, error: io.paint.red };
  return (level, message) => {
    if (io.quiet && (level === "debug" || level === "info")) return;
    const line = `${new Date().toISOString()} ${colours[level](level.toUpperCase().padEnd(5))} ${redact(message)}`;
    destination.write(`${printableLines(line)}\n`);
  };
}
