import { fileURLToPath } from "node:url";
import type { RunEnd } from "../../src/ledger/index.ts";
import type { Service, Task } from "../../src/orchestrator/index.ts";
import { answeringProcess } from "./answering-process.ts";
import type { Line } from "./task-stage.ts";

export interface OrchestratorSetting {
  readonly stateDir: string;
  readonly cwd: string;
  readonly tasks?: readonly Task[];
  readonly services?: readonly Service[];
  readonly maxDeferral?: number | null;
}

export type OrchestratorCommand =
  | { readonly do: "poll"; readonly now: number }
  | { readonly do: "services" }
  | { readonly do: "ends" }
  | { readonly do: "lines" }
  | { readonly do: "close" };

/** A daemon's worth of orchestrator in a process of its own, which polls when it is told to, and can be killed. */
export interface OrchestratorProcess extends AsyncDisposable {
  readonly pid: number;
  /** Names of what was started. */
  poll(now: number): Promise<string[]>;
  pollServices(): Promise<void>;
  /** Of everything that it has started so far, once all of it has ended. */
  ends(): Promise<RunEnd[]>;
  lines(): Promise<Line[]>;
  close(): Promise<void>;
  /** SIGKILL; what it started works on. */
  kill(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./orchestrator-child.ts", import.meta.url));

export async function orchestratorProcess(setting: OrchestratorSetting): Promise<OrchestratorProcess> {
  const { child, kill, ...other } = await answeringProcess([process.execPath, PROGRAM, JSON.stringify(setting)]);
  const ask = async <T>(command: OrchestratorCommand): Promise<T> => await other.ask(command);
  return {
    pid: child.pid ?? 0,
    poll: async (now) => await ask({ do: "poll", now }),
    pollServices: async () => await ask({ do: "services" }),
    ends: async () => await ask({ do: "ends" }),
    lines: async () => await ask({ do: "lines" }),
    close: async () => await ask({ do: "close" }),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
