import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run } from "./measure.ts";
import { publishedPackage } from "./rig.ts";

/** An instance of its own whose daemon runs from the package as it is published. */
export interface BenchInstance {
  readonly folder: string;
  readonly vault: string;
  readonly stateDir: string;
  /** Runs one command to its end. */
  holdfast(...args: string[]): Promise<void>;
  daemon(): Promise<BenchDaemon>;
}

export interface BenchDaemon extends AsyncDisposable {
  readonly pid: number;
  /** One request on a connection that stays open, for the token that may do everything. */
  ask(method: "GET" | "POST", path: string, body?: object): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** From the call to the last byte. Milliseconds. */
  readonly took: number;
}

let packed: Promise<string> | undefined;

/**
 * @param yaml what the configuration says besides name and places; components included
 * @param backup inside `backup: { … }`
 */
export async function benchInstance(folder: string, yaml: string, backup: string): Promise<BenchInstance> {
  packed ??= publishedPackage(join(folder, ".."));
  const launcher = await packed;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "holdfast.yaml");
  writeFileSync(
    file,
    `name: bench
state_dir: state
backup: { path: vault, ${backup} }
server: { listen: "127.0.0.1:0" }
${yaml}
`,
  );
  // A configuration that others could have written is refused.
  chmodSync(file, 0o600);
  const command = [process.execPath, launcher, "--config", file];
  const stateDir = join(folder, "state");
  return {
    folder,
    vault: join(folder, "vault"),
    stateDir,
    holdfast: async (...args) => void (await run([...command, ...args])),
    daemon: async () => await startDaemon([...command, "daemon", "--json"], stateDir),
  };
}

async function startDaemon([program = "", ...args]: readonly string[], stateDir: string): Promise<BenchDaemon> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  const listening = Promise.withResolvers<string>();
  void ended.then(() => listening.reject(new Error("The daemon ended before it listened")));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { level, message } = JSON.parse(line) as { level: string; message: string };
    if (level === "warn" || level === "error") console.error(`daemon: ${message}`);
    const url = /^Listening on (http:\S+)\.$/.exec(message)?.[1];
    if (url !== undefined) listening.resolve(url);
  });
  const url = await listening.promise;
  const token = readFileSync(join(stateDir, "tokens", "restore"), "utf8").trim();
  const agent = new Agent({ keepAlive: true });
  return {
    pid: child.pid ?? 0,
    ask: async (method, path, body) => await ask(agent, token, { method, url: `${url}${path}`, ...(body === undefined ? {} : { body }) }),
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await stop();
    },
  };
}

async function ask(agent: Agent, token: string, { method, url, body }: { method: string; url: string; body?: object }): Promise<Answer> {
  const began = performance.now();
  const content = body === undefined ? undefined : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(content === undefined ? {} : { "content-type": "application/json" }) };
    request(url, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body: text, took: performance.now() - began }));
      answer.once("error", reject);
    })
      .once("error", reject)
      .end(content);
  });
}

/** Bytes in memory at this moment. */
export function residentSet(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? Number.NaN) * 1024;
}

/** Processor time of all threads so far. Milliseconds. */
export function processorTime(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1e6,
    0,
  );
}
