import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { referenceTo } from "../../../test/support/arbitrary-tree.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeRoots, encodeRoots } from "./roots.ts";

const root = fc.record({
  level: fc.constantFrom(0 as const, 1 as const),
  references: fc.array(referenceTo(fc.integer({ min: 1, max: 2 ** 53 - 1 })), { maxLength: 30 }),
});
const roots = fc.uniqueArray(fc.record({ name: fc.string({ maxLength: 20, unit: "grapheme" }), root }), {
  selector: ({ name }) => name,
  maxLength: 8,
});

describe("decodeRoots()", () => {
  it("gives back what encodeRoots() was given", () => {
    fc.assert(
      fc.property(roots, (components) => {
        expect(decodeRoots(encodeRoots(components))).toEqual(components);
      }),
    );
  });

  it("refuses a component that is there twice, what is left over, and more than the bytes can hold", () => {
    const component = { name: "memory", root: { level: 0, references: [] } } as const;
    const damaged = expect.objectContaining({ code: "MANIFEST_INVALID" }) as unknown;
    expect(() => decodeRoots(encodeRoots([component, component]))).toThrow(damaged);
    expect(() => decodeRoots(Buffer.concat([encodeRoots([component]), Buffer.from([0])]))).toThrow(damaged);
    expect(() => decodeRoots(new ByteWriter().varint(2 ** 50).toBytes())).toThrow(damaged);
    expect(() =>
      decodeRoots(
        new ByteWriter()
          .varint(1)
          .text("m")
          .varint(0)
          .varint(2 ** 50)
          .toBytes(),
      ),
    ).toThrow(damaged);
  });

  it("says that a tree of a level it does not know needs a newer version", () => {
    expect(() => decodeRoots(new ByteWriter().varint(1).text("m").varint(2).varint(0).toBytes())).toThrow(
      expect.objectContaining({ code: "VERSION_UNSUPPORTED" }),
    );
  });
});
