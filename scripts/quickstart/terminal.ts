import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../../bin/holdfast.js", import.meta.url));
const coloured = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";

function paint(code: number, text: string): string {
  return coloured ? `\u001B[${code}m${text}\u001B[0m` : text;
}

export function heading(number: number, text: string): void {
  console.log(`\n${paint(1, `${number}. ${text}`)}\n`);
}
export function say(text: string): void {
  console.log(text);
}
export function proved(text: string): void {
  console.log(`${paint(32, "ok")}  ${text}`);
}
export function failed(text: string): void {
  console.error(`\n${paint(31, "failed")}  ${text}`);
}

/**
 * Shows a command as a user types it, runs it, and lets it print for itself.
 *
 * @throws Error when it does not end with exit code 0
 */
export async function holdfast(cwd: string, ...args: string[]): Promise<void> {
  const typed = `holdfast ${args.map((argument) => (/^[\w./:=-]+$/.test(argument) ? argument : `'${argument}'`)).join(" ")}`;
  console.log(paint(36, `$ ${typed}`));
  await run(cwd, args, "inherit", typed);
  console.log();
}

/** The same without showing it, for what the quickstart itself wants to know. */
export async function ask<T>(cwd: string, ...args: string[]): Promise<T> {
  return JSON.parse(await run(cwd, [...args, "--json"], "pipe", `holdfast ${args.join(" ")} --json`)) as T;
}

async function run(cwd: string, args: readonly string[], output: "inherit" | "pipe", typed: string): Promise<string> {
  const env = { ...process.env };
  // A configuration that this shell points at is somebody's real one.
  delete env["HOLDFAST_CONFIG"];
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env, stdio: ["ignore", output, "inherit"] });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const [exit, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => resolve([code, by]));
  });
  if (exit !== 0) throw new Error(`"${typed}" ended with ${signal ?? `exit code ${exit}`}`);
  return text;
}
