import { Writable } from "node:stream";
import { createInterface } from "node:readline/promises";
import { InterruptedError, UsageError } from "../kernel/index.ts";
import type { Io } from "./io.ts";

/** A secret is one line; what is longer is something else. Characters. */
const LONGEST = 65_536;

/** Asks on a terminal without showing what is typed; elsewhere reads standard input to its end. */
export async function askSecret(io: Io, what: "recovery code" | "passphrase"): Promise<string> {
  return io.interactive ? await typed(io, what) : await piped(io, what);
}

/** The same for a passphrase that is to open something from now on: what nobody can see is typed twice. */
export async function askNewSecret(io: Io, what: "recovery code" | "passphrase"): Promise<string> {
  const first = await askSecret(io, what);
  if (!io.interactive || what === "recovery code") return first;
  if ((await typed(io, "passphrase, once more")) === first) return first;
  throw new UsageError("USAGE", "The two passphrases are not the same", { hint: "Run it again; nothing was changed" });
}

async function typed(io: Io, what: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // From here on the terminal shows nothing by itself: only then is asked, for a pasted code comes at once.
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  process.stderr.write(`${what.slice(0, 1).toUpperCase()}${what.slice(1)} (not shown): `);
  try {
    return await prompt.question("", { signal: io.signal }).catch((cause: unknown) => {
      throw new InterruptedError("INTERRUPTED", `No ${what} was given; nothing was changed`, { cause });
    });
  } finally {
    prompt.close();
    process.stderr.write("\n");
  }
}

async function piped(io: Io, what: string): Promise<string> {
  if (process.stdin.isTTY)
    throw new UsageError("USAGE", `The ${what} cannot be asked for together with --json`, {
      hint: "Name a file that holds it, or leave --json out",
    });
  let text = "";
  const stop = (): void => void process.stdin.destroy();
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const piece of process.stdin.setEncoding("utf8")) {
      text += String(piece);
      if (text.length > LONGEST)
        throw new UsageError("USAGE", `Standard input holds more than a ${what}`, { hint: "Give the one line alone" });
    }
  } finally {
    io.signal.removeEventListener("abort", stop);
  }
  io.signal.throwIfAborted();
  if (text.trim() !== "") return text;
  throw new UsageError("USAGE", `Standard input holds no ${what}`, { hint: `Type it in on a terminal, or name a file that holds it` });
}
