import { DamageError, HostError } from "../../kernel/index.ts";
import { DocumentFields, parseJsonDocument, quotePath } from "../../vault/index.ts";
import { KEY_LENGTH, SEAL_LENGTH } from "./derive.ts";
import { LARGEST_KDF, leastMemory, type KdfParameters } from "./passphrase-key.ts";
import { previousLength } from "./previous-epochs.ts";
import { SALT_LENGTH, SLOT_KINDS, SLOT_LABEL, type Slot, type SlotPlace } from "./slot.ts";

const VERSION = 1;
const MOST_SLOTS = 32;
const DOCUMENT_FIELDS = ["version", "epoch", "vault", "created_at", "slots", "previous"];
const SLOT_FIELDS = {
  none: ["key"],
  file: ["fingerprint", "salt", "wrapped"],
  recovery: ["fingerprint", "salt", "wrapped"],
  passphrase: ["kdf", "salt", "wrapped"],
} as const;

/** `keys/<epoch>.json`: the master key of one epoch, wrapped once for each secret that opens it. */
export interface KeyDocument extends SlotPlace {
  readonly created_at: string;
  readonly slots: readonly Slot[];
  /** The master keys of all earlier epochs, sealed; of none, it still proves that the master key is the right one. */
  readonly previous: Buffer;
}

export function formatKeyDocument({ epoch, vault, created_at, slots, previous }: KeyDocument): string {
  const document = { version: VERSION, epoch, vault, created_at, slots: slots.map(formatSlot), previous: previous.toString("base64") };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function formatSlot(slot: Slot): object {
  const { id, kind, label, created_at } = slot;
  const head = { id, kind, label, created_at };
  if (slot.kind === "none") return { ...head, key: slot.key.toString("base64") };
  const wrapped = { salt: slot.salt.toString("base64"), wrapped: slot.wrapped.toString("base64") };
  if (slot.kind === "passphrase") return { ...head, kdf: { name: "argon2id", ...slot.kdf }, ...wrapped };
  return { ...head, fingerprint: slot.fingerprint, ...wrapped };
}

/** @throws DamageError MANIFEST_INVALID, VAULT_DAMAGED · HostError VERSION_UNSUPPORTED */
export function parseKeyDocument(bytes: Uint8Array, place: SlotPlace): KeyDocument {
  const name = `the keys of epoch ${place.epoch}`;
  const fields = new DocumentFields(name, parseJsonDocument(name, bytes));
  checkVersion(fields, name);
  only(fields, DOCUMENT_FIELDS);
  if (fields.integer("epoch", 1) !== place.epoch) fields.fail("epoch", `must be ${place.epoch} as the name says`);
  if (fields.text("vault", 200) !== place.vault) {
    throw new DamageError("VAULT_DAMAGED", `Cannot trust ${name}: they belong to another vault`, {
      hint: "Somebody copied them here; bring the right ones back from a copy of this vault",
    });
  }
  const created = fields.instant("created_at");
  const slots = fields.list("slots", MOST_SLOTS, (items, index) => parseSlot(items.object(index)));
  if (slots.length === 0) fields.fail("slots", "must not be empty");
  if (new Set(slots.map((slot) => slot.id)).size < slots.length) fields.fail("slots", "must not hold the same slot twice");
  // A master key in the clear beside a wrapped one would make a vault look locked that is not.
  if (slots.length > 1 && slots.some((slot) => slot.kind === "none")) fields.fail("slots", 'must not hold "none" beside another');
  return { ...place, created_at: created, slots, previous: base64(fields, "previous", previousLength(place.epoch)) };
}

function parseSlot(fields: DocumentFields): Slot {
  const kind = fields.oneOf("kind", SLOT_KINDS);
  only(fields, ["id", "kind", "label", "created_at", ...SLOT_FIELDS[kind]]);
  const head = {
    id: fields.matching("id", /^[0-9a-f]{16}$/, "16 hexadecimal digits"),
    label: fields.matching("label", SLOT_LABEL, "1 to 100 characters of plain text"),
    created_at: fields.instant("created_at"),
  };
  if (kind === "none") return { ...head, kind, key: base64(fields, "key", KEY_LENGTH) };
  const wrapped = { salt: base64(fields, "salt", SALT_LENGTH), wrapped: base64(fields, "wrapped", KEY_LENGTH + SEAL_LENGTH) };
  if (kind === "passphrase") return { ...head, kind, kdf: parseKdf(fields.object("kdf")), ...wrapped };
  return { ...head, kind, fingerprint: fields.matching("fingerprint", /^[0-9A-F]{4}-[0-9A-F]{4}$/, "a fingerprint"), ...wrapped };
}

/** Bounds come before the work: a slot that asks for a terabyte is refused, not tried. */
function parseKdf(fields: DocumentFields): KdfParameters {
  only(fields, ["name", "memory_kib", "passes", "parallelism"]);
  fields.oneOf("name", ["argon2id"]);
  const atMost = (field: keyof KdfParameters, least: number): number => {
    const value = fields.integer(field, least);
    if (value > LARGEST_KDF[field]) fields.fail(field, `must be at most ${LARGEST_KDF[field]}`);
    return value;
  };
  const parallelism = atMost("parallelism", 1);
  return { memory_kib: atMost("memory_kib", leastMemory(parallelism)), passes: atMost("passes", 1), parallelism };
}

function checkVersion(fields: DocumentFields, name: string): void {
  const version = fields.integer("version", 1);
  if (version === VERSION) return;
  throw new HostError("VERSION_UNSUPPORTED", `Cannot read ${name}: their format is ${version}, and this version reads ${VERSION}`, {
    hint: "Update Holdfast on this machine",
  });
}

/** A document that is rewritten when a slot is added must not lose what it did not understand. */
function only(fields: DocumentFields, known: readonly string[]): void {
  const unknown = fields.keys().find((field) => !known.includes(field));
  if (unknown !== undefined) fields.fail("", `holds a field that is not known: ${quotePath(unknown)}`);
}

/** Written in the one way there is: two texts never mean the same bytes. */
function base64(fields: DocumentFields, field: string, length: number): Buffer {
  const text = fields.text(field, Math.ceil(length / 3) * 4);
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== length || bytes.toString("base64") !== text) fields.fail(field, `must be ${length} bytes in base64`);
  return bytes;
}
