import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { deriveKey, openText, sealText } from "./derive.ts";
import { DEFAULT_KDF, passphraseKey, type KdfBudget, type KdfParameters } from "./passphrase-key.ts";
import { fingerprintOf, type FileSecret, type PassphraseSecret, type RecoverySecret, type Secret } from "./secret.ts";

export type SlotKind = Secret["kind"];
export const SLOT_KINDS: readonly SlotKind[] = ["none", "file", "recovery", "passphrase"];
export const SALT_LENGTH = 16;

interface SlotHead {
  /** 16 hexadecimal digits; the same secret keeps it from epoch to epoch. */
  readonly id: string;
  readonly label: string;
  /** ISO 8601, UTC. */
  readonly created_at: string;
}
interface Wrapped {
  readonly salt: Buffer;
  readonly wrapped: Buffer;
}
/** One way to the master key of an epoch. */
export type Slot = SlotHead &
  (
    | { readonly kind: "none"; readonly key: Buffer }
    | ({ readonly kind: "file" | "recovery"; readonly fingerprint: string } & Wrapped)
    | ({ readonly kind: "passphrase"; readonly kdf: KdfParameters } & Wrapped)
  );

/** What a slot is to a person. */
export interface SlotFacts extends SlotHead {
  readonly kind: SlotKind;
  readonly fingerprint?: string;
}

/** Where a slot lies; bound into what it wraps, so that it opens nowhere else. */
export interface SlotPlace {
  readonly vault: string;
  readonly epoch: number;
}

export interface NewSlot extends SlotPlace {
  readonly master: Uint8Array;
  readonly created_at: string;
  readonly id?: string;
  readonly kdf?: KdfParameters;
}

export function makeSlot(secret: Secret, { vault, epoch, master, created_at, id = newSlotId(), kdf = DEFAULT_KDF }: NewSlot): Slot {
  if (secret.kind === "none") return { id, kind: "none", label: "not encrypted", created_at, key: Buffer.from(master) };
  const head = { id, label: slotLabel(secret), created_at };
  const salt = randomBytes(SALT_LENGTH);
  const wrap = (key: Buffer): Wrapped => ({ salt, wrapped: sealText(key, master, associated({ vault, epoch }, id)) });
  if (secret.kind === "passphrase") {
    // What is spent here was asked for by us.
    return { ...head, kind: secret.kind, kdf, ...wrap(passphraseKey(secret.text, salt, kdf, { left: Infinity })) };
  }
  return { ...head, kind: secret.kind, fingerprint: fingerprintOf(secret), ...wrap(slotKey(secret, salt)) };
}

/** @returns the master key, or undefined when the secret is not the one of this slot */
export function openSlot(slot: Slot, secret: Secret, place: SlotPlace, budget: KdfBudget): Buffer | undefined {
  if (slot.kind === "none") return secret.kind === "none" ? slot.key : undefined;
  if (secret.kind !== slot.kind) return undefined;
  const key =
    slot.kind === "passphrase"
      ? passphraseKey((secret as PassphraseSecret).text, slot.salt, slot.kdf, budget)
      : slotKey(secret as FileSecret | RecoverySecret, slot.salt);
  return openText(key, slot.wrapped, associated(place, slot.id));
}

export function factsOf(slot: Slot): SlotFacts {
  const { id, kind, label, created_at } = slot;
  return { id, kind, label, created_at, ...("fingerprint" in slot ? { fingerprint: slot.fingerprint } : {}) };
}

/** Labels are shown on terminals: nothing in them may move the cursor or turn the line around. */
export const SLOT_LABEL: RegExp = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,100}$/u;

function slotLabel({ kind, label }: FileSecret | RecoverySecret | PassphraseSecret): string {
  // Where a key file lies is nobody's business but this machine's.
  const name = kind === "recovery" ? label : basename(label);
  const clean = name
    .replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "")
    .slice(0, 80)
    .toWellFormed();
  return clean === "" ? kind : clean;
}

function newSlotId(): string {
  return randomBytes(8).toString("hex");
}

function slotKey({ kind, bytes }: FileSecret | RecoverySecret, salt: Uint8Array): Buffer {
  return deriveKey(bytes, salt, `holdfast slot ${kind}`);
}

function associated({ vault, epoch }: SlotPlace, id: string): string {
  return `holdfast slot 1|${vault}|${epoch}|${id}`;
}
