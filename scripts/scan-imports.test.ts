import { describe, expect, it } from "vitest";
import { scanImports } from "./scan-imports.ts";

function specifiers(source: string): string[] {
  return scanImports(source).imports.map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier));
}

describe("scanImports()", () => {
  it("finds every form of import and re-export, in order", () => {
    const source = [
      'import "./effect.ts";',
      'import one from "./default.ts";',
      "import { a, type B } from './named.ts';",
      'import * as all from "./namespace.ts";',
      "import {",
      "  c,",
      "  d,",
      '} from "./lines.ts";',
      'import type { E } from "./types-only.ts";',
      'export { f } from "./re-export.ts";',
      'export type { G } from "./re-export-type.ts";',
      'export * from "./star.ts";',
      'export * as h from "./star-as.ts";',
      'const later = await import("./dynamic.ts");',
      "const data = import(",
      '  "./wrapped.ts"',
      ");",
    ].join("\n");
    expect(specifiers(source)).toEqual([
      "./effect.ts",
      "./default.ts",
      "./named.ts",
      "./namespace.ts",
      "./lines.ts",
      "type ./types-only.ts",
      "./re-export.ts",
      "type ./re-export-type.ts",
      "./star.ts",
      "./star-as.ts",
      "./dynamic.ts",
      "./wrapped.ts",
    ]);
  });

  it("counts lines from 1", () => {
    expect(scanImports('\n\nimport "./a.ts";\n').imports[0]?.line).toBe(3);
  });

  it("sees no import in comments, strings, templates and regular expressions", () => {
    const source = [
      '// import "./comment.ts"',
      '/* import "./block.ts" */',
      "const text = 'import \"./string.ts\"';",
      "const template = `",
      'import "./template.ts";',
      '${inner(`import "./nested.ts"`, { a: 1 })} import "./after.ts"',
      "`;",
      'const pattern = /["\'`] import "x"/;',
      "const half = total / 2; // import './divided.ts'",
      'import "./real.ts";',
    ].join("\n");
    expect(specifiers(source)).toEqual(["./real.ts"]);
  });

  it("sees an import inside a template expression", () => {
    expect(specifiers('const a = `${await import("./inside.ts")}`;')).toEqual(["./inside.ts"]);
  });

  it("is not confused by characters of two units before an import", () => {
    expect(specifiers('const face = "😀😀"; // 😀\nimport "./a.ts";')).toEqual(["./a.ts"]);
  });

  it("takes import.meta, properties and local exports for what they are", () => {
    expect(specifiers('export const x = import.meta.url;\nrow.import("a");\nexport { y };\nconst from = "b";\n')).toEqual([]);
  });
});
