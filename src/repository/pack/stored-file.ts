import { DamageError, errnoOf, namedSystemError, type CodeOf } from "../../kernel/index.ts";
import { openFile, readFully, type OpenedFile } from "../../vault/index.ts";
import { DAMAGE_HINT } from "./seal.ts";

/**
 * A file of the vault that is read by pieces. Its length was looked at once; what is missing later is damage like everything
 * else that the disk does not give back.
 */
export class StoredFile implements Disposable {
  readonly length: number;
  readonly #file: OpenedFile;
  readonly #subject: string;
  readonly #code: CodeOf<"damage">;

  /**
   * @param subject what the file is, as it stands in a message
   * @throws DamageError with the code, also when there is no such file · HostError
   */
  constructor(path: string, subject: string, code: CodeOf<"damage">) {
    this.#subject = subject;
    this.#code = code;
    this.#file = this.#open(path);
    this.length = Number(this.#file.stats.size);
  }

  /** Of when it was opened. */
  get stats(): OpenedFile["stats"] {
    return this.#file.stats;
  }

  /** Fills the memory whole from a position in the file. */
  fill(into: Buffer, position: number): Buffer {
    let read: number;
    try {
      read = readFully(this.#file.descriptor, into, into.length, position);
    } catch (cause) {
      if (errnoOf(cause) !== "EIO") throw namedSystemError(cause, `read ${this.#subject}`);
      throw this.#damaged("the disk does not give it back (EIO)", cause);
    }
    if (read < into.length) throw this.#damaged("it is cut off");
    return into;
  }

  read(position: number, length: number): Buffer {
    return this.fill(Buffer.allocUnsafe(length), position);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #open(path: string): OpenedFile {
    let file: OpenedFile;
    try {
      file = openFile(path);
    } catch (cause) {
      const errno = errnoOf(cause);
      if (errno === "ENOENT" || errno === "ENOTDIR") throw this.#damaged(`"${path}" is missing`, cause);
      if (errno === "ELOOP") throw this.#damaged(`"${path}" is a link`, cause);
      throw namedSystemError(cause, `open "${path}"`);
    }
    if (file.stats.isFile()) return file;
    file[Symbol.dispose]();
    throw this.#damaged(`"${path}" is no plain file`);
  }

  #damaged(problem: string, cause?: unknown): DamageError {
    return new DamageError(this.#code, `Cannot read ${this.#subject}: ${problem}`, {
      cause,
      hint: DAMAGE_HINT,
    });
  }
}
