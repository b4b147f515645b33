import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

const FOLDER = ".compiled";
/** Of the stamp before the code, which V8 wants aligned. Bytes. */
const STAMP_LENGTH = 128;
/** Bits of a mode by which others than the owner may write. */
const OTHERS_WRITE = 0o022n;
/** Set by people to have nothing kept. */
const OFF = "NODE_DISABLE_COMPILE_CACHE";

/**
 * What V8 compiled of the command, in a folder beside it, by version and options of Node. Only the package's owner writes there, and what somebody else
 * left there is not read: it would be run. Nothing that fails here is told: then everything is compiled anew.
 */
export class KeptCode {
  readonly #folder: string;
  readonly #owner: bigint;
  readonly #mayWrite: boolean;
  #failed = false;

  private constructor(folder: string, owner: bigint) {
    this.#folder = folder;
    this.#owner = owner;
    this.#mayWrite = BigInt(process.geteuid?.() ?? -1) === owner;
  }

  /** @param bundle folder of the compiled files. @returns undefined where nothing is to be kept */
  static of(bundle: string): KeptCode | undefined {
    if (process.env[OFF] !== undefined) return undefined;
    // Some options are flags of V8, under which code is not what it is without them.
    const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ").trim();
    const name = `${process.version}-${process.arch}${options === "" ? "" : `-${encodeURIComponent(options).slice(0, 150)}`}`;
    return new KeptCode(join(bundle, FOLDER, name), statSync(bundle, { bigint: true }).uid);
  }

  /** @param stamp of the source */
  read(name: string, stamp: string): Buffer | undefined {
    const path = this.#pathOf(name);
    try {
      const { uid, mode } = lstatSync(path, { bigint: true });
      if (uid !== this.#owner || (mode & OTHERS_WRITE) !== 0n) return undefined;
      const bytes = readFileSync(path);
      return bytes.toString("latin1", 0, STAMP_LENGTH) === padded(stamp) ? bytes.subarray(STAMP_LENGTH) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all, also after a power cut. */
  write(name: string, stamp: string, compiled: () => Buffer): void {
    if (!this.#mayWrite || this.#failed) return;
    const path = this.#pathOf(name);
    const fresh = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
      writeFlushed(fresh, Buffer.concat([Buffer.from(padded(stamp), "latin1"), compiled()]));
      renameSync(fresh, path);
    } catch {
      this.#failed = true;
      discard(fresh);
    }
  }

  #pathOf(name: string): string {
    return join(this.#folder, `${name}.bin`);
  }
}

/** Tells one state of a file from every other. */
export function stampOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function padded(stamp: string): string {
  return stamp.padEnd(STAMP_LENGTH);
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It lies where nobody reads it.
  }
}

function writeFlushed(path: string, bytes: Buffer): void {
  const descriptor = openSync(path, "wx", 0o644);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
