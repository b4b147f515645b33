import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "vitest";
import { openReading, type ReadingRequest } from "../sources/index.ts";
import { sourceContract, type SourceSubject } from "./source-contract.ts";

/** @param fill puts something into the folder and says what of it is the component */
function subject(fill: (state: string) => Partial<ReadingRequest>): () => Promise<SourceSubject> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-contract-"));
    const state = join(folder, "state");
    const staging = join(folder, "staging");
    mkdirSync(state);
    mkdirSync(staging, { mode: 0o700 });
    const request: ReadingRequest = {
      component: "memory",
      path: state,
      command: null,
      programs: { cwd: folder, env: process.env },
      staging,
      exclude: [],
      include: [],
      excludeCaches: true,
      oneFileSystem: false,
      avoid: [],
      remembered: { single: false, paths: new Set() },
      cut: false,
      now: Date.now(),
      ...fill(state),
    };
    return {
      staging,
      open: (signal) => openReading({ ...request, signal }),
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  };
}

function makeDatabase(path: string): void {
  using database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=wal; CREATE TABLE t (x)");
}

function tree(cut: boolean): () => Promise<SourceSubject> {
  return subject((state) => {
    mkdirSync(join(state, "sub/empty"), { recursive: true });
    for (const name of ["a", "a.txt", "sub/z", "sub-"]) writeFileSync(join(state, name), name);
    symlinkSync("a", join(state, "link"));
    linkSync(join(state, "a"), join(state, "sub/again"));
    makeDatabase(join(state, "db"));
    return { cut };
  });
}

function single(name: string, make: (path: string) => void): () => Promise<SourceSubject> {
  return subject((state) => {
    make(join(state, name));
    return { path: join(state, name) };
  });
}

const runner = { describe, it };
sourceContract(runner, "tree", tree(false));
sourceContract(runner, "tree, cut", tree(true));
sourceContract(
  runner,
  "file",
  single("a.bin", (path) => writeFileSync(path, "content")),
);
sourceContract(
  runner,
  "json",
  single("a.json", (path) => writeFileSync(path, "{}")),
);
sourceContract(
  runner,
  "log",
  single("a.log", (path) => writeFileSync(path, "one\ntwo")),
);
sourceContract(runner, "sqlite", single("a.db", makeDatabase));
sourceContract(
  runner,
  "command",
  subject(() => ({ path: null, command: { argv: ["echo", "x"], as: "out", timeout: 60_000 } })),
);
