import { pino } from "pino";
import { redactData } from "../kernel/index.ts";

export type Log = (level: "debug" | "info" | "warn" | "error", message: string, about?: Readonly<Record<string, string>>) => void;

/** What a disk that is full owes to the log, in characters; what is more than that is lost. */
const OWED = 1_000_000;

/** JSON Lines: `time`, `level`, `message`, and what the line is about. Every value goes through the kernel's redactor. */
export function jsonLog(destination: { write(line: string): unknown }, quiet: boolean): Log {
  const logger = pino(
    {
      level: quiet ? "warn" : "debug",
      base: null,
      messageKey: "message",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: ["*"], censor: (value) => redactData(value) },
    },
    { write: (line) => void destination.write(line) },
  );
  // Fields and text apart: a text with a "%s" in it is a text.
  return (level, message, about = {}) => logger[level]({ ...about, message });
}

/** A file that is written at once, and that goes on where it was when the disk has room again. */
export function lastingFile(descriptor: number): { write(line: string): unknown } {
  const file = pino.destination({ fd: descriptor, sync: true, maxLength: OWED });
  // Owed lines come before the next one. Where nothing can be written there is nobody to tell.
  file.on("error", () => {});
  return file;
}
