import { DamageError, HostError } from "../../kernel/index.ts";
import { packKey } from "../keys/derive.ts";
import { checkPack } from "./check-pack.ts";
import { decodeDirectory, DIRECTORY_LIMIT, type Frame } from "./directory.ts";
import { epochKeyOf, type EpochLookup } from "./epoch-lookup.ts";
import { openPart } from "./frame.ts";
import { HEADER_LENGTH, parseHeader, type Header } from "./header.ts";
import { packIdOf } from "./locator.ts";
import type { PackPlace } from "./pack-place.ts";
import { DAMAGE_HINT, DIRECTORY_ORDINAL, SEAL_LENGTH, type Seal } from "./seal.ts";
import type { StoredFile } from "./stored-file.ts";
import { PACK_LIMIT, parseTrailer, TRAILER_LENGTH } from "./trailer.ts";

const SHORTEST: number = HEADER_LENGTH + SEAL_LENGTH + 1 + TRAILER_LENGTH;
/** Read at once from the end: the directory of an ordinary pack is shorter. */
const TAIL = 1024;

/** Holds the first bytes of a pack to what the table says, and derives its key. */
export function readPackHead(file: StoredFile, folder: string, place: PackPlace, subject: string, keys: EpochLookup): Seal {
  if (file.length !== place.length) throw damaged(subject, `it has ${file.length} bytes in place of ${place.length}`);
  if (file.length < SHORTEST || file.length > PACK_LIMIT) throw damaged(subject, `no pack has ${file.length} bytes`);
  const header = readHeader(file, folder, place, subject);
  const id = packIdOf(header.salt);
  if (id !== place.id) throw damaged(subject, `its id is ${id}`);
  const { master } = epochKeyOf(keys, header.epoch, subject, "BACKUP_DAMAGED");
  return { key: packKey(master, header.salt), header: header.bytes, subject, code: "BACKUP_DAMAGED" };
}

/** Reads the directory behind the frames, which must fill what lies between it and the header. */
export function readPackEnd(file: StoredFile, seal: Seal): readonly Frame[] {
  const tail = file.read(file.length - Math.min(TAIL, file.length), Math.min(TAIL, file.length));
  const end = file.length - TRAILER_LENGTH;
  const length = parseTrailer(tail.subarray(-TRAILER_LENGTH));
  if (length === undefined) throw damaged(seal.subject, "it has no trailer");
  if (length <= SEAL_LENGTH || length > end - HEADER_LENGTH) throw damaged(seal.subject, `its directory cannot have ${length} bytes`);
  const isInTail = length + TRAILER_LENGTH <= tail.length;
  const sealed = isInTail ? tail.subarray(-TRAILER_LENGTH - length, -TRAILER_LENGTH) : file.read(end - length, length);
  const directory = openPart(seal, DIRECTORY_ORDINAL, sealed, DIRECTORY_LIMIT);
  return decodeDirectory(directory, `the directory of ${seal.subject}`, HEADER_LENGTH, end - length);
}

/** A version that this program does not know is believed only of a pack whose bytes are those that it is named after. */
function readHeader(file: StoredFile, folder: string, place: PackPlace, subject: string): Header {
  try {
    return parseHeader("HOLDFPK", file.read(0, HEADER_LENGTH), subject, "BACKUP_DAMAGED");
  } catch (error) {
    if (!(error instanceof HostError) || checkPack(folder, place) === "whole") throw error;
    throw damaged(subject, "its header is not one of Holdfast", error);
  }
}

function damaged(subject: string, problem: string, cause?: unknown): DamageError {
  return new DamageError("BACKUP_DAMAGED", `Cannot read ${subject}: ${problem}`, { cause, hint: DAMAGE_HINT });
}
