import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What an upgrade that goes wrong does: a table is gone, the JSON state is cut off, notes are removed. */
export function damage(agent: string): void {
  using database = new DatabaseSync(join(agent, "data", "agent.db"), { timeout: 30_000 });
  database.exec("DROP TABLE tasks");
  truncateSync(join(agent, "orchestrator.json"), 20);
  rmSync(join(agent, "memory", "writer"), { recursive: true });
}

export interface LiveState {
  /** Tasks with a title that was there from the beginning. */
  readonly tasks: number;
  readonly jsonParses: boolean;
  readonly notes: number;
}

/** A look at the live state, which may be in use. */
export function lookAt(agent: string): LiveState {
  using database = new DatabaseSync(join(agent, "data", "agent.db"), { readOnly: true, timeout: 30_000 });
  const { count } = database.prepare("SELECT count(*) AS count FROM tasks").get() as { count: number };
  const writer = join(agent, "memory", "writer");
  return {
    tasks: count,
    jsonParses: parses(readFileSync(join(agent, "orchestrator.json"), "utf8")),
    notes: existsSync(writer) ? readdirSync(writer).length : 0,
  };
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
