import { describe, expect, it } from "vitest";
import { expectBounded } from "../../test/support/expect-bounded.ts";

describe("a vault in repository form that lives long", () => {
  it(
    "holds at most 3 times what the kept backups name, rebases at most a tenth in one run, and gives every one of them back",
    { timeout: 180_000 },
    async () => {
      expect(await expectBounded(60, 800, 3)).toContain("60 days");
    },
  );
});
