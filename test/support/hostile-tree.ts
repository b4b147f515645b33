import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Above 2^21, the largest number in seven octal digits: the old header of tar cannot say it. */
export const HIGH_ID = 3_000_000;
export const SPARSE_SIZE: number = 8 * 1024 * 1024;

const NAMES = [
  "new\nline.txt",
  "\n",
  "tab\tand\u001B[31mescape",
  "  spaces  ",
  `quotes ' " \` $(id)`,
  "back\\slash",
  "-rf",
  "--checkpoint-action=exec=id",
  "*?[x]",
  "caf\u00E9 composed",
  "cafe\u0301 decomposed",
  "\u{1F40B} whale",
  "README",
  "readme",
  "manifest.json",
  "entries.jsonl",
  "notes.db-wal",
  ".hidden",
  "a".repeat(255),
  "\u6D77".repeat(85),
];

/**
 * A folder with everything that makes backups go wrong: links out of the tree, loops, pipes, sockets, names of every
 * kind, holes, several names of one file, times before 1970 and after 2038, and, as root, owners above 2^21.
 */
export function makeHostileTree(root: string): void {
  mkdirSync(root, { recursive: true });
  const at = (...names: string[]): string => join(root, ...names);
  for (const folder of ["names", "modes", "links", "empty", "times", "holes"]) mkdirSync(at(folder));
  for (const [index, name] of NAMES.entries()) writeFileSync(at("names", name), `content of name ${index}\n`);
  const deep = at(...Array.from({ length: 12 }, (_, level) => `${level}-`.padEnd(100, "d")));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "bottom"), "deep");

  for (const mode of [0o000, 0o400, 0o444, 0o600, 0o777]) {
    writeFileSync(at("modes", mode.toString(8)), `mode ${mode}`);
    chmodSync(at("modes", mode.toString(8)), mode);
  }
  for (const mode of [0o700, 0o555, 0o1777, 0o2770]) {
    mkdirSync(at("modes", `folder-${mode.toString(8)}`));
    chmodSync(at("modes", `folder-${mode.toString(8)}`), mode);
  }

  const links: Record<string, string> = {
    absolute: "/etc/passwd",
    climbing: "../../../../../../../etc/shadow",
    dangling: "nothing-here",
    itself: "itself",
    "loop-a": "loop-b",
    "loop-b": "loop-a",
    "folder-loop": "..",
    "to-the-root": "/",
    "long-target": "t".repeat(3000),
    "new\nline": "target\nwith newline",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, at("links", name));
  writeFileSync(at("links", "first"), "one file, three names");
  linkSync(at("links", "first"), at("links", "second"));
  linkSync(at("links", "first"), at("empty", "..", "third"));

  writeFileSync(at("empty-file"), "");
  writeFileSync(at("large.bin"), randomBytes(3_500_000));
  makeSparse(at("holes", "middle"), 4 * 1024 * 1024);
  makeSparse(at("holes", "end"), 0);
  makeSparse(at("holes", "nothing-but"), undefined);
  linkSync(at("holes", "middle"), at("holes", "other-name"));

  execFileSync("mkfifo", [at("pipe")]);
  // A relative name: that of a socket may have 107 bytes.
  execFileSync("python3", ["-c", "import socket; socket.socket(socket.AF_UNIX).bind('socket')"], { cwd: root });
  writeFileSync(
    Buffer.concat([Buffer.from(`${at("names")}/`), Buffer.from([0x62, 0x61, 0x64, 0xff, 0xfe])]),
    "no entry can carry this name",
  );

  if (process.getuid?.() === 0) {
    mkdirSync(at("owned"));
    writeFileSync(at("owned", "high"), "uid above 2^21");
    symlinkSync("high", at("owned", "link"));
    chownSync(at("owned", "high"), HIGH_ID, HIGH_ID + 1);
    lchownSync(at("owned", "link"), HIGH_ID, 65_534);
    chownSync(at("owned"), 65_534, HIGH_ID);
  }

  const times = { old: -86_400.25, epoch: 0, micro: 1_700_000_000.123_457, later: 4_102_444_800.5 };
  for (const [name, seconds] of Object.entries(times)) {
    writeFileSync(at("times", name), name);
    utimesSync(at("times", name), seconds, seconds);
  }
  lutimesSync(at("links", "dangling"), 1_600_000_000.654_321, 1_600_000_000.654_321);
  for (const path of [at("times"), at("links"), dirname(deep), root]) utimesSync(path, 1_500_000_000.5, 1_500_000_000.5);
}

/** A file of holes with one written piece, or none. */
function makeSparse(path: string, written: number | undefined): void {
  const descriptor = openSync(path, "wx");
  if (written !== undefined) writeSync(descriptor, Buffer.alloc(8192, "x"), 0, 8192, written);
  ftruncateSync(descriptor, SPARSE_SIZE);
  closeSync(descriptor);
}
