import type { DiffDocument, EntryRow, SearchResult } from "../../contract/index.ts";
import { cat, ls, show, type LookedAt } from "../../operations/index.ts";
import { contentStream } from "../content-stream.ts";
import type { HandlersOf } from "../handler.ts";

/** Rows of an answer unless told otherwise. */
const ROWS = 1000;

export const contentHandlers: HandlersOf<"listEntries" | "diffBackup" | "readContent" | "search"> = {
  listEntries: async ({ instance }, { params: { id }, query: { path = "", recursive = false, limit = ROWS } }) => {
    const { head, entries } = await ls(instance(), id, path, recursive);
    return {
      status: 200,
      body: { backup_id: head.id, entries: entries.slice(0, limit).map(rowOf), truncated: entries.length > limit },
    };
  },

  diffBackup: async ({ instance, readings }, { params: { id }, query, signal }) => {
    const before = await show(instance(), id);
    const after = query.with === undefined ? [] : [(await show(instance(), query.with)).id];
    const document = await readings.run(["diff", before.id, ...after], signal);
    const { before: from, after: to, differences } = document as unknown as DiffDocument;
    return { status: 200, body: { before: from, after: to, differences } };
  },

  readContent: async ({ instance }, { params: { id }, query: { path } }) => ({
    status: 200,
    body: await contentStream(async (write) => await cat(instance(), id, path, write)),
    headers: {
      // Never shown as a page of this origin, whatever is in it.
      "content-security-policy": "sandbox; default-src 'none'",
      "content-disposition": `attachment; filename*=UTF-8''${fileName(path)}`,
    },
  }),

  search: async ({ readings }, { query: { glob, limit = ROWS }, signal }) => {
    const { found } = (await readings.run(["find", glob], signal)) as unknown as Pick<SearchResult, "found">;
    return { status: 200, body: { found: found.slice(0, limit), truncated: found.length > limit } };
  },
};

function rowOf({ path, entry: { type, size, mtime_ns, sha256, pages_sha256: pages } }: LookedAt): EntryRow {
  return { path, type, size, mtime_ns, sha256: sha256 ?? null, pages_sha256: pages ?? null };
}

/** RFC 8187: what a header takes of a name, the rest in percent signs; a lone surrogate is no character. */
function fileName(path: string): string {
  const name = path.split("/").findLast((part) => part !== "" && part !== ".") ?? "content";
  return encodeURIComponent(name.toWellFormed()).replaceAll(/['()*!]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
