/** Where the daemon's log takes what the API has to say. */
export type Log = (level: "debug" | "info" | "warn" | "error", message: string, about?: Readonly<Record<string, string>>) => void;
