import { createHash } from "node:crypto";
import { HostError } from "../../kernel/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { SMALLEST_FULL_REFERENCE } from "./index-block.ts";
import { readReference, writeReference, type Reference } from "./reference.ts";

/** Where a tree begins. */
export interface TreeRoot {
  /** 0: the references are of runs. 1: of index blocks. */
  readonly level: 0 | 1;
  readonly references: readonly Reference[];
}

export interface ComponentRoot {
  readonly name: string;
  readonly root: TreeRoot;
}

/** Section 2 of a manifest: the roots of the components, in the manifest's order. */
export function encodeRoots(roots: readonly ComponentRoot[]): Buffer {
  const section = new ByteWriter(4096).varint(roots.length);
  for (const { name, root } of roots) {
    section.text(name).varint(root.level).varint(root.references.length);
    for (const reference of root.references) writeReference(section, reference);
  }
  return section.toBytes();
}

/** Says which tree it is: of another one not all objects are the same. SHA-256, lower-case hex. */
export function treeName(root: TreeRoot): string {
  return createHash("sha256")
    .update(encodeRoots([{ name: "", root }]))
    .digest("hex");
}

/**
 * Whether the names are those of the manifest is for the caller, who has it.
 *
 * @throws DamageError MANIFEST_INVALID
 */
export function decodeRoots(bytes: Uint8Array): readonly ComponentRoot[] {
  const reader = new ByteReader(bytes, "the roots of a backup", "MANIFEST_INVALID");
  const roots: ComponentRoot[] = [];
  const count = reader.count("the number of components", 3);
  for (let number = 0; number < count; number++) {
    const name = reader.text("the name of a component");
    roots.push({ name, root: { level: readLevel(reader), references: readRootReferences(reader) } });
  }
  if (new Set(roots.map(({ name }) => name)).size < count) throw reader.refuse("a component is there twice");
  reader.end();
  return roots;
}

function readLevel(reader: ByteReader): 0 | 1 {
  const level = reader.varint("the level of a tree");
  if (level === 0 || level === 1) return level;
  throw new HostError("VERSION_UNSUPPORTED", `Cannot read a tree of level ${level}: this version reads 0 and 1`, {
    hint: "Update Holdfast on this machine",
  });
}

function readRootReferences(reader: ByteReader): readonly Reference[] {
  const references: Reference[] = [];
  const count = reader.count("the number of references", SMALLEST_FULL_REFERENCE);
  for (let number = 0; number < count; number++) references.push(readReference(reader));
  return references;
}
