import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ignore from "ignore";

/**
 * What must stand in no file of the checkout, in any language: names of package registries, which are each machine's own
 * setting. A lockfile that names one makes `npm ci` ask that host wherever the checkout goes.
 */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\bregistry\.[\w-]+\.(?:org|com|net|io|dev)\b/i, "names a package registry"],
  [/"resolved":\s*"https?:/, "pins a download address; keep omit-lockfile-registry-resolved in .npmrc"],
];

export function checkLanguage(root: string): { files: number; problems: string[] } {
  const rules = ignore()
    .add(readFileSync(join(root, ".gitignore"), "utf8"))
    .add([".git/", "node_modules/"]);
  // Folders that are ignored are not even entered; a name alone decides, as in .gitignore.
  const entered = globSync(["**/*", "**/.*", "**/.*/**/*"], {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => rules.ignores(entry.isDirectory() ? `${entry.name}/` : entry.name),
  });
  const files = new Set(entered.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  const problems: string[] = [];
  for (const file of files) {
    for (const [index, line] of readFileSync(file, "utf8").split("\n").entries()) {
      for (const [pattern, problem] of FORBIDDEN) {
        if (pattern.test(line)) problems.push(`${file.slice(root.length + 1)}:${index + 1}: ${problem}`);
      }
    }
  }
  if (files.size === 0) problems.push("no file was found");
  return { files: files.size, problems };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, problems } = checkLanguage(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const problem of problems) console.error(problem);
  console.log(`language: ${files} files, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
