import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeInstance } from "../../test/support/instance.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openInstance } from "../app/index.ts";
import type { Instance } from "../operations/index.ts";
import { runBeside } from "./run-beside.ts";

interface Stage extends Disposable {
  readonly instance: Instance;
  join(name: string): string;
  /** Names of what was taken. */
  taken(): readonly string[];
  /** Runs a line of the shell, whose signals come from the test. */
  run(line: string, how?: { readonly interactive?: boolean; readonly instance?: Instance }): Promise<number>;
  signal(name: NodeJS.Signals): void;
  readonly logged: readonly string[];
}

/** A signal that the program outlives by this much was not its end. */
const SOON = 100;

function stage(): Stage {
  const folder = temporaryFolder();
  writeFileSync(folder.join("state.json"), '{"turn":1}\n');
  const { config, vault } = makeInstance(folder.path, "  state: { path: state.json }", {
    compression: false,
    more: `orchestrator: { shutdown_timeout: ${SOON}ms }\n`,
  });
  const env = { ...process.env, HOLDFAST_BACKUP__ON_STARTUP: "false", HOLDFAST_BACKUP__SCHEDULE: "0 0 1 1 *" };
  const instance = openInstance({ config, env, cwd: folder.path, blocking: false });
  const logged: string[] = [];
  let take: ((signal: NodeJS.Signals) => void) | undefined;
  return {
    instance,
    join: folder.join,
    taken: () => (existsSync(vault) ? readdirSync(vault).filter((name) => name.startsWith("20")) : []),
    run: async (line, how = {}) =>
      await runBeside({
        instance: how.instance ?? instance,
        argv: ["sh", "-c", line],
        cwd: folder.path,
        interactive: how.interactive === true,
        log: (level, message) => void logged.push(`${level} ${message}`),
        onSignals: (given) => (take = given),
      }),
    signal: (name) => take?.(name),
    logged,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const made = async (path: string): Promise<void> => await expect.poll(() => existsSync(path), { timeout: 30_000, interval: 5 }).toBe(true);

describe("runBeside()", () => {
  it("takes the last backup in its own time when the program has outlived a signal by more than shutdown_timeout", async () => {
    using one = stage();
    const outlives = `trap 'exec sleep ${(3 * SOON) / 1000}' INT; touch ready; while :; do sleep 0.02; done`;
    const running = one.run(outlives);
    await made(one.join("ready"));
    one.signal("SIGINT");
    expect(await running).toBe(0);
    expect(one.logged.join("\n")).not.toContain("no time");
    expect(one.taken()).toEqual([expect.stringMatching(/_shutdown$/)]);
  });

  it("takes it in its own time after an interrupt from the keyboard as well: no clock of a supervisor runs then", async () => {
    using one = stage();
    const running = one.run("touch ready; while [ ! -e go ]; do sleep 0.02; done; exit 7", { interactive: true });
    await made(one.join("ready"));
    one.signal("SIGINT");
    writeFileSync(one.join("go"), "");
    expect(await running).toBe(7);
    expect(one.taken()).toEqual([expect.stringMatching(/_shutdown$/)]);
  });

  it("starts nothing when the signal comes while the program is made ready, and ends with 130", async () => {
    using one = stage();
    const { env } = one.instance;
    const instance: Instance = {
      ...one.instance,
      // What the program is given is read when everything before it is over, and before it has a process.
      get env() {
        one.signal("SIGTERM");
        return env;
      },
    };
    expect(await one.run("touch started", { instance })).toBe(130);
    expect(existsSync(one.join("started"))).toBe(false);
    expect(one.taken()).toEqual([]);
  });
});
