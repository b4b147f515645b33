import { closeSync, constants, existsSync, fchmodSync, fchownSync, futimesSync, mkdirSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { errnoOf, HostError } from "./errors.ts";

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** O_PATH of Linux, which Node has no name for: a place to go on from, also in a folder that may be entered and not listed. */
const PASS = 0x20_0000 | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Without /proc a path is all there is. */
const DESCRIPTORS = "/proc/self/fd";

/**
 * A folder held by its descriptor, reached from "/" name by name without following a link. What lies in it is addressed
 * through the descriptor, so that nobody who may write to a folder above can lead us elsewhere meanwhile: a link that is
 * laid in the way after a look is the oldest way to make root write for somebody else.
 */
export class HeldFolder implements Disposable {
  readonly path: string;
  readonly descriptor: number;

  private constructor(path: string, descriptor: number) {
    this.path = path;
    this.descriptor = descriptor;
  }

  /**
   * @param make Permission bits for folders on the way that are not there; without them that is an error
   * @throws HostError FILE_SYSTEM when a link or a file lies on the way
   */
  static open(path: string, make?: number): HeldFolder {
    const whole = resolve(path);
    const names = whole.split("/").filter((part) => part !== "");
    let descriptor = openSync("/", names.length === 0 ? FLAGS : PASS);
    let reached = "/";
    try {
      for (const [index, name] of names.entries()) {
        const place = below(descriptor, reached, name);
        const next = openOrMake(place, make, index === names.length - 1 ? FLAGS : PASS);
        closeSync(descriptor);
        descriptor = next;
        reached = join(reached, name);
      }
      return new HeldFolder(whole, descriptor);
    } catch (error) {
      closeSync(descriptor);
      const errno = errnoOf(error);
      if (errno !== "ELOOP" && errno !== "ENOTDIR") throw error;
      throw new HostError("FILE_SYSTEM", `"${reached}" holds a link or a file where a folder was, on the way to "${whole}"`, {
        cause: error,
        hint: "Somebody changed it meanwhile; look who, and run it again",
      });
    }
  }

  /** Where a name in it lies, for any call that takes a path. */
  at(name: string): string {
    return below(this.descriptor, this.path, name);
  }

  change({
    mode,
    uid,
    gid,
    seconds,
  }: {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly seconds: number | Date;
  }): void {
    fchownSync(this.descriptor, uid, gid);
    fchmodSync(this.descriptor, mode);
    futimesSync(this.descriptor, seconds, seconds);
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}

function below(descriptor: number, path: string, name: string): string {
  return existsSync(`${DESCRIPTORS}/${descriptor}`) ? `${DESCRIPTORS}/${descriptor}/${name}` : join(path, name);
}

function openOrMake(place: string, make: number | undefined, flags: number): number {
  try {
    return openSync(place, flags);
  } catch (error) {
    if (make === undefined || errnoOf(error) !== "ENOENT") throw error;
  }
  try {
    mkdirSync(place, { mode: make });
  } catch (error) {
    // Somebody made it meanwhile: the open says what it is.
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  return openSync(place, flags);
}
