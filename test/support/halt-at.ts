import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "vitest";
import type { Crashpoint } from "../../src/kernel/index.ts";

const PRELOAD = fileURLToPath(new URL("halt-preload.ts", import.meta.url));
const PATIENCE = { timeout: 60_000, interval: 5 };

/** A process that stands still at a crashpoint. */
export interface Halted {
  readonly pid: number;
  /** Resolves when a TERM waits for it to go on. */
  told(): Promise<void>;
  goOn(): void;
}

export interface Halt {
  /** For the command: of it and all that it starts, the first that comes to the point stops there. */
  readonly env: Readonly<Record<string, string>>;
  stopped(): Promise<Halted>;
}

export function haltAt(point: Crashpoint, file: string): Halt {
  const state = (pid: number, key: string): string =>
    new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  return {
    env: { HOLDFAST_CRASHPOINT: point, HALT_FILE: file, NODE_OPTIONS: `--import=${pathToFileURL(PRELOAD).href}` },
    stopped: async () => {
      const read = (): number => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0);
      await expect.poll(read, PATIENCE).toBeGreaterThan(0);
      const pid = read();
      await expect.poll(() => state(pid, "State"), PATIENCE).toBe("T");
      return {
        pid,
        // Bit 14 of what is pending for the process
        told: async () => await expect.poll(() => (Number.parseInt(state(pid, "ShdPnd"), 16) >> 14) & 1, PATIENCE).toBe(1),
        goOn: () => void process.kill(pid, "SIGCONT"),
      };
    },
  };
}
