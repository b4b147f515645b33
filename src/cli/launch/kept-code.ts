import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";

const FOLDER = ".compiled";
/** Before the code, which V8 wants aligned: the stamp of the source, and a sum over the code. Bytes. */
const HEAD_LENGTH = 128;
/** Bits of a mode by which others than the owner may write. */
const OTHERS_WRITE = 0o022;
/** Options of Node that are none of V8's. */
const NO_FLAG = "--disable-warning";

/**
 * What V8 compiled of the command, in a folder beside it. Only the package's owner writes there, and what somebody else owns or could have written is not
 * read: it would be run. Nothing that fails here is told: then everything is compiled anew.
 */
export class KeptCode {
  readonly #top: string;
  readonly #folder: string;
  readonly #owner: number;
  readonly #mayRead: boolean;
  #mayWrite: boolean;

  private constructor(top: string, owner: number) {
    this.#top = top;
    this.#folder = join(top, `${process.version}-${process.arch}`);
    this.#owner = owner;
    this.#mayRead = [this.#top, this.#folder].every((folder) => this.#isOwn(() => lstatSync(folder)));
    // V8 refuses code that was compiled under other flags: what is kept is for whoever sets none.
    const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].filter((one) => one !== "" && !one.startsWith(NO_FLAG));
    this.#mayWrite = process.geteuid?.() === owner && options.length === 0;
  }

  /** @param bundle folder of the compiled files. @returns undefined where nothing is to be kept */
  static of(bundle: string): KeptCode | undefined {
    const isOff = process.env["NODE_DISABLE_COMPILE_CACHE"] !== undefined || process.env["NODE_V8_COVERAGE"] !== undefined;
    return isOff ? undefined : new KeptCode(join(bundle, FOLDER), statSync(bundle).uid);
  }

  /** @param stamp of the source */
  read(name: string, stamp: string): Buffer | undefined {
    if (!this.#mayRead) return undefined;
    let descriptor: number | undefined;
    try {
      const opened = (descriptor = openSync(this.#pathOf(name), constants.O_RDONLY | constants.O_NOFOLLOW));
      if (!this.#isOwn(() => fstatSync(opened))) return undefined;
      const bytes = readFileSync(opened);
      const code = bytes.subarray(HEAD_LENGTH);
      return bytes.toString("latin1", 0, HEAD_LENGTH) === headOf(stamp, code) ? code : undefined;
    } catch {
      return undefined;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  /** Whole or not at all; what a power cut leaves of it is not what its sum says. */
  write(name: string, stamp: string, compiled: () => Buffer): void {
    if (!this.#mayWrite) return;
    const path = this.#pathOf(name);
    const fresh = `${path}.${process.pid}.tmp`;
    try {
      this.#makeFolder();
      const code = compiled();
      writeFileSync(fresh, Buffer.concat([Buffer.from(headOf(stamp, code), "latin1"), code]), { flag: "wx", mode: 0o644 });
      renameSync(fresh, path);
    } catch {
      this.#mayWrite = false;
      attempt(() => rmSync(fresh, { force: true }));
    }
  }

  /** Of another version of Node nothing stays. Not with what is above it: a package that was removed meanwhile does not come back. */
  #makeFolder(): void {
    attempt(() => mkdirSync(this.#top, 0o755));
    if (!attempt(() => mkdirSync(this.#folder, 0o755))) return;
    for (const name of readdirSync(this.#top))
      if (join(this.#top, name) !== this.#folder) rmSync(join(this.#top, name), { recursive: true, force: true });
  }

  #isOwn(look: () => Stats): boolean {
    try {
      const { uid, mode } = look();
      return uid === this.#owner && (mode & OTHERS_WRITE) === 0;
    } catch {
      return false;
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

/** V8 looks at its own header and not at the code behind it, and runs what a disk made of it. */
function headOf(stamp: string, code: Buffer): string {
  return `${stamp} ${code.length} ${sumOf(code)}`.padEnd(HEAD_LENGTH);
}

/** Not one of zlib's, or crypto's: `--version` needs neither, and each takes longer to load. */
function sumOf(code: Buffer): number {
  const words = new Int32Array(code.buffer.slice(code.byteOffset, code.byteOffset + (code.length & ~3)));
  let sum = 0;
  for (let index = 0; index < words.length; index += 1) sum = (Math.imul(sum, 0x0100_0193) ^ (words[index] as number)) | 0;
  return sum;
}

/** @returns whether it was done */
function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
