import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../support/repository-stage.ts";
import { testPlace } from "../support/source-place.ts";
import { openReading } from "../../src/sources/index.ts";

/** A state of which the next backup stores again what has not been touched, because it leaves a pack of which it uses little. */
async function tired(stage: RepositoryStage): Promise<(name: number | string) => string> {
  const place = (name: number | string): string => stage.join("state", String(name));
  const fill = (from: number, to: number, bytes: number): void => {
    for (let number = from; number < to; number += 1) writeFileSync(place(number), randomBytes(bytes));
  };
  mkdirSync(stage.join("state"));
  fill(100, 300, 5000);
  writeFileSync(place("a"), "precious");
  linkSync(place("a"), place("b"));
  await stage.take("state");
  fill(300, 700, 20_000);
  await stage.take("state");
  for (let number = 100; number < 290; number += 1) rmSync(place(number));
  await stage.take("state");
  writeFileSync(place(695), "changed");
  return place;
}

describe("an untouched file that goes before it is stored again", () => {
  it("leaves its content to its other name, which is stored with it", async () => {
    await using stage = new RepositoryStage();
    const place = await tired(stage);
    await using vault = await stage.open();
    await using draft = await stage.begin(vault);
    using source = testPlace();
    const now = Date.now() + 5 * 3_600_000;
    const known = draft.known?.("state");
    const reading = await openReading(source.request({ path: stage.join("state"), staging: draft.staging, now, known }));
    const asked: string[] = [];
    async function* batches(): AsyncGenerator {
      for await (const batch of reading.batches?.() ?? []) {
        if (!("entries" in batch)) {
          yield batch;
          continue;
        }
        // It has been looked at by then.
        if (batch.entries.some(({ path }) => path === "a")) rmSync(place("a"));
        yield {
          entries: batch.entries,
          entry: (index: number) => {
            asked.push(batch.entries[index]?.path ?? "");
            return batch.entry(index);
          },
        };
      }
    }
    const stored = await draft.store({ component: "state", storedAs: "state", reading: { ...reading, batches } as typeof reading });
    const report = reading.report();
    await reading.close();
    expect(asked).toContain("a");
    expect(stored.changed).toContainEqual({ path: "a", change: "vanished" });
    const { bytes, entries, changed } = stored;
    const details = { ...report, stored_as: "state", bytes, entries, changed, whole: true, importance: "critical" } as const;
    const { id } = await stage.commit(draft, { state: details });
    const contents = await stage.contents(id);
    expect([contents.get("state/a"), contents.get("state/b")?.toString()]).toEqual([undefined, "precious"]);
  });
});
