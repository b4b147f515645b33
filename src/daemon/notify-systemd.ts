import { errnoOf, messageOf, monotonicNow, runCommand } from "../kernel/index.ts";
import type { Log } from "../orchestrator/index.ts";

/** Milliseconds for one word to systemd. */
const PATIENCE = 10_000;
/** The same for all that is still to be said when the daemon has ended. */
const LAST_WORDS = 1000;

/** What a service of `Type=notify` says of itself, in this order. Nothing is said, and nothing fails, without a systemd that listens. */
export interface Systemd extends AsyncDisposable {
  starting(): void;
  /** It does what it is there for. */
  ready(status: string): void;
  reloading(): void;
  /** The configuration was read again, if it was to be. */
  reloaded(status: () => string): void;
  /** A look at what is due has begun; the next one comes so many milliseconds after it has ended. */
  looking(pollInterval: number): void;
  stopping(): void;
}

/**
 * Takes what systemd has passed out of the environments, so that no task can speak for the daemon, and speaks through
 * systemd-notify: Node.js has no datagram sockets of Unix, and an add-on would be native code (docs/decisions/0019-service.md).
 */
export function notifySystemd(env: NodeJS.ProcessEnv, log: Log): Systemd {
  const { socket, watchdog } = take(env);
  const told = { anything: socket !== undefined, failing: false };
  let sending = Promise.resolve();
  const ending = new AbortController();
  let reloading = false;
  let timer: NodeJS.Timeout | undefined;
  let look = { at: monotonicNow(), pollInterval: 0 };
  const tell = (...variables: string[]): void => {
    if (told.anything) sending = sending.then(async () => await send(variables));
  };
  /** What cannot be told is a remark: whoever does not hear it acts by itself. */
  const send = async (variables: readonly string[]): Promise<void> => {
    if (!told.anything) return;
    const complaint = await sendThrough({ ...env, NOTIFY_SOCKET: socket }, variables, ending.signal);
    if (complaint?.lasting === true) told.anything = false;
    if (complaint !== null && !told.failing) log("warn", `Cannot tell systemd "${variables[0]}": ${complaint.text}.`);
    told.failing = complaint !== null;
  };
  return {
    starting: () => tell("STATUS=Starting: what a restore left is settled, and a backup is taken"),
    ready: (status) => {
      tell("READY=1", `STATUS=${status}`);
      if (watchdog === undefined || !told.anything) return;
      timer = setInterval(
        () => {
          if (looksAlive(monotonicNow() - look.at, look.pollInterval, watchdog)) tell("WATCHDOG=1");
        },
        Math.max(1, watchdog / 2),
      ).unref();
    },
    reloading: () => {
      reloading = true;
      tell("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    reloaded: (status) => {
      if (reloading) tell("READY=1", `STATUS=${status()}`);
      reloading = false;
    },
    looking: (pollInterval) => (look = { at: monotonicNow(), pollInterval }),
    stopping: () => tell("STOPPING=1", "STATUS=Stopping: what runs is ended, and the last backup is taken"),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      const enough = setTimeout(() => ending.abort(), LAST_WORDS);
      await sending;
      clearTimeout(enough);
    },
  };
}

/** A look that has not ended for half a watchdog's time is not alive, whatever else the process still does. Milliseconds. */
export function looksAlive(sinceLook: number, pollInterval: number, watchdog: number): boolean {
  return sinceLook <= pollInterval + watchdog / 2;
}

interface Passed {
  readonly socket: string | undefined;
  /** Milliseconds. */
  readonly watchdog: number | undefined;
}

function take(env: NodeJS.ProcessEnv): Passed {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) {
    delete env[name];
    delete process.env[name];
  }
  const mine = pid === undefined || Number(pid) === process.pid;
  const micros = mine && /^\d+$/.test(usec ?? "") ? Number(usec) : 0;
  return { socket: socket === "" ? undefined : socket, watchdog: micros > 0 ? micros / 1000 : undefined };
}

/** null when it was said. systemd-notify waits until it was heard, so that systemd still finds whose word it was. */
async function sendThrough(
  env: NodeJS.ProcessEnv,
  variables: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly lasting: boolean } | null> {
  try {
    const { exitCode, timedOut, stderr } = await runCommand(["systemd-notify", ...variables], { env, timeout: PATIENCE, signal });
    if (exitCode === 0) return null;
    const why = timedOut ? "nobody heard it in time" : stderr.trim().replaceAll(/\s+/g, " ");
    return { text: why === "" ? `systemd-notify ended with exit code ${exitCode}` : why, lasting: false };
  } catch (error) {
    return errnoOf(error) === "ENOENT"
      ? { text: "systemd-notify is not installed, and a unit of Type=notify needs it", lasting: true }
      : { text: messageOf(error), lasting: false };
  }
}
