import { describe, expect, it } from "vitest";
import { sideBySide } from "./side-by-side.ts";

describe("sideBySide()", () => {
  it("begins a lane once the one before waits for something else than itself, works on all at the same time, and ends when all have", async () => {
    const steps: string[] = [];
    const other = Promise.withResolvers<void>();
    await sideBySide([
      async () => {
        steps.push("a1");
        await Promise.resolve();
        steps.push("a2");
        await other.promise;
        steps.push("a3");
      },
      async () => {
        steps.push("b1");
        other.resolve();
        await Promise.resolve();
      },
    ]);
    expect(steps).toEqual(["a1", "a2", "b1", "a3"]);
  });

  it("throws the first failure, after the others have ended at their next step", async () => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let steps = 0;
    const lanes = [
      async (): Promise<void> => {
        await begun.promise;
        throw new Error("the first");
      },
      async (goesOn: () => boolean): Promise<void> => {
        while (goesOn()) {
          steps += 1;
          begun.resolve();
          await new Promise((resolve) => setImmediate(resolve));
        }
        ended.resolve();
        throw new Error("the second");
      },
    ];
    await expect(sideBySide(lanes)).rejects.toThrow("the first");
    await ended.promise;
    expect(steps).toBeGreaterThan(0);
  });
});
