import fc from "fast-check";

/** Ways in which bytes go wrong: other bytes, missing ones, more of them, a stretch twice. */
type Mutation = (bytes: Buffer) => Buffer;
const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(position, fc.nat({ max: 255 })).map(([at, value]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[Math.floor(at * changed.length)] = value;
    return changed;
  }),
  position.map((at) => (bytes: Buffer) => bytes.subarray(0, Math.floor(at * bytes.length))),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([at, more]) => (bytes: Buffer) => {
    const middle = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, middle), more, bytes.subarray(middle)]);
  }),
  fc.tuple(position, position).map(([from, to]) => (bytes: Buffer) => {
    const [start, end] = [Math.floor(Math.min(from, to) * bytes.length), Math.floor(Math.max(from, to) * bytes.length)];
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  }),
);

/** One to three of them, one after another. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(mutation, { minLength: 1, maxLength: 3 })
  .map((steps) => (bytes: Buffer) => steps.reduce((changed, step) => step(changed), bytes));
