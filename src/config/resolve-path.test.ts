import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { CaptureError } from "../kernel/index.ts";

import { loadConfig } from "./load-config.ts";
import { followPointer, pointerKeys } from "../kernel/index.ts";
import { resolvePath, type ResolvedPath } from "./resolve-path.ts";

/** The document of openclaw-operator, with its three keys. */
const ORCHESTRATOR = `{
  "docsPath": "./openclaw-docs",
  "logsDir": "./logs",
  "stateFile": "./orchestrator/data/orchestrator-state.json",
  "knowledgePackDir": "/srv/packs/",
  "nested": { "a/b": ["x", { "m~n": "deep" }] },
  "retries": 3, "none": null, "empty": "", "list": [], "map": {}, "on": true
}
`;

const CONFIG = `components:
  state:           { path: { from: conf/orchestrator_config.json, pointer: /stateFile, env: STATE_FILE }, importance: critical }
  knowledge-packs: { path: { from: conf/orchestrator_config.json, pointer: /knowledgePackDir }, importance: high }
  logs:            { path: { from: conf/orchestrator_config.json, pointer: /logsDir }, importance: medium, exclude: ["*.tmp"] }
backup: { path: /vault }
`;

function place(
  document: string | Uint8Array = ORCHESTRATOR,
  name = "orchestrator_config.json",
): Disposable & {
  join(...names: string[]): string;
  document: string;
  resolve(pointer: string, env?: NodeJS.ProcessEnv, variable?: string | null): Promise<ResolvedPath>;
  refusal(pointer: string, env?: NodeJS.ProcessEnv, variable?: string | null): Promise<CaptureError>;
} {
  const folder = temporaryFolder("holdfast-pointer-");
  mkdirSync(folder.join("conf"));
  const file = folder.join("conf", name);
  writeFileSync(file, document);
  const resolve = async (pointer: string, env: NodeJS.ProcessEnv = {}, variable: string | null = null): Promise<ResolvedPath> =>
    await resolvePath({ from: file, pointer, env: variable }, { env });
  return {
    join: folder.join,
    document: file,
    resolve,
    refusal: async (...request) => {
      const error = await resolve(...request).catch((thrown: unknown) => thrown);
      if (!(error instanceof CaptureError)) throw new Error(`Not refused: ${JSON.stringify(error)}`, { cause: error });
      expect(error).toMatchObject({ code: "COMPONENT_PATH", hint: expect.any(String) as string });
      return error;
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("resolvePath()", () => {
  it("resolves the three paths of an orchestrator_config.json, relative to that document's folder", async () => {
    using here = place();
    writeFileSync(here.join("holdfast.yaml"), CONFIG);
    const { components } = loadConfig({ file: here.join("holdfast.yaml"), env: {} });
    const resolved = await Promise.all(components.map(async ({ path }) => await resolvePath(path!, { env: {} })));
    expect(resolved).toEqual([
      { path: here.join("conf/orchestrator/data/orchestrator-state.json"), how: `"/stateFile" in "${here.document}"` },
      { path: "/srv/packs", how: `"/knowledgePackDir" in "${here.document}"` },
      { path: here.join("conf/logs"), how: `"/logsDir" in "${here.document}"` },
    ]);
  });

  it("lets the variable win when it is set and not empty, without reading the document", async () => {
    using here = place();
    expect(await here.resolve("/stateFile", { STATE_FILE: "../elsewhere/state.json" }, "STATE_FILE")).toEqual({
      path: here.join("elsewhere/state.json"),
      how: "environment variable STATE_FILE",
    });
    expect((await here.resolve("/stateFile", { STATE_FILE: "" }, "STATE_FILE")).path).toContain("orchestrator-state.json");
    expect((await here.resolve("/stateFile", { STATE_FILE: "/other" }, null)).path).toContain("orchestrator-state.json");
    rmSync(here.document);
    expect((await here.resolve("/stateFile", { STATE_FILE: "/abs/state.json" }, "STATE_FILE")).path).toBe("/abs/state.json");
  });

  it("reads the document anew every time", async () => {
    using here = place();
    await here.resolve("/stateFile");
    writeFileSync(here.document, '{"stateFile": "moved.json"}');
    expect((await here.resolve("/stateFile")).path).toBe(here.join("conf/moved.json"));
  });

  it("takes a literal as it is", async () => {
    expect(await resolvePath({ literal: "/data" }, { env: {} })).toEqual({ path: "/data", how: "as written" });
  });

  it("follows escapes and list indices, and expands the home folder", async () => {
    using here = place(ORCHESTRATOR.replace('"./logs"', '"~/logs"'));
    expect((await here.resolve("/nested/a~1b/1/m~0n")).path).toBe(here.join("conf/deep"));
    expect((await here.resolve("/nested/a~1b/0")).path).toBe(here.join("conf/x"));
    expect((await here.resolve("/logsDir", { HOME: "/home/acme" })).path).toBe("/home/acme/logs");
  });

  it.each([
    ["YAML", "state:\n  file: &one data/state.json\nother: *one\n", "conf.yaml", "/other"],
    ["JSON without the name", '{"other": "data/state.json"}', "conf", "/other"],
    ["JSON with a byte order mark and Windows line ends", '\uFEFF{\r\n"other": "data/state.json"\r\n}\r\n', "conf.json", "/other"],
  ])("reads %s", async (_, text, name, pointer) => {
    using here = place(text, name);
    expect((await here.resolve(pointer)).path).toBe(here.join("conf/data/state.json"));
  });

  it.each([
    "mongo:orchestrator-state",
    "sqlite:./data/state.sqlite",
    "redis://user:hunter2@host/0",
    "file:///data/state.json",
    "s3://bucket/x",
    "git+ssh:x",
  ])("refuses %s by the name of its scheme, from the document and from the variable, and quotes no more of it", async (address) => {
    using here = place(`{\n  "logsDir": "logs",\n  "stateFile": ${JSON.stringify(address)}\n}`);
    const scheme = address.slice(0, address.indexOf(":") + 1);
    const error = await here.refusal("/stateFile");
    expect(error.message).toBe(`${here.document}:3:16: "/stateFile" is a \`${scheme}\` address, not a path on disk`);
    expect(error.position).toEqual({ file: here.document, line: 3, column: 16 });
    const fromVariable = await here.refusal("/logsDir", { STATE_FILE: address }, "STATE_FILE");
    expect(fromVariable.message).toBe(`The environment variable STATE_FILE is a \`${scheme}\` address, not a path on disk`);
    expect(JSON.stringify([error, fromVariable])).not.toContain("hunter2");
  });

  it("takes one letter and a colon, and a path that says it is one, for a path", async () => {
    using here = place('{"drive": "C:data", "dotted": "./mongo:state", "absolute": "/a:b"}');
    expect((await here.resolve("/drive")).path).toBe(here.join("conf/C:data"));
    expect((await here.resolve("/dotted")).path).toBe(here.join("conf/mongo:state"));
    expect((await here.resolve("/absolute")).path).toBe("/a:b");
  });

  it.each([
    ["/gone", 2, '"gone" is not there'],
    ["/nested/a~1b/2", 6, '"2" is not there'],
    ["/nested/a~1b/01", 6, '"01" is not there'],
    ["/nested/a~1b/-", 6, '"-" is not there'],
    ["/nested/a~1b/length", 6, '"length" is not there'],
    ["/nested/gone/deeper", 6, '"gone/deeper" is not there'],
    ["/stateFile/deeper", 4, '"deeper" is not there'],
    ["/constructor", 2, '"constructor" is not there'],
    ["/__proto__", 2, '"__proto__" is not there'],
    ["/retries", 7, "is a number, not a path"],
    ["/on", 7, "is a boolean, not a path"],
    ["/none", 7, "is null, not a path"],
    ["/list", 7, "is a list, not a path"],
    ["/map", 7, "is a map of keys, not a path"],
    ["/empty", 7, "is empty, not a path"],
  ])("refuses %s of the document, which is no path, with its line", async (pointer, line, message) => {
    using here = place();
    const error = await here.refusal(pointer);
    expect(error.message).toContain(message);
    expect(error.position).toMatchObject({ file: here.document, line: pointer.match(/gone$|constructor|proto/) ? 1 : line });
  });

  it("refuses NUL in a path, and a value of blanks", async () => {
    using here = place('{"nul": "a\\u0000b", "blank": "  "}');
    expect((await here.refusal("/nul")).message).toContain("holds a NUL character");
    expect((await here.refusal("/blank")).message).toContain("is empty");
    expect((await here.refusal("/nul", { X: "a\0b" }, "X")).message).toContain("The environment variable X holds a NUL character");
  });

  it("refuses a missing document, and says which variable would do instead", async () => {
    using here = place();
    expect((await here.refusal("/gone", {}, "STATE_FILE")).hint).toContain("or set STATE_FILE");
    rmSync(here.document);
    expect((await here.refusal("/stateFile")).message).toBe(`No document at "${here.document}", which holds the path`);
    mkdirSync(here.document);
    expect((await here.refusal("/stateFile")).message).toContain("it is not a file");
    rmSync(here.document, { recursive: true });
    execFileSync("mkfifo", [here.document]);
    expect((await here.refusal("/stateFile")).message).toContain("it is not a file");
  });

  it("refuses a torn JSON document at every length, and quotes nothing of it", async () => {
    using here = place();
    const text = '{"token": "hunter2", "stateFile": "./state.json", "n": [1, 2]}';
    for (let length = 0; length < text.length; length += 1) {
      writeFileSync(here.document, text.slice(0, length));
      const error = await here.refusal("/stateFile");
      expect(error.message).toContain("it is not whole JSON");
      expect(error.position?.line).toBe(1);
      expect(JSON.stringify([error, String(error.cause)])).not.toContain("hunter2");
    }
    writeFileSync(here.document, text);
    expect((await here.resolve("/stateFile")).path).toBe(here.join("conf/state.json"));
  });

  it.each([
    ["a new head on an old tail", '{"stateFile": "a"}\n"old": "b"}', 2, 1],
    ["a word that is no value", '{\n  "stateFile": abc\n}', 2, 16],
    ["quotes of the wrong kind", "{\n  'stateFile': 'a'\n}", 2, 3],
    ["a comma too many", '{\n  "stateFile": "a",\n}', 3, 1],
  ])("refuses %s, with its position", async (_, text, line, column) => {
    using here = place(text);
    const error = await here.refusal("/stateFile");
    expect(error.position).toEqual({ file: here.document, line, column });
  });

  it("refuses broken YAML, aliases that unfold without end, bytes that are no text, and a giant", async () => {
    using here = place("state: [\n", "conf.yaml");
    expect((await here.refusal("/state")).message).toContain("it is not whole YAML");
    const layers = Array.from({ length: 20 }, (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index}, `.repeat(9)}*l${index}]\n`).join(
      "",
    );
    writeFileSync(here.document, `l0: &l0 [x]\n${layers}`);
    expect((await here.refusal("/l20")).message).toContain("it is not whole YAML");
    writeFileSync(here.document, Buffer.from("state: \xFF\n", "latin1"));
    expect((await here.refusal("/state")).message).toContain(":1:8: not UTF-8");
    writeFileSync(here.document, `# ${"x".repeat(1024 * 1024)}\nstate: x\n`);
    expect((await here.refusal("/state")).message).toContain("at most 1048576 are read as YAML");
    writeFileSync(here.document, Buffer.alloc(9 * 1024 * 1024, " "));
    expect((await here.refusal("/state")).message).toContain("at most 8388608 are read");
  });
});

describe("resolvePath() with a large document", () => {
  it("reads megabytes of JSON, and refuses without a position what would take long to find", async () => {
    using here = place(JSON.stringify({ history: "x".repeat(4_000_000), stateFile: "state.json", store: "mongo:x" }));
    expect((await here.resolve("/stateFile")).path).toBe(here.join("conf/state.json"));
    const error = await here.refusal("/store");
    expect(error.message).toBe(`${here.document}: "/store" is a \`mongo:\` address, not a path on disk`);
    expect(error.position).toBeUndefined();
  });
});

describe("followPointer()", () => {
  it("finds every value of any JSON document by its pointer", () => {
    const visit = (value: unknown, pointer: string, root: unknown): void => {
      expect(followPointer(root, pointerKeys(pointer)).value).toBe(value);
      if (typeof value !== "object" || value === null) return;
      for (const key of Object.keys(value)) {
        visit((value as Record<string, unknown>)[key], `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, root);
      }
    };
    fc.assert(fc.property(fc.jsonValue(), (root) => visit(root, "", root)));
  });
});
