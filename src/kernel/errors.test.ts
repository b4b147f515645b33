import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorCode, type ErrorCodeRow, type ErrorKind } from "./error-codes.ts";
import {
  BusyError,
  CaptureError,
  ConfigError,
  ConflictError,
  DamageError,
  errnoOf,
  errorFromJson,
  HoldfastError,
  HostError,
  InternalError,
  InterruptedError,
  namedSystemError,
  NotFoundError,
  UsageError,
} from "./errors.ts";

const CLASS_OF: Readonly<Record<ErrorKind, new (...args: never[]) => HoldfastError>> = {
  usage: UsageError,
  config: ConfigError,
  "not-found": NotFoundError,
  conflict: ConflictError,
  busy: BusyError,
  capture: CaptureError,
  damage: DamageError,
  host: HostError,
  interrupted: InterruptedError,
  internal: InternalError,
};
const ROWS = Object.entries(ERROR_CODES) as [ErrorCode, ErrorCodeRow][];

describe("errorFromJson()", () => {
  it.each(ROWS)("gives %s back as it was, in its class", (code, row) => {
    const wire = {
      code,
      message: "Cannot do it",
      hint: "Do another thing",
      position: { file: "a.yaml", line: 3, column: 7 },
      details: { ids: ["x"], count: 2 },
    };
    const error = errorFromJson(JSON.parse(JSON.stringify(wire)));
    expect(error).toBeInstanceOf(CLASS_OF[row.kind]);
    expect(error.name).toBe(CLASS_OF[row.kind].name);
    expect(error.row).toBe(row);
    expect(JSON.parse(JSON.stringify(error))).toEqual(wire);
  });

  it.each(Object.entries(CLASS_OF))("keeps class %s through toJSON() and back", (kind, Class) => {
    const code = ROWS.find(([, row]) => row.kind === kind)?.[0];
    const error =
      Class === InternalError
        ? new InternalError("Text")
        : new (Class as new (code: unknown, message: string) => HoldfastError)(code, "Text");
    expect(error.code).toBe(code);
    const back = errorFromJson(JSON.parse(JSON.stringify(error)));
    expect(back.constructor).toBe(Class);
    expect(back.toJSON()).toEqual({ code, message: "Text" });
  });

  it("makes an InternalError with the text of a code that it does not know", () => {
    const error = errorFromJson({ code: "FROM_THE_FUTURE", message: "Text" });
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toBe("Text");
  });

  it.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("does not take %s, which every object has, for a code", (code) => {
    const error = errorFromJson({ code, message: "Text" });
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toBe("Text");
  });

  it("makes an error whose toJSON() works of anything at all", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({
            code: fc.jsonValue(),
            message: fc.jsonValue(),
            hint: fc.jsonValue(),
            position: fc.jsonValue(),
            details: fc.jsonValue(),
          }),
        ),
        (value) => {
          const error = errorFromJson(value);
          expect(error).toBeInstanceOf(HoldfastError);
          expect(typeof error.message).toBe("string");
          expect(["string", "undefined"]).toContain(typeof error.hint);
          expect(error.row).toBeDefined();
          expect(errorFromJson(JSON.parse(JSON.stringify(error))).toJSON()).toEqual(JSON.parse(JSON.stringify(error)));
        },
      ),
    );
  });
});

describe("ERROR_CODES", () => {
  it("deferred work is never success, and damage has an exit code of its own", () => {
    expect(ROWS.every(([, { exit }]) => (exit as number) !== 0)).toBe(true);
    expect(ROWS.filter(([, { kind }]) => kind === "damage").every(([, { exit }]) => exit === 4)).toBe(true);
    expect(ROWS.filter(([, { kind }]) => kind === "busy").every(([, { exit, retry }]) => exit === 5 && retry)).toBe(true);
    expect(ROWS.filter(([, { kind }]) => kind === "usage" || kind === "config").every(([, { exit }]) => exit === 2)).toBe(true);
  });
});

describe("namedSystemError()", () => {
  const systemError = (code: string): Error => Object.assign(new Error(`${code}: something`), { code });

  it.each(["ENOSPC", "EDQUOT"])("calls %s NO_SPACE, with what to do", (code) => {
    const cause = systemError(code);
    const error = namedSystemError(cause, 'write "x"');
    expect(error).toMatchObject({ code: "NO_SPACE", message: 'Cannot write "x": no space left', cause });
    expect(error.hint).toMatch(/^Free space/);
  });

  it.each(["EACCES", "ENOENT", "EROFS", "EIO", "E2BIG"])("calls %s FILE_SYSTEM and keeps the cause", (code) => {
    const cause = systemError(code);
    expect(namedSystemError(cause, 'read "x"')).toMatchObject({
      code: "FILE_SYSTEM",
      message: `Cannot read "x": ${code}: something`,
      cause,
    });
  });

  it("passes through what has a name already", () => {
    const error = new BusyError("VAULT_BUSY", "Wait");
    expect(namedSystemError(error, "go on")).toBe(error);
  });

  it.each([[new TypeError("x is not a function")], [systemError("ERR_INVALID_ARG_TYPE")], ["a string"], [undefined], [null]])(
    "calls %s a defect of the program",
    (cause) => {
      const error = namedSystemError(cause, "go on");
      expect(error).toBeInstanceOf(InternalError);
      expect(error.message).toMatch(/^Cannot go on: ./);
    },
  );
});

describe("errnoOf()", () => {
  it("gives a code that is text, and nothing else", () => {
    expect(errnoOf({ code: "ENOENT" })).toBe("ENOENT");
    for (const value of [undefined, null, "ENOENT", { code: 5 }, {}]) expect(errnoOf(value)).toBeUndefined();
  });
});
