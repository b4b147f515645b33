import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCommand } from "../../scripts/bundle-command.ts";
import { bundleThreads } from "../../scripts/bundle-threads.ts";
import { emittedPath, findEntryPoints } from "../../scripts/entry-points.ts";
import { BUILT_COMMAND } from "./built-command-variable.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** Below the checkout, where the dependencies are found. */
const KEPT = join(CHECKOUT, "dist.tests");
const LONG_AGO = 6 * 3_600_000;

/**
 * Before any test: builds the command as it is published, so that whole-process tests try what users get, and start it in
 * half the time. Kept by what it is made from; types are the gates' business.
 */
export default async function setup(): Promise<void> {
  const place = join(KEPT, fingerprint());
  if (!existsSync(place)) await build(place);
  process.env[BUILT_COMMAND] = join(place, "bin", "holdfast.js");
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const path of globSync(["src/**/*.ts", "bin/*", "package.json", "package-lock.json", "scripts/*.ts", "tsconfig*.json"], {
    cwd: CHECKOUT,
  }).toSorted()) {
    if (path.endsWith(".test.ts")) continue;
    hash.update(`${path}\n`).update(readFileSync(join(CHECKOUT, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Beside its place first: another run may build the same at this moment, and the one that is done later is thrown away. */
async function build(place: string): Promise<void> {
  mkdirSync(KEPT, { recursive: true });
  for (const name of readdirSync(KEPT)) {
    const old = join(KEPT, name);
    if (Date.now() - statSync(old).mtimeMs > LONG_AGO) rmSync(old, { recursive: true, force: true });
  }
  const fresh = mkdtempSync(join(KEPT, "new-"));
  const tsc = join(CHECKOUT, "node_modules/typescript/bin/tsc");
  const dist = join(fresh, "dist");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", dist], { cwd: CHECKOUT, stdio: "inherit" });
  await bundleCommand(dist);
  await bundleThreads(dist, findEntryPoints(CHECKOUT).map(emittedPath));
  for (const name of ["bin", "package.json"]) cpSync(join(CHECKOUT, name), join(fresh, name), { recursive: true });
  // Tests run it as other accounts too.
  execFileSync("chmod", ["-R", "a+rX", fresh]);
  try {
    renameSync(fresh, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
}
