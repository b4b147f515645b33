import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { CRASHPOINTS } from "../../src/kernel/index.ts";
import { makeInstance } from "./instance.ts";
import type { StoredFormName } from "./stored-forms.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A file's text, or a folder. */
type Node = string | { readonly [name: string]: Node };

const NAMES = ["a", "b", "skip", "c"];
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom("x", "y", "z"),
    fc.dictionary(fc.constantFrom(...NAMES), tie("node"), { maxKeys: 4 }),
  ),
}));
const tree = fc.dictionary(fc.constantFrom(...NAMES), node, { minKeys: 1, maxKeys: 4 });
/** Passed by every restore of files without a runtime. */
const POINTS = CRASHPOINTS.filter(
  (point) =>
    /^in-place-(claimed|staged|stopping|journaled|moved-|swapped|kept|clearing|done)/.test(point) && !/moved-(out|back)/.test(point),
);

/** What a restore may meet: what was captured, what is live now, and where it is killed. */
export interface RandomCase {
  readonly captured: Readonly<Record<string, Node>>;
  readonly live: Readonly<Record<string, Node>>;
  readonly point: string;
}
export const randomCase: fc.Arbitrary<RandomCase> = fc.record({ captured: tree, live: tree, point: fc.constantFrom(...POINTS) });

function lay(folder: string, what: Node): void {
  if (typeof what === "string") writeFileSync(folder, what);
  else {
    mkdirSync(folder, { recursive: true });
    for (const [name, inner] of Object.entries(what)) lay(join(folder, name), inner);
  }
}

/** Files by path and text, folders by path and "/". */
function snapshot(folder: string, at = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of existsSync(join(folder, at)) ? readdirSync(join(folder, at)).toSorted() : []) {
    const path = at === "" ? name : `${at}/${name}`;
    if (statSync(join(folder, path)).isDirectory()) Object.assign(found, { [path]: "/" }, snapshot(folder, path));
    else found[path] = readFileSync(join(folder, path), "utf8");
  }
  return found;
}

const isSkipped = (path: string): boolean => path.split("/").includes("skip");

/** All of the backup, with what the rules leave alone as it is now; folders that hold such a thing stay. */
function expected(captured: Record<string, string>, live: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [path, text] of Object.entries(captured)) if (!isSkipped(path)) result[path] = text;
  for (const [path, text] of Object.entries(live)) {
    if (!isSkipped(path)) continue;
    result[path] = text;
    const names = path.split("/");
    for (let end = 1; end < names.length; end += 1) result[names.slice(0, end).join("/")] ??= "/";
  }
  return result;
}

/** Takes a backup, changes everything, restores, dies somewhere, settles, and looks: all old, all new, or refused before anything. */
export async function playRandomCase(
  { captured, live, point }: RandomCase,
  form: StoredFormName = "directory",
): Promise<"old" | "new" | "refused"> {
  using folder = temporaryFolder();
  const data = folder.join("data");
  lay(data, captured);
  // One component of everything, and another one that lies inside it.
  const { run, runWith } = makeInstance(
    folder.path,
    "  outer: { path: data, exclude: [skip], exclude_caches: false }\n  inner: { path: data/b, exclude: [skip], optional: true, importance: medium }",
    { form },
  );
  const taken = await run("backup", "--json");
  expect([0, 3], taken.stdout).toContain(taken.exitCode);
  const { id, components } = taken.json<{ id: string; components: readonly { name: string }[] }>();
  const before = snapshot(data);
  rmSync(data, { recursive: true });
  lay(data, live);
  const old = snapshot(data);
  // What the backup does not hold of the inner component stays as it is.
  const inner = components.some(({ name }) => name === "inner");
  const fresh = expected(before, old);
  if (!inner) {
    for (const path of Object.keys(fresh)) if (path === "b" || path.startsWith("b/")) delete fresh[path];
    for (const [path, text] of Object.entries(old)) if (path === "b" || path.startsWith("b/")) fresh[path] = text;
  }
  const killed = await runWith({ env: { HOLDFAST_CRASHPOINT: point } }, "restore", id, "--yes", "--no-safety", "--json");
  if (killed.signal === null && killed.exitCode !== 0) {
    expect(killed.json<{ error: { code: string } }>().error.code, killed.stdout).toBe("RESTORE_REFUSED");
    expect(snapshot(data)).toEqual(old);
    return "refused";
  }
  const settled = await run("restore", "--settle", "--json");
  expect(settled.exitCode, settled.stdout).toBe(0);
  const now = snapshot(folder.path, "data");
  const seen = Object.fromEntries(
    Object.entries(now).flatMap(([path, text]) => (path.includes(".holdfast-") ? [] : [[path.slice("data/".length), text]])),
  );
  expect(JSON.stringify(Object.keys(now))).not.toContain("RESTORE-IN-PROGRESS");
  expect([old, fresh], JSON.stringify({ point, before, old })).toContainEqual(seen);
  return JSON.stringify(seen) === JSON.stringify(old) ? "old" : "new";
}
