export type Level = "debug" | "info" | "warn" | "error";

/** Where the orchestrator says what it does. `task` names whom a line is about. */
export type Log = (level: Level, message: string, about?: { readonly task?: string }) => void;
