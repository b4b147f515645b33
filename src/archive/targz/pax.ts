import { DamageError } from "../../kernel/index.ts";

/** Keys that may stand in a record of ours; anything else could change what a tar program makes of the entry. */
const KEYS = new Set(["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime"]);

/**
 * The body of a pax extended header: `<length> <key>=<value>\n`, where the length counts itself. Values are UTF-8 and
 * may hold line feeds.
 */
export function encodePax(fields: ReadonlyMap<string, string>): Buffer {
  return Buffer.from([...fields].map(([key, value]) => record(key, value)).join(""));
}

function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return `${length} ${key}=${value}\n`;
}

/** @throws DamageError BACKUP_DAMAGED, ARCHIVE_HOSTILE for a key that we never write */
export function decodePax(bytes: Buffer): Map<string, string> {
  const fields = new Map<string, string>();
  for (let offset = 0; offset < bytes.length;) {
    const space = bytes.indexOf(0x20, offset);
    const length = space === -1 || space - offset > 7 ? Number.NaN : Number(bytes.toString("latin1", offset, space));
    const end = offset + length;
    const text =
      Number.isSafeInteger(length) && length > 0 && end <= bytes.length && bytes[end - 1] === 0x0a
        ? bytes.toString("utf8", space + 1, end - 1)
        : "";
    const equals = text.indexOf("=");
    if (equals < 1) throw new DamageError("BACKUP_DAMAGED", "The archive is damaged: a pax header cannot be read");
    const key = text.slice(0, equals);
    if (!KEYS.has(key) || fields.has(key))
      throw new DamageError(
        "ARCHIVE_HOSTILE",
        `Refuse the archive: a pax header sets ${JSON.stringify(key.slice(0, 100))}${fields.has(key) ? " twice" : ""}`,
      );
    fields.set(key, text.slice(equals + 1));
    offset = end;
  }
  return fields;
}
