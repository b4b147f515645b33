#!/usr/bin/env node
/**
 * Reads a vault of Holdfast in repository form without Holdfast: one file, nothing but Node. What it knows stands in
 * docs/repository-format.md, in the same order, so that a vault depends on a document and not on a program.
 *
 * The vault is hostile: every length is compared with what is there before memory is taken for it, and nothing is written but
 * below the folder that was named, in which there is no link until everything else is written. It changes nothing in the vault
 * and takes no lock. In memory are some frames, one run of entries, a few bytes for each entry, and the places of folders and links.
 */
import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import util from "node:util";
import zlib from "node:zlib";

const HELP = `Usage: node rescue.mjs VAULT [KEY] list
       node rescue.mjs VAULT [KEY] check [ID]
       node rescue.mjs VAULT [KEY] restore ID|latest DIR [--component NAME] [--partial] [--owner]

Reads a vault of Holdfast in repository form, without Holdfast.

  list                   the backups of the vault, newest first
  check [ID]             read back every pack and every content, of one backup or of all
  restore ID DIR         put a backup into a folder that is empty or not there yet

KEY, unless the vault is not encrypted, is one of
  --key-file F           the key file, one line
  --passphrase-file F    a file that holds the passphrase
  --recovery-code-file F a file that holds the recovery code, or a recovery sheet

  --component NAME       restore this component alone, whatever became of the others
  --partial              leave out the files that are damaged, and say which
  --owner                give files to those who owned them; for root

Exit codes: 0 done, 1 failed, 2 not understood, 4 something in the vault is damaged`;

class Failure extends Error {
  constructor(exit, message, cause) {
    super(message, { cause });
    this.exit = exit;
  }
}
const failed = (message, cause) => new Failure(1, message, cause);
const misused = (message) => new Failure(2, message);
const damaged = (message, cause) => new Failure(4, message, cause);
const quote = (text) => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
const warn = (message) => process.stderr.write(`${message}\n`);

// ---------------------------------------------------------------------------------------------------------------------------
// Numbers and texts

const UTF8 = new util.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Takes bytes apart; nothing is allocated by a number that was read. */
class Bytes {
  constructor(buffer, what) {
    this.buffer = buffer;
    this.what = what;
    this.position = 0;
  }
  fail(problem) {
    return damaged(`Cannot read ${this.what}: ${problem}`);
  }
  take(length) {
    if (length > this.buffer.length - this.position) throw this.fail("it ends too early");
    this.position += length;
    return this.buffer.subarray(this.position - length, this.position);
  }
  u8 = () => this.take(1)[0];
  hex = (length) => this.take(length).toString("hex");
  varint() {
    let value = 0;
    for (let count = 0, scale = 1; count < 8; count += 1, scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte >= 128) continue;
      if ((byte === 0 && count > 0) || value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw this.fail("a number is not in its shortest form, or too large");
  }
  /** How many things follow that have at least so many bytes each. */
  count(smallest) {
    const count = this.varint();
    if (count * smallest > this.buffer.length - this.position) throw this.fail(`it cannot hold ${count} of something`);
    return count;
  }
  text() {
    const bytes = this.take(this.varint());
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw damaged(`Cannot read ${this.what}: a text is not UTF-8`, cause);
    }
  }
  end() {
    if (this.position < this.buffer.length) throw this.fail("bytes are left over");
  }
}

// ---------------------------------------------------------------------------------------------------------------------------
// What lies where

const ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_(scheduled|shutdown|startup|manual|pre-migration|pre-restore)(-[1-9]\d{0,4})?$/;
const COMPONENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** A file of the vault, read by pieces; it is not looked for behind a link, and a pipe does not hang it. */
class VaultFile {
  constructor(name, what) {
    this.what = what;
    try {
      this.descriptor = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(error.code)) throw damaged(`Cannot read ${what}: ${error.code}`, error);
      throw error;
    }
    const stats = fs.fstatSync(this.descriptor);
    this.length = stats.size;
    if (stats.isFile()) return;
    this.close();
    throw damaged(`Cannot read ${what}: it is not a file`);
  }
  read(position, length) {
    if (position + length > this.length) throw damaged(`Cannot read ${this.what}: it is cut off`);
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0, read = 1; done < length; done += read) {
      try {
        read = fs.readSync(this.descriptor, bytes, done, length - done, position + done);
      } catch (error) {
        throw error.code === "EIO" ? damaged(`Cannot read ${this.what}: the disk does not give it back (EIO)`, error) : error;
      }
      if (read === 0) throw damaged(`Cannot read ${this.what}: it is cut off`);
    }
    return bytes;
  }
  close() {
    fs.closeSync(this.descriptor);
  }
}

function readDocument(name, what, limit) {
  const file = new VaultFile(name, what);
  try {
    if (file.length > limit) throw damaged(`Cannot read ${what}: it has more than ${limit} bytes`);
    return parseDocument(file.read(0, file.length), what);
  } finally {
    file.close();
  }
}

function parseDocument(bytes, what) {
  let value;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw damaged(`Cannot read ${what}: it is not a JSON document`, cause);
  }
  if (typeof value === "object" && value !== null) return value;
  throw damaged(`Cannot read ${what}: it is not an object`);
}

/** The id in vault.json; without that file the documents of keys say it, which are bound to it. */
function vaultIdOf(top) {
  let value;
  try {
    value = readDocument(path.join(top, ".vault", "vault.json"), "vault.json", 2 ** 20);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    warn(`warning: ${error.message}; going by the keys`);
    return undefined;
  }
  if (typeof value.format === "number" && value.format > 2) throw failed(`The vault has format ${value.format}, and this program reads 2`);
  if (value.format === 1 || value.form === "archive") throw misused("The vault is in archive form: its backups are read with tar alone");
  if (value.format === 2 && value.form === "repository" && typeof value.id === "string") return value.id;
  throw damaged("Cannot trust vault.json: it is not one of a vault in repository form; move it away to go by the keys");
}

/** The ids of the backups. */
function listIds(top) {
  const names = fs.readdirSync(top).filter((name) => name.endsWith(".backup"));
  return names.map((name) => name.slice(0, -".backup".length)).filter((id) => ID.test(id));
}

// ---------------------------------------------------------------------------------------------------------------------------
// Keys

const MOST_EPOCHS = 10_000;
const SLOT_FIELDS = { none: ["key"], file: ["fingerprint"], recovery: ["fingerprint"], passphrase: ["kdf"] };
/** KiB times passes, of all slots that are tried: two at the bounds. */
const KDF_WORK = 2 * 2 ** 20 * 16;

const hkdf = (secret, salt, info) => Buffer.from(crypto.hkdfSync("sha256", secret, salt, info, 32));

/** AES-256-GCM; undefined when it does not authenticate. */
function unseal(key, nonce, associated, sealed) {
  if (sealed.length < 16) return undefined;
  const decipher = crypto.createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(-16));
  const clear = decipher.update(sealed.subarray(0, -16));
  try {
    decipher.final();
    return clear;
  } catch {
    return undefined;
  }
}

const unwrap = (key, bytes, associated) => unseal(key, bytes.subarray(0, 12), Buffer.from(associated), bytes.subarray(12));

function fromBase32(text) {
  const bytes = [];
  let held = 0;
  let bits = 0;
  for (const character of text) {
    held = (held << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(character);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >>> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}

/** The bytes before a checksum, which is the first of their SHA-256. */
function checkedSecret(code, length, sumLength, what) {
  const bytes = /^[A-Z2-7]+$/.test(code) ? fromBase32(code) : Buffer.alloc(0);
  const secret = bytes.subarray(0, length);
  const sum = crypto.hash("sha256", secret, "buffer").subarray(0, sumLength);
  if (bytes.length === length + sumLength && sum.equals(bytes.subarray(length))) return secret;
  throw failed(`Cannot use the ${what}: it is mistyped, cut off, or something else`);
}

/** What was given to open the vault; undefined: nothing. */
function readSecret(options) {
  const given = ["key-file", "passphrase-file", "recovery-code-file"].filter((name) => options[name] !== undefined);
  if (given.length > 1) throw misused(`Give one of --${given.join(" and --")}`);
  if (given.length === 0) return undefined;
  const bytes = fs.readFileSync(options[given[0]]);
  const text = bytes.toString("utf8");
  if (given[0] === "passphrase-file") return { kind: "passphrase", bytes: Buffer.from(text.replace(/\r?\n$/, "").normalize("NFC")) };
  if (given[0] === "recovery-code-file") {
    // Alone, or as it is printed, on a line of a recovery sheet.
    const printed = /^[^\S\n]*((?:[A-Z2-7]{4}-){9}[A-Z2-7]{4})\s*$/m.exec(text)?.[1];
    const code = (printed ?? text).replaceAll(/[\s\p{Pd}]/gu, "").toUpperCase();
    return { kind: "recovery", bytes: checkedSecret(code, 20, 5, "recovery code") };
  }
  const [, version, code] = /^holdfast-key-(\d{1,9})-(\w+)$/.exec(text.trim()) ?? [];
  if (version !== undefined && version !== "1") throw failed(`The key file has format ${version}, and this program reads 1`);
  return { kind: "file", bytes: checkedSecret(code ?? "", 32, 4, "key file") };
}

/** The folders of the documents, and of the copy of the newest. */
const KEY_FOLDERS = ["keys", ".vault/keys"];

function listEpochs(top) {
  const folders = KEY_FOLDERS.map((folder) => path.join(top, folder)).filter((folder) => fs.existsSync(folder));
  const names = folders.flatMap((folder) => fs.readdirSync(folder));
  const epochs = new Set(names.map((name) => Number(/^([1-9]\d{0,4})\.json$/.exec(name)?.[1] ?? 0)));
  return [...epochs].filter((epoch) => epoch > 0 && epoch <= MOST_EPOCHS).toSorted((a, b) => b - a);
}

/** A document of keys, with its bytes decoded. */
function readKeys(top, folder, epoch, vault) {
  const what = `${folder}/${epoch}.json`;
  const document = readDocument(path.join(top, folder, `${epoch}.json`), what, 2 ** 20);
  const must = (holds, problem) => {
    if (!holds) throw damaged(`Cannot trust ${what}: ${problem}`);
  };
  const only = (object, fields) =>
    must(typeof object === "object" && object !== null && Object.keys(object).every((key) => fields.includes(key)), "an unknown field");
  const base64 = (text, length) => {
    const bytes = Buffer.from(typeof text === "string" ? text : "", "base64");
    must(bytes.length === length && bytes.toString("base64") === text, `something is not ${length} bytes in base64`);
    return bytes;
  };
  const whole = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;
  if (whole(document.version, 2, 2 ** 53)) throw failed(`${what} has version ${document.version}, and this program reads 1`);
  only(document, ["version", "epoch", "vault", "created_at", "slots", "previous"]);
  must(document.version === 1 && document.epoch === epoch, "another version or epoch");
  must(typeof document.vault === "string" && document.vault === (vault ?? document.vault), "it belongs to another vault");
  must(Array.isArray(document.slots) && whole(document.slots.length, 1, 32), "no slot, or too many");
  const slots = document.slots.map((slot) => {
    const { id, kind, kdf } = slot ?? {};
    must(Object.hasOwn(SLOT_FIELDS, kind), "a slot of an unknown kind");
    only(slot, ["id", "kind", "label", "created_at", ...SLOT_FIELDS[kind], ...(kind === "none" ? [] : ["salt", "wrapped"])]);
    must(typeof id === "string" && /^[0-9a-f]{16}$/.test(id), "a slot without an id");
    if (kind === "none") return { id, kind, key: base64(slot.key, 32) };
    if (kind === "passphrase") {
      only(kdf, ["name", "memory_kib", "passes", "parallelism"]);
      must(kdf.name === "argon2id" && whole(kdf.parallelism, 1, 8) && whole(kdf.passes, 1, 16), "a slot that asks for too much");
      must(whole(kdf.memory_kib, 8 * kdf.parallelism, 2 ** 20), "a slot that asks for too much memory");
    }
    return { id, kind, kdf, salt: base64(slot.salt, 16), wrapped: base64(slot.wrapped, 12 + 32 + 16) };
  });
  must(new Set(slots.map(({ id }) => id)).size === slots.length, "a slot is there twice");
  must(slots.length === 1 || slots.every(({ kind }) => kind !== "none"), "a key in the clear beside another");
  return { epoch, vault: document.vault, slots, previous: base64(document.previous, 12 + 36 * (epoch - 1) + 16) };
}

/** The master key of a document; undefined when the secret opens no slot. */
function masterOf({ epoch, vault, slots }, secret, work) {
  for (const { id, kind, key, kdf, salt, wrapped } of slots) {
    if (kind !== (secret?.kind ?? "none")) continue;
    if (kind === "none") return key;
    let slotKey;
    if (kind === "passphrase") {
      work.left -= kdf.memory_kib * kdf.passes;
      if (work.left < 0) throw damaged("The passphrase slots ask for more work than any vault does");
      const { memory_kib: memory, passes, parallelism } = kdf;
      slotKey = crypto.argon2Sync("argon2id", { message: secret.bytes, nonce: salt, memory, passes, parallelism, tagLength: 32 });
    } else slotKey = hkdf(secret.bytes, salt, `holdfast slot ${kind}`);
    const master = unwrap(slotKey, wrapped, `holdfast slot 1|${vault}|${epoch}|${id}`);
    if (master !== undefined) return master;
  }
  return undefined;
}

/** The master keys of an epoch and of all before it. */
function openEpochs({ epoch, vault, previous }, master) {
  const clear = unwrap(hkdf(master, "", "holdfast previous"), previous, `holdfast previous 1|${vault}|${epoch}`);
  if (clear === undefined) throw damaged(`Cannot trust keys/${epoch}.json: the earlier keys in it do not open`);
  const masters = new Map([[epoch, master]]);
  for (let earlier = 1; earlier < epoch; earlier += 1) {
    const at = (earlier - 1) * 36;
    if (clear.readUInt32LE(at) !== earlier) throw damaged(`Cannot trust keys/${epoch}.json: its earlier keys are out of order`);
    masters.set(earlier, clear.subarray(at + 4, at + 36));
  }
  return masters;
}

/** From the newest epoch down: what is damaged there does not keep anybody from what an older one opens. */
function openKeys(top, secret) {
  const vault = vaultIdOf(top);
  const epochs = listEpochs(top);
  if (epochs.length === 0) throw damaged("The vault has no keys: its folder keys is empty or missing");
  const problems = new Map();
  const kinds = new Set();
  const work = { left: KDF_WORK };
  for (const epoch of epochs) {
    for (const folder of KEY_FOLDERS.filter((name, index) => index === 0 || fs.existsSync(path.join(top, name, `${epoch}.json`)))) {
      try {
        const document = readKeys(top, folder, epoch, vault);
        for (const { kind } of document.slots) kinds.add(kind);
        const master = masterOf(document, secret, work);
        if (master === undefined) throw failed(`Sealed with the keys of epoch ${epoch}, which what was given does not open`);
        const masters = openEpochs(document, master);
        if (problems.has(epoch)) warn(`warning: ${problems.get(epoch).message}; going by the copy of it`);
        return { top, vault: document.vault, masters, problems };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (!problems.has(epoch)) problems.set(epoch, error);
      }
    }
  }
  const worst = [...problems.values()].find(({ exit }) => exit === 4);
  if (worst !== undefined) throw worst;
  if (secret === undefined) throw failed(`The vault is encrypted, and no key was given; it opens with: ${[...kinds].join(", ")}`);
  throw failed(`The vault does not open with what was given; it opens with: ${[...kinds].join(", ")}`);
}

function masterFor({ masters, problems }, epoch, what) {
  const master = masters.get(epoch);
  if (master !== undefined) return master;
  throw problems.get(epoch) ?? damaged(`Cannot read ${what}: the keys of its epoch ${epoch} are not in the vault`);
}

// ---------------------------------------------------------------------------------------------------------------------------
// Packs

const MIB = 2 ** 20;
const FRAME_LIMIT = 4 * MIB;
const PACK_LIMIT = 64 * MIB;
const DIRECTORY = 0xffff_ffff;

/** The key of a file from its first 48 bytes. */
function openHeader(header, { magic, info, what, keys }) {
  const version = header.toString("latin1", 7, 8);
  const named = header.toString("latin1", 0, 7) === magic;
  if (named && version > "1" && version <= "9") throw failed(`Cannot read ${what}: its format is ${version}, and this program reads 1`);
  if (!named || version !== "1" || header.readUInt32LE(12) !== 0) throw damaged(`Cannot read ${what}: it does not begin as one`);
  const salt = header.subarray(16);
  return { header, what, id: salt.toString("hex", 0, 8), key: hkdf(masterFor(keys, header.readUInt32LE(8), what), salt, info) };
}

/** Opens a sealed part. `raw` is its exact length where that is known, and otherwise `limit` bounds it. */
function openPart({ header, key, what }, ordinal, sealed, { raw, limit = raw }) {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(ordinal);
  const part = ordinal === DIRECTORY ? "directory" : `part ${ordinal}`;
  const clear = unseal(key, Buffer.concat([number, Buffer.alloc(8)]), Buffer.concat([header, number]), sealed);
  if (clear === undefined || clear.length < 2) throw damaged(`Cannot read ${what}: its ${part} does not authenticate`);
  if (clear[0] > 1) throw damaged(`Cannot read ${what}: its ${part} has codec ${clear[0]}`);
  let bytes = clear.subarray(1);
  try {
    if (clear[0] === 1) bytes = zlib.zstdDecompressSync(bytes, { maxOutputLength: limit, chunkSize: Math.max(64, Math.min(limit, MIB)) });
  } catch (cause) {
    throw damaged(`Cannot read ${what}: its ${part} does not decompress`, cause);
  }
  if (raw === undefined ? bytes.length > limit : bytes.length !== raw) throw damaged(`Cannot read ${what}: its ${part} has another length`);
  return bytes;
}

/** A pack as a table names it: `id`, `name`, `length`. */
class Pack {
  constructor(keys, { id, name, length }) {
    this.name = name;
    const what = `pack ${name}`;
    this.file = new VaultFile(path.join(keys.top, "packs", name.slice(0, 2), name), what);
    try {
      if (this.file.length !== length || length < 48 + 18 + 8 || length > PACK_LIMIT)
        throw damaged(`Cannot read ${what}: it has ${this.file.length} bytes in place of ${length}`);
      this.seal = openHeader(this.file.read(0, 48), { magic: "HOLDFPK", info: "holdfast pack", what, keys });
      if (this.seal.id !== id) throw damaged(`Cannot read ${what}: its id is ${this.seal.id}`);
      this.frames = this.readDirectory(what);
    } catch (error) {
      this.file.close();
      throw error;
    }
  }
  readDirectory(what) {
    const trailer = this.file.read(this.file.length - 8, 8);
    const length = trailer.readUInt32LE(0);
    if (trailer.toString("latin1", 4) !== "HFPE" || length > this.file.length - 48 - 8)
      throw damaged(`Cannot read ${what}: its end is gone`);
    const end = this.file.length - 8 - length;
    const directory = new Bytes(
      openPart(this.seal, DIRECTORY, this.file.read(end, length), { limit: FRAME_LIMIT }),
      `directory of ${what}`,
    );
    const frames = [];
    let at = 48;
    for (let left = directory.count(3); left > 0; left -= 1) {
      const frame = { at, stored: directory.varint(), raw: directory.varint(), kind: directory.u8() };
      if (frame.raw < 1 || frame.raw > FRAME_LIMIT || frame.stored > end - at || ![1, 2].includes(frame.kind))
        throw directory.fail("a frame is impossible");
      frames.push(frame);
      at += frame.stored;
    }
    directory.end();
    if (at !== end) throw directory.fail("its frames do not fill the file");
    return frames;
  }
  frame(ordinal, hash) {
    const frame = this.frames[ordinal];
    if (frame === undefined) throw damaged(`Cannot read ${this.seal.what}: it has no frame ${ordinal}`);
    const sealed = this.file.read(frame.at, frame.stored);
    hash?.update(sealed);
    return openPart(this.seal, ordinal, sealed, { raw: frame.raw });
  }
  /** Reads the file once: every frame opens, and the bytes are those that it is named after. */
  check() {
    const hash = crypto.createHash("sha256").update(this.seal.header);
    for (const ordinal of this.frames.keys()) this.frame(ordinal, hash);
    const { at, stored } = this.frames.at(-1) ?? { at: 48, stored: 0 };
    hash.update(this.file.read(at + stored, this.file.length - at - stored));
    if (hash.digest("hex") !== this.name) throw damaged(`Cannot trust ${this.seal.what}: its bytes are not those it is named after`);
  }
}

/** The packs and frames that were used last. */
class Packs {
  open = new Map();
  frames = new Map();
  bytes = 0;
  constructor(keys) {
    this.keys = keys;
  }
  pack(place) {
    const pack = this.open.get(place.name) ?? new Pack(this.keys, place);
    this.open.delete(place.name);
    this.open.set(place.name, pack);
    if (this.open.size > 16) this.close(this.open.keys().next().value);
    return pack;
  }
  close(name) {
    this.open.get(name).file.close();
    this.open.delete(name);
  }
  frame(place, ordinal) {
    const key = `${place.name}/${ordinal}`;
    const known = this.frames.get(key);
    const raw = known ?? this.pack(place).frame(ordinal);
    this.frames.delete(key);
    this.frames.set(key, raw);
    if (known === undefined) this.bytes += raw.length;
    for (const [oldest, bytes] of this.frames) {
      if (this.bytes <= 64 * MIB || oldest === key) break;
      this.frames.delete(oldest);
      this.bytes -= bytes.length;
    }
    return raw;
  }
  /** The bytes of a locator. */
  get(table, { pack, frame, offset, length }) {
    const place = table.get(pack);
    if (place === undefined) throw damaged(`Pack ${pack} is named, and the table of the backup does not hold it`);
    const raw = this.frame(place, frame);
    if (offset + length > raw.length) throw damaged(`Frame ${frame} of pack ${place.name} is shorter than what is named in it`);
    return raw.subarray(offset, offset + length);
  }
}

// ---------------------------------------------------------------------------------------------------------------------------
// Manifest

const SECTION_LIMIT = 64 * MIB;

/** A backup by its id: the manifest, the table of packs by id, and where the trees begin. */
function readBackup(keys, id) {
  const what = `backup ${id}`;
  const file = new VaultFile(path.join(keys.top, `${id}.backup`), what);
  try {
    if (file.length < 48) throw damaged(`Cannot read ${what}: it is cut off`);
    const seal = openHeader(file.read(0, 48), { magic: "HOLDFBK", info: "holdfast manifest", what, keys });
    const sections = [];
    let at = 48;
    for (let ordinal = 0; ordinal < 3; ordinal += 1) {
      const length = file.read(at, 4).readUInt32LE(0);
      if (length > SECTION_LIMIT * 1.01) throw damaged(`Cannot read ${what}: its part ${ordinal} is too long`);
      sections.push(openPart(seal, ordinal, file.read(at + 4, length), { limit: SECTION_LIMIT }));
      at += 4 + length;
    }
    if (at !== file.length) throw damaged(`Cannot read ${what}: bytes are left over`);
    const manifest = parseManifest(sections[0], id, keys.vault);
    const table = readTable(new Bytes(sections[1], `the pack table of ${what}`));
    const roots = readRoots(new Bytes(sections[2], `the roots of ${what}`));
    const same = roots.length === manifest.components.length && roots.every(({ name }) => manifest.components.includes(name));
    if (!same) throw damaged(`Cannot trust ${what}: its trees are not those of its components`);
    return { id, manifest, table, roots };
  } finally {
    file.close();
  }
}

/** The fields that something here depends on; what else stands in it is for people. */
function parseManifest(bytes, id, vault) {
  const manifest = parseDocument(bytes, `the manifest of ${id}`);
  const must = (holds, field) => {
    if (!holds) throw damaged(`Cannot trust the manifest of ${id}: "${field}" is not what it can be`);
  };
  const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;
  const isObject = (value) => typeof value === "object" && value !== null;
  if (/^\d{1,9}$/.test(manifest.version) && Number(manifest.version) > 1)
    throw failed(`The manifest of ${id} has format ${manifest.version}, and this program reads 1`);
  must(manifest.version === "1", "version");
  must(Array.isArray(manifest.features?.read), "features");
  if (manifest.features.read.some((feature) => feature !== "pages_sha256"))
    throw failed(`The backup ${id} uses features that this program does not know`);
  must(manifest.id === id, "id");
  must(manifest.vault === vault, "vault");
  must(isNumber(manifest.sequence) && manifest.sequence > 0, "sequence");
  must(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(manifest.timestamp) && !Number.isNaN(Date.parse(manifest.timestamp)),
    "timestamp",
  );
  must(isNumber(manifest.size_bytes), "size_bytes");
  must(/^sha256:[0-9a-f]{64}$/.test(manifest.checksum), "checksum");
  must(isObject(manifest.component_details) && isObject(manifest.not_captured), "component_details");
  must(Array.isArray(manifest.components) && new Set(manifest.components).size === manifest.components.length, "components");
  must(Object.keys(manifest.component_details).length === manifest.components.length, "component_details");
  const places = new Set();
  for (const name of manifest.components) {
    must(typeof name === "string" && COMPONENT.test(name) && Object.hasOwn(manifest.component_details, name), "components");
    const { source, stored_as: place, entries, bytes: length } = manifest.component_details[name] ?? {};
    must(typeof source === "string" && isNumber(entries) && isNumber(length), `component_details.${name}`);
    must(typeof place === "string" && pathProblem(place) === undefined && !places.has(place), `component_details.${name}.stored_as`);
    places.add(place);
  }
  return manifest;
}

function readTable(bytes) {
  const table = new Map();
  let before = "";
  for (let left = bytes.count(8 + 32 + 3); left > 0; left -= 1) {
    const pack = { id: bytes.hex(8), name: bytes.hex(32), length: bytes.varint(), raw: bytes.varint(), used: bytes.varint() };
    if (pack.id <= before || pack.length > PACK_LIMIT || pack.used > pack.raw)
      throw bytes.fail(`pack ${pack.id} is impossible or out of order`);
    table.set(pack.id, pack);
    before = pack.id;
  }
  bytes.end();
  return table;
}

/** The references of a root are read when they are needed. */
function readRoots(bytes) {
  const roots = [];
  for (let left = bytes.count(3); left > 0; left -= 1) {
    const [name, level] = [bytes.text(), bytes.varint()];
    if (level > 1) throw failed(`Cannot read a tree of level ${level}: this program reads 0 and 1`);
    const count = bytes.count(28);
    const start = bytes.position;
    for (let number = 0; number < count; number += 1) readReference(bytes);
    const own = bytes.buffer.subarray(start, bytes.position);
    const references = function* () {
      const again = new Bytes(own, bytes.what);
      while (again.position < own.length) yield readReference(again);
    };
    roots.push({ name, level, references });
  }
  bytes.end();
  return roots;
}

/** @param packs the list of the object that the reference stands in; without it the pack's id stands there itself */
function readReference(bytes, packs) {
  const pack = packs === undefined ? bytes.hex(8) : readPack(bytes, packs);
  const reference = {
    pack,
    frame: bytes.varint(),
    offset: bytes.varint(),
    length: bytes.varint(),
    hash: bytes.hex(16),
    entries: bytes.varint(),
  };
  if (reference.length < 1 || reference.offset + reference.length > FRAME_LIMIT || reference.entries < 1)
    throw bytes.fail("a reference is impossible");
  return reference;
}

function readReferences(bytes, packs) {
  return Array.from({ length: bytes.count(21) }, () => readReference(bytes, packs));
}

/** The object that a reference names, behind its kind. */
function readObject({ packs, table }, reference, kind, what) {
  const object = packs.get(table, reference);
  if (!crypto.hash("sha256", object, "hex").startsWith(reference.hash)) throw damaged(`Cannot trust ${what}: it is not what was stored`);
  const bytes = new Bytes(object, what);
  if (bytes.u8() !== kind) throw bytes.fail("it is of another kind");
  return bytes;
}

/** The references of the runs of a tree, in stored order. */
function* runsOf(backup, { level, references }) {
  if (level === 0) yield* references();
  else
    for (const block of references()) {
      const bytes = readObject(backup, block, 1, "an index of runs");
      let entries = 0;
      for (let left = bytes.count(28); left > 0; left -= 1) {
        const run = readReference(bytes);
        entries += run.entries;
        yield run;
      }
      bytes.end();
      if (entries !== block.entries) throw bytes.fail("it holds another number of entries");
    }
}

// ---------------------------------------------------------------------------------------------------------------------------
// Runs

const PATH_LIMIT = 4096;
const TYPES = ["file", "directory", "symlink"];

function readPacks(bytes) {
  const packs = Array.from({ length: bytes.count(8) }, () => bytes.hex(8));
  if (new Set(packs).size < packs.length) throw bytes.fail("it lists a pack twice");
  return packs;
}

function readPack(bytes, packs) {
  const number = bytes.varint();
  if (number >= packs.length) throw bytes.fail(`it names pack ${number} of ${packs.length}`);
  return packs[number];
}

function readPlace(bytes, packs, length) {
  const place = { pack: readPack(bytes, packs), frame: bytes.varint(), offset: bytes.varint(), length };
  if (length < 1 || place.offset + length > FRAME_LIMIT) throw bytes.fail("something cannot lie in a frame");
  return place;
}

/** The entries of a component in stored order, with the reference of the run that each stands in. */
function* entriesOf(backup, root) {
  for (const run of runsOf(backup, root)) {
    const bytes = readObject(backup, run, 1, `a run of ${root.name}`);
    const count = bytes.varint();
    if (count < 1 || count > 64 || count !== run.entries) throw bytes.fail(`it has ${count} entries`);
    const packs = readPacks(bytes);
    let before;
    for (let left = count; left > 0; left -= 1) {
      before = readEntry(bytes, before, packs, root.name);
      yield { entry: before, run };
    }
    bytes.end();
  }
}

function readEntry(bytes, before, packs, component) {
  const entry = { component, path: readPath(bytes, before?.path ?? "") };
  const flags = bytes.u8();
  const has = (bit) => (flags & (1 << bit)) !== 0;
  entry.type = TYPES[flags & 3];
  entry.mode = bytes.varint();
  if (entry.type === undefined || entry.mode > 0o7777 || (has(5) && before === undefined)) throw bytes.fail("an entry is impossible");
  const owner = has(5) ? before : { uid: bytes.varint(), gid: bytes.varint(), user: bytes.text(), group: bytes.text() };
  Object.assign(entry, { uid: owner.uid, gid: owner.gid, user: owner.user, group: owner.group });
  entry.mtime = bytes.take(8).readBigInt64LE();
  entry.size = bytes.varint();
  if (entry.type === "symlink") entry.target = bytes.text();
  if (has(2)) entry.hardLink = bytes.text();
  else if (entry.type === "file") entry.hash = bytes.hex(32);
  entry.sparse = has(3);
  entry.database = has(4);
  if (Math.max(entry.uid, entry.gid) >= 2 ** 32) throw bytes.fail("an owner does not fit into 32 bits");
  if (entry.type !== "file" && (has(2) || has(3) || has(4))) throw bytes.fail("something has flags of a file and is none");
  if ((entry.type !== "file" || has(2)) && entry.size > 0) throw bytes.fail("something without content has a size");
  for (const text of [entry.target, entry.hardLink])
    if (text === "" || (text !== undefined && (text.includes("\0") || Buffer.byteLength(text) > PATH_LIMIT)))
      throw bytes.fail("a link leads nowhere");
  entry.content = readContent(bytes, flags >> 6, entry, packs);
  // As the checksum of a manifest has it.
  if (entry.content.byGroups) entry.hash = `pages:${entry.hash}`;
  return entry;
}

function readPath(bytes, before) {
  const shared = bytes.varint();
  const rest = bytes.text();
  const known = Buffer.from(before);
  if (shared > known.length || shared + Buffer.byteLength(rest) > PATH_LIMIT || (known[shared] & 0xc0) === 0x80)
    throw bytes.fail("a path is impossible");
  return known.toString("utf8", 0, shared) + rest;
}

function readContent(bytes, kind, { size, database }, packs) {
  if ((kind === 0) !== (size === 0)) throw bytes.fail("a size and where the content is contradict each other");
  if (kind === 0) return { kind: "none" };
  if (kind === 1) return { kind: "place", place: readPlace(bytes, packs, size) };
  if (kind === 2) return { kind: "chunks", blocks: readReferences(bytes, packs) };
  const [marked, pages] = [bytes.varint(), bytes.varint()];
  const byGroups = marked % 2 === 1;
  const pageSize = marked - (byGroups ? 1 : 0);
  const [blocks, layers] = [readReferences(bytes, packs), readReferences(bytes, packs)];
  const isSize = pageSize >= 512 && pageSize <= 65_536 && Number.isInteger(Math.log2(pageSize));
  if (!database || !isSize || pages < 1 || pages > 2 ** 28 || pageSize * pages !== size) throw bytes.fail("a page map is impossible");
  if (blocks.length < 1 || blocks.length > Math.ceil(pages / BLOCK_PAGES) || layers.length > 16)
    throw bytes.fail("a page map has too many parts");
  return { kind: "pages", pageSize, pages, blocks, layers, byGroups };
}

/** The bytes of an entry in order. */
function* bytesOf(backup, { content }) {
  const { packs, table } = backup;
  if (content.kind === "place") yield packs.get(table, content.place);
  else if (content.kind === "pages") yield* pagesOf(backup, content);
  else if (content.kind === "chunks") {
    for (const block of content.blocks) {
      const bytes = readObject(backup, block, 2, "a list of chunks");
      const own = readPacks(bytes);
      const count = bytes.count(20);
      if (count !== block.entries) throw bytes.fail(`it has ${count} chunks`);
      for (let left = count; left > 0; left -= 1) {
        const length = bytes.varint();
        bytes.take(16);
        yield packs.get(table, readPlace(bytes, own, length));
      }
      bytes.end();
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------------
// Page maps

const BLOCK_PAGES = 16_384;
/** Of a database, that one hash is of. */
const GROUP_BYTES = 64 * 1024;
const LAYER_PAGES = 262_144;
const NOWHERE = 0xffff_ffff;

/** The pages in order. One block of them is resolved at a time, three numbers a page: number of the pack, frame, offset. */
function* pagesOf(backup, { pageSize, pages, blocks, layers }) {
  const ids = [];
  const numbers = new Map();
  const numberOf = (id) => {
    if (!numbers.has(id)) numbers.set(id, ids.push(id) - 1);
    return numbers.get(id);
  };
  const laid = layers.map((reference) => readLayer(backup, reference, pageSize, numberOf));
  const where = new Uint32Array(BLOCK_PAGES * 3);
  for (let first = 0; first < pages; first += BLOCK_PAGES) {
    const end = Math.min(first + BLOCK_PAGES, pages);
    where.fill(NOWHERE);
    const block = blocks[first / BLOCK_PAGES];
    if (block !== undefined) readBase(backup, block, { pageSize, where, numberOf, last: first / BLOCK_PAGES === blocks.length - 1 });
    for (const layer of laid) {
      for (; layer.next < layer.numbers.length && layer.numbers[layer.next] < end; layer.next += 1)
        where.set(layer.where.subarray(layer.next * 3, layer.next * 3 + 3), (layer.numbers[layer.next] - first) * 3);
    }
    for (let page = 0, next = 0; page < end - first; page = next) {
      const [pack, frame, offset] = where.subarray(page * 3, page * 3 + 3);
      if (pack === NOWHERE) throw damaged(`Page ${first + page} of a database lies nowhere`);
      const follows = (at) =>
        where[at * 3] === pack && where[at * 3 + 1] === frame && where[at * 3 + 2] === offset + (at - page) * pageSize;
      for (next = page + 1; next < end - first && follows(next);) next += 1;
      yield backup.packs.get(backup.table, { pack: ids[pack], frame, offset, length: (next - page) * pageSize });
    }
  }
}

function readBase(backup, reference, { pageSize, where, numberOf, last }) {
  const bytes = readObject(backup, reference, 3, "a block of a page map");
  const packs = readPacks(bytes);
  let page = 0;
  for (let left = bytes.count(4); left > 0; left -= 1) {
    const pages = bytes.varint();
    const { pack, frame, offset } = readPlace(bytes, packs, pages * pageSize);
    if (page + pages > BLOCK_PAGES) throw bytes.fail("it has too many pages");
    for (let index = 0; index < pages; index += 1, page += 1) where.set([numberOf(pack), frame, offset + index * pageSize], page * 3);
  }
  bytes.end();
  if (page !== reference.entries || (page < BLOCK_PAGES && !last)) throw bytes.fail(`it has ${page} pages`);
}

function readLayer(backup, reference, pageSize, numberOf) {
  const bytes = readObject(backup, reference, 4, "a layer of a page map");
  const packs = readPacks(bytes);
  const count = bytes.count(1);
  if (count > LAYER_PAGES || count !== reference.entries) throw bytes.fail(`it has ${count} pages`);
  const layer = { numbers: new Uint32Array(count), where: new Uint32Array(count * 3), next: 0 };
  for (let index = 0, page = 0; index < count; index += 1) {
    const gap = bytes.varint();
    page += gap;
    if ((gap === 0 && index > 0) || page >= 2 ** 28) throw bytes.fail("its pages do not rise");
    layer.numbers[index] = page;
  }
  let index = 0;
  for (let left = bytes.count(4); left > 0; left -= 1) {
    const [pack, frame, offset, pages] = [readPack(bytes, packs), bytes.varint(), bytes.varint(), bytes.varint()];
    if (pages < 1 || offset + pages * pageSize > FRAME_LIMIT || index + pages > count) throw bytes.fail("its frames are impossible");
    for (let page = 0; page < pages; page += 1, index += 1) layer.where.set([numberOf(pack), frame, offset + page * pageSize], index * 3);
  }
  bytes.end();
  if (index !== count) throw bytes.fail("its frames hold another number of pages");
  return layer;
}

// ---------------------------------------------------------------------------------------------------------------------------
// What a backup is

/** Why a path must not be written below a folder, or undefined. */
function pathProblem(text) {
  if (text === "" || text.startsWith("/") || text.includes("\0") || Buffer.byteLength(text) > PATH_LIMIT) return "is no relative path";
  const bad = text.split("/").find((name) => name === "" || name === "." || name === ".." || Buffer.byteLength(name) > 255);
  return bad === undefined ? undefined : `holds the name ${quote(bad)}`;
}

/** Where an entry lies below the top of the backup. */
function placeOf({ manifest }, { component }, text) {
  const { stored_as: place, source } = manifest.component_details[component];
  return source !== "tree" || text === "." ? place : `${place}/${text}`;
}

/** Places with a small number each, by 61 bits of a keyed hash: eight bytes a slot, whatever the paths are. */
class Places {
  slots = new BigUint64Array(1024);
  held = 0;
  key = crypto.randomBytes(16).toString("hex");
  find(hash) {
    let slot = Number(hash & BigInt(this.slots.length - 1));
    while (this.slots[slot] !== 0n && this.slots[slot] >> 3n !== hash) slot = (slot + 1) & (this.slots.length - 1);
    return slot;
  }
  hash = (place) => crypto.hash("sha256", this.key + place, "buffer").readBigUInt64LE() >> 3n;
  get(place) {
    return Number(this.slots[this.find(this.hash(place))] & 7n);
  }
  set(place, value) {
    const hash = this.hash(place);
    const slot = this.find(hash);
    if (this.slots[slot] === 0n) this.held += 1;
    this.slots[slot] = (hash << 3n) | BigInt(value);
    if (this.held * 2 < this.slots.length) return;
    const known = this.slots;
    this.slots = new BigUint64Array(known.length * 2);
    for (const held of known) if (held !== 0n) this.slots[this.find(held >> 3n)] = held;
  }
}
const FILE = 1;
const FOLDER = 2;
const LINK = 3;
const IMPLIED = 4;

/** Every place is written once, below folders alone; another name of a file comes after the file. */
function addPlace(places, backup, entry) {
  const place = placeOf(backup, entry, entry.path);
  const refuse = (problem) => damaged(`Refuse ${quote(place)}: it ${problem}`);
  if (entry.path !== "." && pathProblem(entry.path) !== undefined) throw refuse(pathProblem(entry.path));
  if (Buffer.byteLength(place) > 2 * PATH_LIMIT) throw refuse("is too long");
  if (entry.hardLink !== undefined) {
    if (pathProblem(entry.hardLink) !== undefined) throw refuse("is another name of something outside");
    if (places.get(placeOf(backup, entry, entry.hardLink)) !== FILE) throw refuse("is another name of something that is no earlier file");
  }
  const known = places.get(place);
  if (known !== 0 && !(known === IMPLIED && entry.type === "directory")) throw refuse("is there twice");
  for (let end = place.lastIndexOf("/"); end > 0; end = place.lastIndexOf("/", end - 1)) {
    const kind = places.get(place.slice(0, end));
    if (kind === FILE || kind === LINK) throw refuse("lies below something that is no folder");
    if (kind !== 0) break;
    places.set(place.slice(0, end), IMPLIED);
  }
  places.set(place, { file: FILE, directory: FOLDER, symlink: LINK }[entry.type]);
}

/** The bytes of an entry in the checksum of a manifest. */
function checksumText(entry) {
  const fields = [entry.component, entry.path, entry.type, entry.mode.toString(8), `${entry.uid}`, `${entry.gid}`, entry.user || undefined];
  fields.push(entry.group || undefined, `${entry.mtime}`, `${entry.size}`, entry.hash, entry.target, entry.hardLink);
  fields.push(entry.sparse ? "sparse" : undefined, entry.database ? "database" : undefined);
  return fields.map((field) => (field === undefined ? "-;" : `${Buffer.byteLength(field)}:${field};`)).join("");
}

/** The first pass, before anything is written: counts, sizes, places, and over all components the checksum. */
function checkEntries(backup, roots) {
  const { manifest } = backup;
  const places = new Places();
  const hash = crypto.createHash("sha256");
  for (const root of roots) {
    const left = { ...manifest.component_details[root.name] };
    for (const { entry } of entriesOf(backup, root)) {
      left.entries -= 1;
      left.bytes -= entry.size;
      if (left.entries < 0 || left.bytes < 0) break;
      addPlace(places, backup, entry);
      hash.update(checksumText(entry));
    }
    if (left.entries !== 0 || left.bytes !== 0) throw damaged(`The tree of "${root.name}" does not hold what the manifest says`);
  }
  if (roots.length < backup.roots.length) return;
  const total = Object.values(manifest.component_details).reduce((sum, { bytes }) => sum + bytes, 0);
  if (total !== manifest.size_bytes || manifest.checksum !== `sha256:${hash.digest("hex")}`)
    throw damaged("The entries do not have the checksum of the manifest");
}

/** Gives the bytes of a file piece by piece, and throws at the end unless they are those that were recorded. */
function readFile(backup, entry, each) {
  const hash = entry.content.byGroups ? new GroupsHash() : crypto.createHash("sha256");
  let position = 0;
  for (const piece of bytesOf(backup, entry)) {
    if (position + piece.length > entry.size) throw damaged("its content is longer than recorded");
    hash.update(piece);
    each(piece, position);
    position += piece.length;
  }
  const found = hash.digest("hex");
  if (position !== entry.size || (entry.content.byGroups ? `pages:${found}` : found) !== entry.hash)
    throw damaged("its content is not the one that was recorded");
}

/** SHA-256 over the SHA-256 of each 64 KiB. */
class GroupsHash {
  over = crypto.createHash("sha256");
  group = crypto.createHash("sha256");
  filled = 0;
  update(bytes) {
    for (let done = 0, end; done < bytes.length; done = end) {
      end = Math.min(bytes.length, done + GROUP_BYTES - this.filled);
      this.group.update(bytes.subarray(done, end));
      this.filled += end - done;
      if (this.filled === GROUP_BYTES) this.endGroup();
    }
  }
  endGroup() {
    this.over.update(this.group.digest());
    this.group = crypto.createHash("sha256");
    this.filled = 0;
  }
  digest(encoding) {
    if (this.filled > 0) this.endGroup();
    return this.over.digest(encoding);
  }
}

// ---------------------------------------------------------------------------------------------------------------------------
// Restore

const UNFINISHED = ".holdfast-unfinished-restore";
const HOLE = 65_536;
const ZEROS = Buffer.alloc(HOLE);

/** An empty folder, made where there is none; no link. */
function openTarget(folder, top) {
  const there = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (there !== undefined && !there.isDirectory()) throw misused(`"${folder}" is not a folder`);
  let known = folder;
  while (!fs.existsSync(known)) known = path.dirname(known);
  if (`${fs.realpathSync(known)}/`.startsWith(`${fs.realpathSync(top)}/`)) throw misused(`"${folder}" lies in the vault`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (fs.readdirSync(folder).length > 0) throw failed(`The folder "${folder}" is not empty; name one that is empty or does not exist`);
  const building = path.join(folder, UNFINISHED);
  fs.mkdirSync(building, { mode: 0o700 });
  return building;
}

/** Node takes a negative number for "now". */
const seconds = (mtime) => (mtime < 0n ? new Date(Number(mtime / 1_000_000n)) : Number(mtime) / 1e9);

function writeAll(descriptor, bytes, position) {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

function writePiece(descriptor, bytes, position, sparse) {
  if (!sparse) writeAll(descriptor, bytes, position);
  else
    for (let offset = 0; offset < bytes.length; offset += HOLE) {
      const part = bytes.subarray(offset, offset + HOLE);
      const hole = part.length >= 4096 && ZEROS.subarray(0, part.length).equals(part);
      if (!hole) writeAll(descriptor, part, position + offset);
    }
}

/** A file that cannot be had as it was is not left there. */
function writeFile(backup, entry, target, owner) {
  const descriptor = fs.openSync(target, "wx", 0o600);
  let whole = false;
  try {
    readFile(backup, entry, (piece, position) => writePiece(descriptor, piece, position, entry.sparse));
    fs.ftruncateSync(descriptor, entry.size);
    if (owner) fs.fchownSync(descriptor, entry.uid, entry.gid);
    fs.fchmodSync(descriptor, entry.mode & 0o777);
    fs.futimesSync(descriptor, seconds(entry.mtime), seconds(entry.mtime));
    whole = true;
  } finally {
    fs.closeSync(descriptor);
    if (!whole) fs.unlinkSync(target);
  }
}

function finishFolder(target, { mode, mtime, uid, gid }, owner) {
  const descriptor = fs.openSync(target, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
  if (owner) fs.fchownSync(descriptor, uid, gid);
  fs.fchmodSync(descriptor, mode & 0o3777);
  fs.futimesSync(descriptor, seconds(mtime), seconds(mtime));
  fs.closeSync(descriptor);
}

/** Folders and files; what comes after them is kept for later. */
function writeTrees(backup, roots, building, { partial, owner }) {
  const written = { folders: [], names: [], links: [], lost: new Set(), entries: 0, bytes: 0 };
  for (const root of roots) {
    for (const { entry } of entriesOf(backup, root)) {
      const place = placeOf(backup, entry, entry.path);
      const target = path.join(building, place);
      const { type, mode, mtime, uid, gid, target: to, hardLink } = entry;
      fs.mkdirSync(type === "directory" ? target : path.dirname(target), { recursive: true, mode: 0o700 });
      written.entries += 1;
      if (type === "directory") written.folders.push({ place, mode, mtime, uid, gid });
      else if (type === "symlink") written.links.push({ target, to, mtime, uid, gid });
      else if (hardLink !== undefined) written.names.push({ place, target, first: placeOf(backup, entry, hardLink) });
      else {
        try {
          writeFile(backup, entry, target, owner);
          written.bytes += entry.size;
        } catch (error) {
          const message = `Cannot restore ${quote(place)}: ${error.message}`;
          if (error.exit !== 4 || !partial) throw error instanceof Failure ? new Failure(error.exit, message, error) : error;
          warn(`left out: ${message}`);
          written.lost.add(place);
        }
      }
    }
  }
  return written;
}

/** Other names of files, and then links: nothing is ever written through a link. */
function writeLinks({ names, links, lost }, building, owner) {
  for (const { place, target, first } of names) {
    if (!lost.has(first)) fs.linkSync(path.join(building, first), target);
    else {
      warn(`left out: ${quote(place)} is another name of ${quote(first)}`);
      lost.add(place);
    }
  }
  for (const { target, to, mtime, uid, gid } of links) {
    fs.symlinkSync(to, target);
    if (owner) fs.lchownSync(target, uid, gid);
    fs.lutimesSync(target, seconds(mtime), seconds(mtime));
  }
}

/** Everything is built in one folder, which goes when it is whole and on the disk. */
function restore(backup, folder, options) {
  const { component, owner } = options;
  const roots = backup.roots.filter(({ name }) => component === undefined || name === component);
  if (roots.length === 0) throw misused(`The backup has no component "${component}"; it has: ${backup.manifest.components.join(", ")}`);
  checkEntries(backup, roots);
  const building = openTarget(folder, backup.keys.top);
  try {
    const written = writeTrees(backup, roots, building, options);
    writeLinks(written, building, owner);
    const deepestFirst = written.folders.toReversed();
    // A folder at the top is moved yet, and one that its owner may not write to cannot be.
    const isTop = ({ place }) => !place.includes("/");
    for (const held of deepestFirst.filter((other) => !isTop(other))) finishFolder(path.join(building, held.place), held, owner);
    const synced = childProcess.spawnSync("sync", ["-f", building], { stdio: "ignore" });
    if (synced.status !== 0) warn("warning: what was written may not be on the disk yet: sync -f failed");
    for (const name of fs.readdirSync(building)) fs.renameSync(path.join(building, name), path.join(folder, name));
    fs.rmdirSync(building);
    for (const held of deepestFirst.filter(isTop)) finishFolder(path.join(folder, held.place), held, owner);
    return { entries: written.entries - written.lost.size, bytes: written.bytes, lost: written.lost.size };
  } catch (error) {
    if (fs.existsSync(building)) warn(`The restore did not finish: what was whole until then lies in "${building}"`);
    throw error;
  }
}

// ---------------------------------------------------------------------------------------------------------------------------
// Commands

const size = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1e6).toFixed(3)} MB`);

/** Calls for something that may be damaged; says what is, and goes on. */
class Problems {
  exit = 0;
  attempt(what, call) {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn(`${error.exit === 4 ? "damaged" : "unreadable"}: ${what}: ${error.message}`);
      this.exit = Math.max(this.exit, error.exit);
      return undefined;
    }
  }
}

/** Newest first, as their timestamps say. */
function readBackups(keys, problems) {
  const packs = new Packs(keys);
  const found = listIds(keys.top).map((id) => problems.attempt(id, () => ({ ...readBackup(keys, id), keys, packs })));
  const time = ({ manifest }) => Date.parse(manifest.timestamp);
  return found
    .filter((backup) => backup !== undefined)
    .toSorted((one, other) => time(other) - time(one) || other.manifest.sequence - one.manifest.sequence);
}

function list(keys) {
  const problems = new Problems();
  for (const { id, manifest } of readBackups(keys, problems)) {
    const missing = Object.keys(manifest.not_captured).filter((name) => COMPONENT.test(name));
    const without = missing.length === 0 ? "" : `  without ${missing.join(", ")}`;
    console.log(`${id}  ${manifest.timestamp}  ${size(manifest.size_bytes)}  ${manifest.components.join(", ")}${without}`);
  }
  return problems.exit;
}

function check(keys, id) {
  const problems = new Problems();
  const backups = id === undefined ? readBackups(keys, problems) : [chooseBackup(keys, id)];
  const tables = new Map(backups.flatMap(({ table }) => [...table.values()].map((pack) => [`${pack.id} ${pack.name}`, pack])));
  if (new Set([...tables.values()].map((pack) => pack.id)).size < tables.size) throw damaged("Two packs have one id");
  for (const place of tables.values()) {
    problems.attempt(`pack ${place.name}`, () => {
      const pack = new Pack(keys, place);
      try {
        pack.check();
      } finally {
        pack.file.close();
      }
    });
  }
  const done = new Places();
  let [entries, contents] = [0, 0];
  for (const backup of backups) {
    problems.attempt(backup.id, () => checkEntries(backup, backup.roots));
    for (const root of backup.roots) {
      problems.attempt(backup.id, () => {
        for (const { entry, run } of entriesOf(backup, root)) {
          entries += 1;
          // A run that another backup has too names the same bytes of the same packs.
          const name = `${run.hash} ${entry.path}`;
          if (entry.hash === undefined || done.get(name) === FILE) continue;
          const read = problems.attempt(`${backup.id} ${quote(placeOf(backup, entry, entry.path))}`, () => {
            readFile(backup, entry, () => {});
            return true;
          });
          if (read === true) done.set(name, FILE);
          contents += 1;
        }
      });
    }
  }
  const verdict = problems.exit === 0 ? "everything reads back" : "not everything reads back";
  console.log(`${backups.length} backups, ${tables.size} packs, ${entries} entries, ${contents} contents: ${verdict}`);
  return problems.exit;
}

function chooseBackup(keys, id) {
  if (id !== "latest") {
    if (!ID.test(id) || !listIds(keys.top).includes(id)) throw misused(`There is no backup ${quote(id)}; see what list says`);
    return { ...readBackup(keys, id), keys, packs: new Packs(keys) };
  }
  const problems = new Problems();
  const backups = readBackups(keys, problems);
  // An older one in the place of what cannot be read would pass for the latest.
  if (problems.exit > 0) throw new Failure(problems.exit, "Which backup is the latest cannot be told; name one by its id");
  const latest = backups.find(({ manifest }) => manifest.trigger !== "pre-restore") ?? backups[0];
  if (latest === undefined) throw misused("There is no backup in the vault");
  return latest;
}

function main(argv) {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  const secrets = { "key-file": text, "passphrase-file": text, "recovery-code-file": text };
  const known = { ...secrets, component: text, partial: flag, owner: flag, help: { ...flag, short: "h" } };
  let parsed;
  try {
    parsed = util.parseArgs({ args: argv, options: known, allowPositionals: true });
  } catch (cause) {
    throw misused(cause.message);
  }
  const { values: options, positionals } = parsed;
  if (options.help === true) {
    console.log(HELP);
    return 0;
  }
  const [top, command, id, folder] = positionals;
  const counts = { list: [2, 2], check: [2, 3], restore: [4, 4] };
  if (!Object.hasOwn(counts, command ?? "")) throw misused(`Say what to do with a vault: list, check or restore; --help says more`);
  const [least, most] = counts[command];
  if (positionals.length < least || positionals.length > most) throw misused(`"${command}" takes other arguments; --help says which`);
  for (const name of ["component", "partial", "owner"])
    if (command !== "restore" && options[name] !== undefined) throw misused(`--${name} has no effect on "${command}"`);
  if (options.owner === true && process.getuid?.() !== 0) throw misused("--owner is for root alone: nobody else may give files away");
  if (!fs.existsSync(top)) throw failed(`There is no folder "${top}"`);
  const keys = openKeys(top, readSecret(options));
  if (command === "list") return list(keys);
  if (command === "check") return check(keys, id);
  const backup = chooseBackup(keys, id);
  const { entries, bytes, lost } = restore(backup, path.resolve(folder), options);
  console.log(`Restored ${backup.id} into ${folder}: ${entries} entries, ${size(bytes)}${lost > 0 ? `; ${lost} left out` : ""}`);
  return lost > 0 ? 4 : 0;
}

try {
  if (typeof crypto.argon2Sync !== "function" || typeof zlib.zstdDecompressSync !== "function")
    throw failed(`This program needs Node.js 24.15 or newer; this is ${process.versions.node}`);
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (error instanceof Failure) warn(`rescue: ${error.message}`);
  else warn(`rescue: ${typeof error.code === "string" ? error.message : error.stack}`);
  process.exitCode = error.exit ?? 1;
}
