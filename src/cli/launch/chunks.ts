import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import { stampOf, type KeptCode } from "./kept-code.ts";

type Load = (id: string) => unknown;
type Body = (exports: object, require: Load, module: { readonly exports: object }, filename: string, folder: string) => void;

interface Compiled {
  readonly name: string;
  readonly script: Script;
  /** Of the source that was compiled. */
  readonly stamp: string;
}

const HEAD = "(function (exports, require, module, __filename, __dirname) {";

/**
 * The files of the command's bundle, each loaded once, with what V8 compiled of it in earlier runs. Node keeps the code of a module as well, as it is before
 * anything of it has run: functions are compiled when they are called, and of a backup that took a tenth of the time.
 */
export class Chunks {
  readonly #folder: string;
  readonly #kept: KeptCode | undefined;
  readonly #builtin: Load;
  readonly #flags: Buffer = underFlags();
  readonly #loaded: Map<string, object> = new Map();
  readonly #compiled: Compiled[] = [];
  /** Whether anything was compiled that was not kept. */
  #isNew = false;

  constructor(folder: string, kept: KeptCode | undefined) {
    this.#folder = folder;
    this.#kept = kept;
    this.#builtin = createRequire(join(folder, "main.cjs"));
  }

  /** @returns its exports */
  load(name: string): object {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    const path = join(this.#folder, name);
    const script = this.#compile(name, path);
    const module = { exports: {} };
    // Chunks that load each other find what there is by then.
    this.#loaded.set(name, module.exports);
    const body = script.runInThisContext() as Body;
    try {
      body(module.exports, (id) => this.#require(id), module, path, this.#folder);
    } catch (error) {
      this.#loaded.delete(name);
      throw error;
    }
    return module.exports;
  }

  #require(id: string): unknown {
    return id.startsWith("./") ? this.load(id.slice(2)) : this.#builtin(id);
  }

  #compile(name: string, path: string): Script {
    const stamp = this.#kept === undefined ? "" : stampOf(path);
    const source = readFileSync(path, "utf8");
    const cachedData = this.#kept?.read(name, stamp);
    const script = new Script(`${HEAD}${source}\n})`, {
      filename: path,
      columnOffset: -HEAD.length,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    this.#isNew ||= cachedData === undefined || script.cachedDataRejected === true;
    this.#compiled.push({ name, script, stamp });
    return script;
  }

  /**
   * Keeps what is compiled by now of all that is loaded, when some of it was not kept yet. Under other flags of V8 than at the beginning it would be refused the next time.
   *
   * @param resetFlags called when they are others
   */
  keep(resetFlags: () => void): void {
    if (!this.#isNew) return;
    if (!underFlags().equals(this.#flags)) resetFlags();
    if (!underFlags().equals(this.#flags)) return;
    for (const { name, script, stamp } of this.#compiled) this.#kept?.write(name, stamp, () => script.createCachedData());
  }
}

/** What V8 makes of a script, which says under which flags it was made. */
function underFlags(): Buffer {
  return new Script("0").createCachedData();
}
