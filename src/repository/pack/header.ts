import { DamageError, HostError, type CodeOf } from "../../kernel/index.ts";
import { DAMAGE_HINT } from "./seal.ts";

export const HEADER_LENGTH = 48;
const SALT_LENGTH = 32;

/** What a file begins with: seven letters, then the version, which is "1". */
export type Magic = "HOLDFPK" | "HOLDFBK";

export interface Header {
  readonly bytes: Buffer;
  readonly epoch: number;
  readonly salt: Buffer;
}

export function makeHeader(magic: Magic, epoch: number, salt: Buffer): Header {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  bytes.write(`${magic}1`, 0, "latin1");
  bytes.writeUInt32LE(epoch, 8);
  salt.copy(bytes, 16, 0, SALT_LENGTH);
  return { bytes, epoch, salt };
}

/**
 * @param subject what the file is, as it stands in a message
 * @throws DamageError with the code · HostError VERSION_UNSUPPORTED
 */
export function parseHeader(magic: Magic, bytes: Buffer, subject: string, code: CodeOf<"damage">): Header {
  const version = bytes.toString("latin1", 7, 8);
  const begins = bytes.length === HEADER_LENGTH && bytes.toString("latin1", 0, 7) === magic;
  if (begins && version > "1" && version <= "9") throw tooNew(subject, version);
  const epoch = begins ? bytes.readUInt32LE(8) : 0;
  if (epoch > 0 && version === "1" && bytes.readUInt32LE(12) === 0) return { bytes, epoch, salt: bytes.subarray(16) };
  throw new DamageError(code, `Cannot read ${subject}: its header is not one of Holdfast`, {
    hint: DAMAGE_HINT,
  });
}

function tooNew(subject: string, version: string): HostError {
  return new HostError("VERSION_UNSUPPORTED", `Cannot read ${subject}: its format is ${version}, and this version reads 1`, {
    hint: "Install a newer version of Holdfast",
  });
}
