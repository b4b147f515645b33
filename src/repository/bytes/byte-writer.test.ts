import { describe, expect, it } from "vitest";
import { InternalError } from "../../kernel/index.ts";
import { ByteWriter } from "./byte-writer.ts";

describe("ByteWriter", () => {
  it("writes numbers little-endian and varints in seven bits a byte, the lowest first", () => {
    const writer = new ByteWriter().u8(1).u16(0x0203).u32(0x0405_0607).i64(-2n).varint(300).varint(0).text("é");
    expect(writer.toBytes().toString("hex")).toBe(["01", "0302", "07060504", "feffffffffffffff", "ac02", "00", "02c3a9"].join(""));
    expect(writer.length).toBe(writer.toBytes().length);
  });

  it.each<[string, (writer: ByteWriter) => unknown]>([
    ["u8(256)", (writer) => writer.u8(256)],
    ["u8(-1)", (writer) => writer.u8(-1)],
    ["u16(65536)", (writer) => writer.u16(65_536)],
    ["u32(2 ** 32)", (writer) => writer.u32(2 ** 32)],
    ["u32(1.5)", (writer) => writer.u32(1.5)],
    ["varint(-1)", (writer) => writer.varint(-1)],
    ["varint(2 ** 53)", (writer) => writer.varint(2 ** 53)],
    ["varint(NaN)", (writer) => writer.varint(Number.NaN)],
    ["i64(2n ** 63n)", (writer) => writer.i64(2n ** 63n)],
    ["i64(-(2n ** 63n) - 1n)", (writer) => writer.i64(-(2n ** 63n) - 1n)],
    ["text() of half a surrogate pair", (writer) => writer.text("a\ud800b")],
  ])("refuses %s and writes nothing of it", (_, write) => {
    const writer = new ByteWriter().u8(7);
    expect(() => write(writer)).toThrow(InternalError);
    expect(writer.toBytes()).toEqual(Buffer.of(7));
  });

  it("grows, and gives copies by toBytes() and its own memory by view()", () => {
    const writer = new ByteWriter(1);
    for (let index = 0; index < 1000; index++) writer.u8(index & 0xff);
    const copy = writer.toBytes();
    const view = writer.view();
    expect(view).toEqual(Buffer.from(Array.from({ length: 1000 }, (_, index) => index & 0xff)));
    view[0] = 99;
    expect([copy[0], writer.toBytes()[0], writer.length]).toEqual([0, 99, 1000]);
  });
});
