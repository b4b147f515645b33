import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApi } from "../../src/contract/index.ts";
import { ERROR_CODES } from "../../src/kernel/index.ts";
import { answeringEngine } from "../support/answering-engine.ts";
import { holdToTable } from "../support/api.ts";
import { fakeApi, type FakeApi } from "../support/fake-api.ts";
import { fakeReader } from "../support/fake-reader.ts";
import { fakeVault } from "../support/fake-vault.ts";
import { operationsOf, valuesOf, type Json, type Operation } from "../support/openapi-requests.ts";

const reader = fakeReader({ memory: {} }, [["memory"], ["memory/a.md", { content: "# A" }]]);
const { head } = reader;
const KNOWN = [head.id, "latest", "memory", "memory/a.md", "*.md", "nightly", "2026-03-15T00-02-00-0a1b2c"];
/** Of each operation. */
const REQUESTS = 15;
/** One that none of them made succeed gets as many again, so often: of all words one alone is the path of a file. */
const ROUNDS = 12;
/** One stays open for ever, and of a task nothing runs where there is no daemon. */
const WITHOUT_SUCCESS = ["events", "runTask"];

interface Sent {
  readonly parameters: readonly unknown[];
  readonly body: unknown;
}

describe("requests that are made of openapi.json alone, over a socket, to an engine whose commands succeed", () => {
  const document: Json = openApi("1.2.3", ERROR_CODES);
  const operations = operationsOf(document).filter(({ id }) => id !== "events");
  let served: FakeApi;
  let listening: Awaited<ReturnType<FakeApi["api"]["listen"]>>;
  /** What ran last. */
  let run = "run-0123456789abcdef";

  beforeAll(async () => {
    served = fakeApi({ vault: async () => fakeVault({ backups: [head] }, { [head.id]: reader }), engine: answeringEngine(head.id) });
    listening = await served.api.listen();
  });
  afterAll(async () => {
    await listening.close();
    await served.api.settled();
    served[Symbol.dispose]();
  });

  function requestsOf({ parameters, body }: Operation): fc.Arbitrary<Sent> {
    const values = parameters.map(({ required, schema }) => {
      const value = valuesOf(schema, document, KNOWN);
      return required ? value : fc.option(value, { nil: undefined });
    });
    return fc.record({
      parameters: fc.tuple(...values),
      body: body === null ? fc.constant(undefined) : fc.option(valuesOf(body, document, KNOWN), { nil: undefined, freq: 5 }),
    });
  }

  async function send({ id, method, path, parameters }: Operation, { parameters: values, body }: Sent): Promise<number> {
    let place = path;
    const query = new URLSearchParams();
    const headers: Record<string, string> = { authorization: `Bearer ${served.token("restore")}` };
    for (const [index, { name, in: where }] of parameters.entries()) {
      if (values[index] === undefined) continue;
      const value = id === "showRun" ? run : String(values[index]);
      if (where === "path") place = place.replace(`{${name}}`, encodeURIComponent(value));
      else if (where === "query") query.set(name, value);
      // What cannot stand in a header is the client's own mistake.
      else headers[name] = value.replaceAll(/[^\x21-\x7E]/g, "x");
    }
    if (body !== undefined) headers["content-type"] = "application/json";
    // Who restores says the id twice.
    const sent = id === "restore" && body !== undefined ? { ...body, confirm: (body as { backup_id: string }).backup_id } : body;
    const at = `${place}${query.size === 0 ? "" : `?${String(query)}`}`;
    const response = await fetch(`${listening.url}${at}`, {
      method,
      headers,
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    });
    const text = await response.text();
    expect(response.status, `${method} ${at}: ${text}`).not.toBe(500);
    const told = /json/.test(response.headers.get("content-type") ?? "") ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
    holdToTable(method, at, response, told);
    if (typeof told["run_id"] === "string") run = told["run_id"];
    return response.status;
  }

  it("are answered as the document says, every operation also with success, and never with 500", async () => {
    const succeeded = new Set<string>();
    const isDone = ({ id }: Operation, round: number): boolean => round > 0 && (succeeded.has(id) || WITHOUT_SUCCESS.includes(id));
    for (const operation of operations) {
      for (let round = 0; round < ROUNDS && !isDone(operation, round); round += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other: each may change what the next finds
        await fc.assert(
          fc.asyncProperty(requestsOf(operation), async (sent) => {
            if ((await send(operation, sent)) < 300) succeeded.add(operation.id);
          }),
          { numRuns: REQUESTS },
        );
      }
    }
    expect(operations.length).toBeGreaterThan(30);
    const missed = operations.map(({ id }) => id).filter((id) => !succeeded.has(id) && !WITHOUT_SUCCESS.includes(id));
    expect(missed).toEqual([]);
    expect(served.logged.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
