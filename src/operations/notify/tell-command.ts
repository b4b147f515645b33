import { spawn } from "node:child_process";
import { once } from "node:events";
import { messageOf, redact, stopGroup } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { DELIVERED, undone, type Delivery } from "./delivery.ts";
import type { Notification } from "./notification.ts";

const KEPT = 2048;

/**
 * Runs a program that gets the document on its standard input. TERM comes while a fifth of its time is left, and KILL when
 * none is: whoever waits for it does not wait longer.
 */
export async function tellCommand(
  { config, env }: Instance,
  argv: readonly string[],
  notification: Notification,
  { millis, signal }: { readonly millis: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { cwd: config.folder, env, stdio: ["pipe", "ignore", "pipe"], detached: true });
  let last = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (last = (last + text).slice(-KEPT)));
  // One that does not read its input has its own way of knowing.
  child.stdin.on("error", () => {});
  child.stdin.end(`${JSON.stringify(notification)}\n`);
  const soft = setTimeout(() => stopGroup(child.pid, "SIGTERM"), millis * 0.8);
  const kill = (): void => stopGroup(child.pid, "SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    const [exitCode, by] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    if (exitCode === 0) return DELIVERED;
    const how = signal.aborted || by !== null ? "was ended: it took too long" : `ended with exit code ${exitCode}`;
    const line = redact(last.trim().split("\n").at(-1) ?? "");
    return undone(`It ${how}${line === "" ? "" : `: ${line}`}`, true);
  } catch (error) {
    return undone(`It cannot be run: ${messageOf(error)}`, true);
  } finally {
    clearTimeout(soft);
    signal.removeEventListener("abort", kill);
    child.stderr.destroy();
    child.stdin.destroy();
  }
}
