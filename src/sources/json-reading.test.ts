import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problemInJson } from "./json-problem.ts";
import { openReading } from "./open-reading.ts";
import { readBack, testPlace } from "../../test/support/source-place.ts";

describe("openReading() of a JSON document", () => {
  it("stores exactly the bytes that parse, a byte order mark included", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    writeFileSync(path, '\uFEFF{ "a": [1, "é"] }\n');
    const { entries, bytes, report } = await readBack(place.request({ path }));
    expect(bytes.get("state.json")?.toString()).toBe('\uFEFF{ "a": [1, "é"] }\n');
    expect(entries).toMatchObject([{ head: { path: "state.json", size: 22 }, content: { kind: "staged", movable: true } }]);
    expect(report.source).toBe("json");
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("fails with the place of the problem when the document stays broken", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    const position = async (text: string | Buffer): Promise<unknown> => {
      writeFileSync(path, text);
      return openReading(place.request({ path })).catch((error: { code: string; position: unknown }) => [error.code, error.position]);
    };
    const results = [await position('{\n  "a": 1,\n}'), await position("")];
    expect(results).toEqual([
      ["DOCUMENT_INVALID", { file: path, line: 3, column: 1 }],
      ["DOCUMENT_INVALID", { file: path, line: 1, column: 1 }],
    ]);
    expect(readdirSync(place.staging)).toEqual([]);
  }, 15_000);

  it("reads a torn document again until its writer has finished", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    writeFileSync(path, '{"a":');
    const reading = readBack(place.request({ path }));
    setImmediate(() => writeFileSync(path, '{"a":1}'));
    expect((await reading).bytes.get("state.json")?.toString()).toBe('{"a":1}');
  });

  it("takes a whole state of a document that is rewritten all the time, or refuses it", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    // Every state says the same number at both ends; the writer truncates and writes in pieces, as careless ones do.
    const script = `const fs = require("node:fs"); let n = 0; const go = () => { n++; const f = fs.openSync(process.argv[1], "w"); fs.writeSync(f, '{"first":' + n + ',"body":"' + "x".repeat(300000)); for (const end = performance.now() + 5; performance.now() < end; ); fs.writeSync(f, '","last":' + n + "}"); fs.closeSync(f); if (n === 1) console.log("ready"); setTimeout(go, 100) }; go()`;
    const writer = spawn(process.execPath, ["-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
    await once(writer.stdout, "data");
    try {
      let whole = 0;
      for (let round = 0; round < 10; round += 1) {
        const read = await readBack(place.request({ path })).catch((error: unknown) => {
          // A machine under load may never meet the writer at rest: then it says so, and no torn state is taken.
          expect(error).toMatchObject({ row: { kind: "capture" } });
        });
        if (read === undefined) continue;
        whole += 1;
        const { bytes } = read;
        const document = JSON.parse(bytes.get("state.json")?.toString() ?? "") as { first: number; last: number };
        expect(document.first).toBe(document.last);
      }
      expect(whole).toBeGreaterThan(0);
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "exit");
    }
  }, 30_000);

  it("reads a document that is replaced by rename while it is opened", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    writeFileSync(path, "not json yet");
    const reading = readBack(place.request({ path }));
    setImmediate(() => {
      writeFileSync(`${path}.tmp`, "[]");
      renameSync(`${path}.tmp`, path);
    });
    expect((await reading).bytes.get("state.json")?.toString()).toBe("[]");
  });

  it("stops waiting for a torn document when its signal is given", async () => {
    using place = testPlace();
    const path = join(place.state, "state.json");
    writeFileSync(path, "{");
    const controller = new AbortController();
    const reading = openReading(place.request({ path, signal: controller.signal }));
    setImmediate(() => controller.abort());
    await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(readdirSync(place.staging)).toEqual([]);
  });
});

describe("problemInJson()", () => {
  it("finds the same problems whole and piece by piece", async () => {
    using place = testPlace();
    const file = join(place.state, "x");
    const documents: (readonly [string | Buffer, readonly [number, number] | undefined])[] = [
      ["{}", undefined],
      ["\uFEFF[]", undefined],
      [`[${"1,".repeat(300_000)}1]`, undefined],
      ["[1,\n2,]", [2, 3]],
      ["[1", [1, 3]],
      ["1 2", [1, 3]],
      ["  ", [1, 3]],
      [Buffer.from([0x5b, 0x0a, 0x22, 0xff, 0x22, 0x5d]), [2, 2]],
    ];
    for (const [document, at] of documents) {
      writeFileSync(file, document);
      for (const whole of [Number.MAX_SAFE_INTEGER, 0]) {
        const problem = await problemInJson(file, whole);
        expect([document.toString().slice(0, 20), whole, problem && [problem.line, problem.column]]).toEqual([
          document.toString().slice(0, 20),
          whole,
          at,
        ]);
      }
    }
  });
});
