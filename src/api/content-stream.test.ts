import { describe, expect, it } from "vitest";
import { contentStream } from "./content-stream.ts";

describe("contentStream()", () => {
  it("gives every byte in order, in small pieces, also when the chunk is used again", async () => {
    const chunk = new Uint8Array(200_000);
    const stream = await contentStream(async (write) => {
      for (const value of [1, 2]) {
        chunk.fill(value);
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await write(chunk);
      }
    });
    const pieces = await Array.fromAsync(stream);
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(65_536);
    expect(Buffer.concat(pieces).equals(Buffer.concat([Buffer.alloc(200_000, 1), Buffer.alloc(200_000, 2)]))).toBe(true);
  });

  it("ends whoever gives when the client takes nothing any more, so that it closes what it has open", async () => {
    const ended = Promise.withResolvers<unknown>();
    const stream = await contentStream(async (write) => {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        for (;;) await write(new Uint8Array(10));
      } catch (error) {
        ended.resolve(error);
        throw error;
      }
    }, 50);
    const reader = stream.getReader();
    expect((await reader.read()).value).toHaveLength(10);
    expect(await ended.promise).toMatchObject({ code: "DEADLINE" });
    await expect(reader.read()).rejects.toMatchObject({ code: "DEADLINE" });
  });

  it("is patient with one who gives slowly, and rejects with what is wrong before the first byte", async () => {
    const go = Promise.withResolvers<void>();
    const slow = contentStream(async (write) => {
      await go.promise;
      await write(new Uint8Array(3));
    }, 1);
    setTimeout(go.resolve, 20);
    expect((await Array.fromAsync(await slow)).map(({ length }) => length)).toEqual([3]);
    const failure = new Error("it is damaged");
    await expect(contentStream(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});
