import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { CaptureError, identityKey, lstatAt } from "../kernel/index.ts";
import type { Omission, SourceKind } from "../vault/index.ts";
import { makeNotes } from "./notes.ts";
import { makePatterns } from "./patterns.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { sniffKind } from "./sniff.ts";
import { walk } from "./walk.ts";

/** What a component holds now, told without copying anything. */
export interface Survey {
  readonly kind: SourceKind;
  /** Entry path and bytes of every file that a reading would give; a further name of a hard-linked file counts nothing. */
  files(): AsyncGenerator<{ readonly path: string; readonly bytes: number }>;
  /** Complete once files() has ended. */
  report(): { readonly omissions: readonly Omission[]; readonly warnings: readonly string[] };
}

/** Walks a component by its own rules, opens no more than the first bytes of a file, and stages nothing. */
export function survey(request: Omit<ReadingRequest, "staging" | "cut" | "now" | "programs">): Survey {
  const { path, component } = request;
  if (path === null)
    return {
      kind: "command",
      async *files() {},
      report: () => ({ omissions: [], warnings: ["The size of a command's output is not known before it runs"] }),
    };
  const kind = request.kind ?? sniffKind(path);
  const root = realpathSync(path);
  const stats = lstatAt(root);
  if (stats === undefined) throw new CaptureError("COMPONENT_MISSING", `Component "${component}" is not there: "${path}"`);
  if (kind !== "tree") {
    return {
      kind,
      async *files() {
        yield { path: basename(path), bytes: Number(stats.size) };
      },
      report: () => ({ omissions: [], warnings: [] }),
    };
  }
  const notes = makeNotes();
  const patterns = makePatterns(request.exclude, request.include);
  return {
    kind,
    async *files() {
      const found = walk({
        root,
        stats,
        patterns,
        excludeLarger: request.excludeLarger,
        excludeCaches: request.excludeCaches,
        oneFileSystem: request.oneFileSystem,
        avoid: new Set(request.avoid.map(identityKey)),
        remembered: request.remembered.paths,
        raw: null,
        memory: undefined,
        notes,
        signal: request.signal,
      });
      for await (const entry of found) {
        if (entry.type === "file" || entry.type === "database")
          yield { path: entry.path, bytes: entry.linkTo === undefined ? Number(entry.stats.size) : 0 };
      }
    },
    report: () => ({ omissions: notes.result().omissions, warnings: [...notes.result().warnings, ...patterns.warnings()] }),
  };
}
