import { createWriteStream } from "node:fs";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CaptureError, formatDuration, InternalError, enlisted, redact, spawnGated, stopGroup, type GatedChild } from "../kernel/index.ts";
import type { Content, Reading } from "../vault/index.ts";
import { stagedContent } from "./content.ts";
import type { Notes } from "./notes.ts";
import { readingOf } from "./reading-of.ts";
import type { CommandRequest, ReadingRequest } from "./reading-request.ts";
import { stagingFolder } from "./staging-folder.ts";
import { groupName, userName } from "./account-names.ts";

/** Milliseconds between TERM and KILL. */
const GRACE = 5000;
/** As shells have it. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** How much of standard error a message carries. */
const TAIL = 2000;

/** What a command writes to its standard output. It starts when the content is opened, and counts when it exits with 0. */
export async function commandReading(command: CommandRequest, request: ReadingRequest, notes: Notes): Promise<Reading> {
  let run: CommandRun | undefined;
  const staging = request.cut ? stagingFolder(request.staging) : undefined;
  let staged: { readonly content: Content; readonly size: number } | undefined;
  if (staging !== undefined) {
    // Writers are held still now and not when the content is stored: everything the command has to say is taken at once.
    try {
      const target = staging.fresh();
      run = startCommand(command, request);
      await pipeline(run.output, createWriteStream(target, { flags: "wx", mode: 0o600 }));
      await run.ended;
      staged = stagedContent(target);
    } catch (error) {
      await run?.kill();
      await staging.remove();
      throw (
        (await run?.ended.then(
          () => error,
          (cause: unknown) => cause,
        )) ?? error
      );
    }
  }
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const user = userName(uid);
  const group = groupName(gid);
  return readingOf({
    signal: request.signal,
    *entries() {
      yield {
        head: {
          path: command.as,
          type: "file",
          mode: 0o600,
          uid,
          gid,
          ...(user === undefined ? {} : { user }),
          ...(group === undefined ? {} : { group }),
          mtime_ns: (BigInt(request.now) * 1_000_000n).toString(),
          size: staged?.size ?? 0,
        },
        content: staged?.content ?? {
          kind: "stream",
          open() {
            if (run !== undefined) throw new InternalError("The output of a command is read once");
            run = startCommand(command, request);
            return run.output;
          },
        },
      };
    },
    async confirm() {
      if (run === undefined) throw new InternalError("The output of a command was not read");
      const bytes = await run.ended;
      if (bytes === 0) notes.warn(`The command "${command.argv[0]}" wrote nothing`);
    },
    report: () => ({ source: "command", resolved_path: null, ...notes.result() }),
    async close() {
      await run?.kill();
      await staging?.remove();
    },
  });
}

interface CommandRun {
  readonly output: Readable;
  /** Bytes written, once it has ended well; rejects with CaptureError COMMAND_FAILED otherwise. */
  readonly ended: Promise<number>;
  kill(): Promise<void>;
}

function startCommand(command: CommandRequest, request: ReadingRequest): CommandRun {
  const [program = ""] = command.argv;
  let stderr = "";
  let late = false;
  let bytes = 0;
  const failed = (why: string, cause?: unknown): CaptureError => {
    const said = redact(stderr.trim());
    return new CaptureError("COMMAND_FAILED", `The command "${program}" ${why}${said === "" ? "" : `: ${said}`}`, {
      cause,
      hint: "Run it by hand, in the folder of the configuration and as this account, to see why",
    });
  };
  const tooLate = (): CaptureError => failed(`did not end within ${formatDuration(command.timeout)}`);
  const output = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  let child: GatedChild | undefined;
  let stopped = false;
  const starting = (async () => {
    try {
      child = await spawnGated(command.argv, { ...request.programs, stdio: ["ignore", "pipe", "pipe"], group: true });
    } catch (cause) {
      throw failed("cannot be started", cause);
    }
    child.process.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-TAIL)));
    await enlisted(child, program, request.programs);
    if (stopped) child.process.kill("SIGKILL");
    child.open();
    return child;
  })();

  let hardStop: NodeJS.Timeout | undefined;
  const stop = (): void => {
    stopped = true;
    stopGroup(child?.identity.pid, "SIGTERM");
    hardStop ??= setTimeout(() => kill("SIGKILL"), GRACE);
  };
  const kill = (signal: NodeJS.Signals): void => {
    stopped = true;
    stopGroup(child?.identity.pid, signal);
    // A grandchild in a group of its own may hold the pipe; nobody waits for it.
    child?.process.stdout?.destroy();
    child?.process.stderr?.destroy();
  };
  const deadline = setTimeout(() => {
    late = true;
    stop();
  }, command.timeout);
  request.signal?.addEventListener("abort", stop, { once: true });

  const exit = starting.then(async (started) => {
    const { exitCode, signal } = await started.ended;
    if (late) throw tooLate();
    if (signal !== null) throw failed(`was ended by ${signal}`);
    if (exitCode === NOT_FOUND || exitCode === NOT_EXECUTABLE) throw failed("cannot be started");
    if (exitCode !== 0) throw failed(`ended with exit code ${exitCode}`);
  });
  const copied = starting.then(async (started) => {
    if (started.process.stdout !== null) await pipeline(started.process.stdout, output, { end: false });
  });
  const ended = (async () => {
    try {
      // The exit first: it says why the output stopped.
      await exit;
      await copied.catch((cause: unknown) => {
        throw late ? tooLate() : failed("was cut off", cause);
      });
      if (late) throw tooLate();
      output.end();
      return bytes;
    } catch (error) {
      output.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      clearTimeout(deadline);
      clearTimeout(hardStop);
      request.signal?.removeEventListener("abort", stop);
    }
  })();
  // Whoever reads the output or confirms hears of it; nobody may be left when a reading is only closed.
  for (const promise of [ended, exit, copied]) promise.catch(() => {});
  return {
    output,
    ended,
    async kill() {
      // Of one that has ended and was read to its end, the number may be another group's by now.
      if (child === undefined || child.process.exitCode === null || child.process.stdout?.destroyed !== true) kill("SIGKILL");
      output.destroy();
      await ended.catch(() => {});
    },
  };
}
