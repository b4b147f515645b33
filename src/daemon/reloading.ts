import type { Config } from "../config/index.ts";
import { messageOf } from "../kernel/index.ts";
import { orchestrate, type Instance, type Orchestration } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";
import { configChanges } from "./config-changes.ts";
import type { Watched } from "./poll-until.ts";

export interface ReloadingParts extends Watched {
  readonly open: () => Promise<Instance>;
  readonly log: Log;
}

/** What only a new process can take on: what it has open lies there. */
const FIXED = ["name", "stateDir", "file", "server.listen", "server.tokens_file", "server.insecure"] as const;

function fixedOf({ name, stateDir, file, server }: Config): Readonly<Record<(typeof FIXED)[number], unknown>> {
  return {
    name,
    stateDir,
    file,
    "server.listen": `${server.host} ${server.port}`,
    "server.tokens_file": server.tokensFile,
    "server.insecure": server.insecure,
  };
}

/**
 * The configuration in force, and how it changes under a daemon that goes on: what differs is said, a file that is refused
 * changes nothing, and what runs under the former one runs to its end.
 */
export class Reloading implements AsyncDisposable {
  readonly #parts: ReloadingParts;
  readonly #retired: Orchestration[] = [];
  #current: Watched;
  #asked = false;

  constructor(parts: ReloadingParts) {
    this.#parts = parts;
    this.#current = parts;
  }

  get current(): Watched {
    return this.#current;
  }

  /** At the next look, and not in the middle of one. */
  ask(): void {
    this.#asked = true;
  }

  /** Since it was last settled. */
  get asked(): boolean {
    return this.#asked;
  }

  async settle(): Promise<void> {
    await this.#letGo();
    if (!this.#asked) return;
    this.#asked = false;
    const { log, open } = this.#parts;
    const before = this.#current;
    let instance: Instance;
    try {
      instance = await open();
    } catch (error) {
      log("error", `The configuration is refused, and the former one stays in force: ${messageOf(error)}`);
      return;
    }
    const [was, is] = [fixedOf(before.instance.config), fixedOf(instance.config)];
    const fixed = FIXED.find((key) => was[key] !== is[key]);
    if (fixed !== undefined) {
      log("error", `The configuration is refused, and the former one stays in force: ${fixed} changes only with a new daemon`);
      return;
    }
    const changes = configChanges(before.instance.config, instance.config, instance.env);
    if (changes.length === 0) return log("info", "The configuration was read again: nothing has changed.");
    for (const change of changes) log("info", `Configuration: ${change}`);
    let orchestration: Orchestration;
    try {
      orchestration = orchestrate(instance, log);
    } catch (error) {
      log("error", `The configuration cannot be taken on, and the former one stays in force: ${messageOf(error)}`);
      return;
    }
    this.#retired.push(before.orchestration);
    this.#current = { instance, orchestration };
    try {
      await before.orchestration.retire(orchestration);
    } catch (error) {
      log("error", `What the former configuration kept could not be given back: ${messageOf(error)}`);
    }
  }

  /** Of a configuration that is replaced, and under which nothing runs any more, nothing is kept open. */
  async #letGo(): Promise<void> {
    for (const one of this.#retired.filter(({ isIdle }) => isIdle)) {
      this.#retired.splice(this.#retired.indexOf(one), 1);
      // oxlint-disable-next-line no-await-in-loop -- there is one, or none
      await one[Symbol.asyncDispose]();
    }
  }

  /** Everything that runs, under whichever configuration it was started. */
  all(): Pick<Orchestration, "close"> {
    const all = [...this.#retired, this.#current.orchestration];
    return { close: async (options) => void (await Promise.allSettled(all.map(async (one) => await one.close(options)))) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [...this.#retired, this.#current.orchestration]) await one[Symbol.asyncDispose]();
  }
}
