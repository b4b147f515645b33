import { appendFileSync, closeSync, mkdirSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { lastDocument, lastLines, levelOf, openOutput, OutputReader, readTail, toldOutcome } from "./run-output.ts";

describe("openOutput()", () => {
  it("keeps the outputs of the last twenty runs, by when they were written, and is for its owner alone", () => {
    using folder = temporaryFolder();
    // From before the ledger began anew: higher numbers, and older.
    mkdirSync(folder.join("tasks", "summary"), { recursive: true });
    for (let run = 500; run < 520; run += 1) {
      writeFileSync(folder.join("tasks", "summary", `${run}.log`), "old");
      utimesSync(folder.join("tasks", "summary", `${run}.log`), 1000 + run, 1000 + run);
    }
    for (let run = 1; run <= 5; run += 1) {
      const { path, descriptor } = openOutput(folder.path, "summary", run);
      writeSync(descriptor, `run ${run}\n`);
      closeSync(descriptor);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    const kept = readdirSync(folder.join("tasks", "summary"));
    expect(kept).toHaveLength(20);
    expect(kept).toEqual(expect.arrayContaining(["1.log", "2.log", "3.log", "4.log", "5.log", "519.log"]));
    expect(kept).not.toContain("500.log");
  });

  it("begins empty, also where a run of that number has written before", () => {
    using folder = temporaryFolder();
    const first = openOutput(folder.path, "summary", 1);
    writeSync(first.descriptor, '{"outcome":"failed"}\n');
    const second = openOutput(folder.path, "summary", 1);
    // Whoever still has the old one open writes into nobody's output.
    writeSync(first.descriptor, '{"outcome":"failed"}\n');
    expect(readTail(second.path, "line")).toBe("");
    for (const { descriptor } of [first, second]) closeSync(descriptor);
  });
});

describe("readTail()", () => {
  it("reads the end of an output, and enough of it for a document", () => {
    using folder = temporaryFolder();
    const text = `{"a":"${"x".repeat(100_000)}"}\n`;
    writeFileSync(folder.join("out"), text);
    expect(readTail(folder.join("out"), "line")).toBe(text.slice(-16 * 1024));
    expect(readTail(folder.join("out"), "document")).toBe(text);
  });
});

describe("lastLines()", () => {
  it("are the last ten, of 2,000 characters at most", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    expect(lastLines(`${lines.join("\n")}\n\n`)).toBe(lines.slice(20).join("\n"));
    expect(lastLines("y".repeat(5000))).toHaveLength(2000);
  });
});

describe("toldOutcome() and lastDocument()", () => {
  it("take the last word, and nothing that is none", () => {
    expect(toldOutcome('{"outcome":"failed"}\n{"outcome":"deferred","reason":"busy"}\n{"other":1}\n')).toEqual({
      outcome: "deferred",
      reason: "busy",
    });
    for (const none of ["", "outcome: failed", '["outcome"]', '{"outcome":1}', '{"outcome":"failed"', ' {"outcome":"failed"}'])
      expect(toldOutcome(none)).toBeNull();
  });

  it("a document of several lines is read with noise before and behind it, and half of one is none", () => {
    const document = JSON.stringify({ id: "a", inner: { b: 1 } }, null, 2);
    expect(lastDocument(`warning\n${document}\n(node:1) Warning\n`)).toEqual({ id: "a", inner: { b: 1 } });
    for (const none of ["", "text", document.slice(0, -2), '  "b": 1\n}']) expect(lastDocument(none)).toBeNull();
  });
});

describe("OutputReader", () => {
  it("gives whole lines, and the rest of one with what completes it", () => {
    using folder = temporaryFolder();
    const path = folder.join("out");
    writeFileSync(path, "one\ntw");
    const reader = new OutputReader(path);
    expect(reader.read()).toEqual(["one"]);
    expect(reader.read()).toEqual([]);
    appendFileSync(path, "o\nthr");
    expect(reader.read()).toEqual(["two"]);
    expect(reader.rest()).toBe("thr");
    expect(reader.rest()).toBe("");
  });

  it("reads over what is printed faster than it is looked at, and says how much that was", () => {
    using folder = temporaryFolder();
    const path = folder.join("out");
    writeFileSync(path, "0123456789\nabcdefghi\nend\n");
    const reader = new OutputReader(path);
    expect(reader.read(14)).toEqual([`… 11 bytes more in ${path}`, "end"]);
    expect(reader.size).toBe(25);
  });

  it("begins anew in one that was cut short", () => {
    using folder = temporaryFolder();
    const path = folder.join("out");
    writeFileSync(path, "a long line\nhalf");
    const reader = new OutputReader(path);
    reader.read();
    truncateSync(path, 0);
    expect(reader.read()).toEqual([]);
    appendFileSync(path, "new\n");
    expect(reader.read()).toEqual(["new"]);
  });

  it("keeps no line that never ends in memory", () => {
    using folder = temporaryFolder();
    const path = folder.join("out");
    writeFileSync(path, "");
    const reader = new OutputReader(path);
    let given = 0;
    for (let piece = 0; piece < 10; piece += 1) {
      appendFileSync(path, "z".repeat(60_000));
      given += reader.read().join("").length;
    }
    expect(given + reader.rest().length).toBe(600_000);
    expect(given).toBeGreaterThan(500_000);
  });
});

describe("levelOf()", () => {
  it.each([
    ["ERROR: no", "error", "no"],
    ["[WARN] slow", "warn", "slow"],
    ["WARNING something", "warn", "something"],
    ["(INFO) fine", "info", "fine"],
    ["DEBUG - detail", "debug", "detail"],
    ["FATAL", "error", ""],
    ["INFORMATION desk", "info", "INFORMATION desk"],
    ["errors: 0", "info", "errors: 0"],
    ["an ERROR in the middle", "info", "an ERROR in the middle"],
  ] as const)("%s is %s", (line, level, text) => {
    expect(levelOf(line)).toEqual({ level, text });
  });
});
