import { describe, expect, it } from "vitest";
import { sideBySide } from "./side-by-side.ts";

describe("sideBySide()", () => {
  it("works on all lanes at the same time, and ends when all have", async () => {
    const steps: string[] = [];
    const lane = (name: string) => async (): Promise<void> => {
      for (const step of [1, 2]) {
        steps.push(`${name}${step}`);
        await Promise.resolve();
      }
    };
    await sideBySide([lane("a"), lane("b")]);
    expect(steps).toEqual(["a1", "b1", "a2", "b2"]);
  });

  it("throws the first failure, after the others have ended at their next step", async () => {
    const ended = Promise.withResolvers<void>();
    let steps = 0;
    const lanes = [
      async (): Promise<void> => {
        await Promise.resolve();
        throw new Error("the first");
      },
      async (goesOn: () => boolean): Promise<void> => {
        while (goesOn()) {
          steps += 1;
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
