import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Another process that has a database open and does what it is told. */
export interface DatabaseProgram extends AsyncDisposable {
  /** Runs SQL there; gives the first row of a statement that gives rows. Resolves when it is done. */
  run(sql: string): Promise<Record<string, unknown> | undefined>;
  /** SIGKILL: its log stays behind. */
  kill(): Promise<void>;
}

const SCRIPT = `
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(process.argv[1], { timeout: 5000 });
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const sql = JSON.parse(line);
    try {
      const row = /^(select|pragma)/i.test(sql) ? database.prepare(sql).get() : database.exec(sql);
      console.log(JSON.stringify({ row }));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error) }));
    }
  });`;

export function databaseProgram(path: string): DatabaseProgram {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", SCRIPT, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "close");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    async run(sql) {
      const answer = once(lines, "line") as Promise<[string]>;
      child.stdin.write(`${JSON.stringify(sql)}\n`);
      const [line] = await answer;
      const { row, error } = JSON.parse(line) as { row?: Record<string, unknown>; error?: string };
      if (error !== undefined) throw new Error(error);
      return row;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
