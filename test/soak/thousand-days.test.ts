import { expect, it } from "vitest";
import { expectBounded } from "../support/expect-bounded.ts";

const DAYS = Number(process.env["SOAK_DAYS"] ?? 1000);
const SEED = Number(process.env["SOAK_SEED"] ?? 7);

it(`after ${DAYS} days with retention 30/12/12 the vault holds at most 3 times what the kept backups name, and no run rebases more than a tenth`, async () => {
  const seen = await expectBounded(DAYS, 4000, SEED);
  console.log(seen);
  expect(seen).toContain(`${DAYS} days`);
});
