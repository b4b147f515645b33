import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface PackageTarball {
  readonly path: string;
  /** How many files are in it. */
  readonly files: number;
}

/** `npm pack` of what is built, into a folder. Scripts do not run: whoever calls has built. */
export function packageTarball(root: string, folder: string): PackageTarball {
  const stdout = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [packed] = JSON.parse(stdout) as readonly { readonly filename: string; readonly files: readonly unknown[] }[];
  if (packed === undefined) throw new Error("npm pack named no tarball");
  return { path: join(folder, packed.filename), files: packed.files.length };
}
