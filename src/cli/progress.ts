import { formatBytes, formatDuration, monotonicNow } from "../kernel/index.ts";
import type { Io } from "./io.ts";

export interface ProgressState {
  readonly phase: string;
  readonly component: string | null;
  readonly bytes: number;
  /** Bytes that are likely to come in all; null when nobody knows. */
  readonly expected: number | null;
}

export interface Progress extends Disposable {
  /** The backup has its id; said to programs only. */
  begin(id: string): void;
  update(state: ProgressState): void;
}

/** A redraw costs more than the eye gains. Milliseconds. */
const INTERVAL = 100;
const WIDTH = 24;

/** A bar with phase, bytes, rate and remaining time on a terminal; JSON Lines for a program; nothing elsewhere. */
export function startProgress(io: Io): Progress {
  const started = monotonicNow();
  let last = Number.NEGATIVE_INFINITY;
  let shown = false;
  const clear = (): void => {
    if (shown) process.stderr.write("\r\u001B[2K");
    shown = false;
  };
  return {
    begin: (id) => {
      if (io.jsonProgress) process.stdout.write(`${JSON.stringify({ event: "begin", id })}\n`);
    },
    update: (state) => {
      if (!io.live && !io.jsonProgress) return;
      const now = monotonicNow();
      if (now - last < INTERVAL) return;
      last = now;
      if (io.jsonProgress) {
        process.stdout.write(`${JSON.stringify({ event: "progress", ...state })}\n`);
        return;
      }
      process.stderr.write(`\r\u001B[2K${progressLine(state, (now - started) / 1000).slice(0, (process.stderr.columns ?? 80) - 1)}`);
      shown = true;
    },
    [Symbol.dispose]: clear,
  };
}

export function progressLine({ phase, component, bytes, expected }: ProgressState, seconds: number): string {
  const rate = seconds > 0 ? bytes / seconds : 0;
  const what = component === null ? phase : `${phase} ${component}`;
  const figures = `${formatBytes(bytes)}, ${formatBytes(Math.round(rate))}/s`;
  if (expected === null || expected === 0) return `${what}: ${figures}`;
  const part = Math.min(1, bytes / expected);
  const bar = "#".repeat(Math.round(part * WIDTH)).padEnd(WIDTH, "-");
  const left = rate > 0 && part < 1 ? `, ${formatDuration(((expected - bytes) / rate) * 1000)} left` : "";
  return `[${bar}] ${Math.round(part * 100)}% ${what}: ${figures}${left}`;
}
