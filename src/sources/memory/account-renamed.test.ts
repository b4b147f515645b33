import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { KeptRecords } from "../../../test/support/kept-records.ts";
import { testPlace } from "../../../test/support/source-place.ts";
import type { KnownRecords, UntouchedEntries } from "../../vault/index.ts";
import { openReading } from "../open-reading.ts";

const account = vi.hoisted(() => ({ name: "old" }));
vi.mock("../account-names.ts", () => ({ userName: () => account.name, groupName: () => "group" }));

const DAY = 86_400_000;

it("gives a folder and a file with the name that their account has, seven days after they were read at the latest", async () => {
  using place = testPlace();
  mkdirSync(join(place.state, "sub"));
  writeFileSync(join(place.state, "sub", "a.md"), "a");
  let memory: KnownRecords | undefined;
  let number = 0;
  /** Paths that are left to the vault to tell. */
  const untouchedAt = async (now: number): Promise<readonly string[]> => {
    number += 1;
    writeFileSync(join(place.state, `n${number}`), "new");
    const records = new KeptRecords();
    const nothing = { whole: false, isDatabaseSame: () => false, hasDatabase: () => false };
    const known = { manifestSha256: "0".repeat(64), memory, newRecords: () => records, ...nothing };
    const reading = await openReading(place.request({ now, known }));
    const batches = await Array.fromAsync(reading.batches?.() ?? []);
    await reading.confirm();
    const head = reading.memory?.();
    memory = head === undefined ? undefined : records.known(head);
    await reading.close();
    const untouched = batches.filter((batch): batch is UntouchedEntries => "entries" in batch);
    for (const batch of batches) if (!("entries" in batch)) expect(batch.head.user).toBe(account.name);
    return untouched.flatMap(({ entries }) => entries.map(({ path }) => path)).filter((path) => path.startsWith("sub"));
  };
  const first = Date.now() + DAY;
  expect(await untouchedAt(first)).toEqual([]);
  account.name = "new";
  expect(await untouchedAt(first + DAY)).toEqual(["sub", "sub/a.md"]);
  expect(await untouchedAt(first + 6 * DAY)).toEqual(["sub", "sub/a.md"]);
  expect(await untouchedAt(first + 7 * DAY)).toEqual([]);
  expect(await untouchedAt(first + 8 * DAY)).toEqual(["sub", "sub/a.md"]);
});
