import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { startOrchestrator, type RunningOrchestrator } from "./running-orchestrator.ts";

/** The orchestrator of the quickstart, which the commands under `runtime:` stop, start, and ask whether it works. */
export interface RuntimeControl extends AsyncDisposable {
  /** The one that runs now. */
  readonly orchestrator: RunningOrchestrator;
  /** Lines for holdfast.yaml. */
  readonly config: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** How often the runtime was stopped by its command. */
  stops(): number;
}

/** Listens on a socket beside the workspace: what systemctl or docker compose is to a real orchestrator. */
export async function controlRuntime(folder: string, agent: string): Promise<RuntimeControl> {
  let orchestrator = startOrchestrator(agent);
  let running = true;
  let stops = 0;
  const stop = async (): Promise<void> => {
    if (running) await orchestrator[Symbol.asyncDispose]();
    running = false;
  };
  const start = async (): Promise<void> => {
    if (!running) orchestrator = startOrchestrator(agent);
    running = true;
    await orchestrator.reach(1);
  };
  const socket = join(folder, "runtime.sock");
  const server: Server = createServer({ allowHalfOpen: true }, (connection) => {
    const answer = async (word: string): Promise<string> => {
      if (word === "stop") {
        stops += 1;
        await stop();
      } else if (word === "start") await start();
      // Healthy: it commits.
      else await orchestrator.reach(orchestrator.committed() + 1);
      return "done";
    };
    connection.setEncoding("utf8").once("data", (word: string) => {
      void answer(word)
        .catch((error: unknown) => `failed: ${String(error)}`)
        .then((text) => connection.end(text));
    });
  });
  server.listen(socket);
  await once(server, "listening");
  const command = (word: string): string => JSON.stringify([process.execPath, join(import.meta.dirname, "ask-runtime.ts"), socket, word]);
  return {
    get orchestrator() {
      return orchestrator;
    },
    config: `runtime:\n  stop: ${command("stop")}\n  start: ${command("start")}\n  health: { command: ${command("health")}, timeout: 30s }\n`,
    stop,
    start,
    stops: () => stops,
    [Symbol.asyncDispose]: async () => {
      await stop();
      server.close();
    },
  };
}
