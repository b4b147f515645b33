import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entryPath, entryPoint } from "./entry-point.ts";

describe("entryPoint()", () => {
  it("is the neighbour with the asking module's own extension, in the sources and in the built package", () => {
    expect(entryPoint("file:///srv/holdfast/src/backup/pause.ts", "./guardian").href).toBe("file:///srv/holdfast/src/backup/guardian.ts");
    expect(entryPoint("file:///srv/holdfast/dist/backup/pause.js", "./guardian").href).toBe("file:///srv/holdfast/dist/backup/guardian.js");
    expect(entryPoint("file:///srv/a.ts/dist/pause.js", "../x/worker").href).toBe("file:///srv/a.ts/x/worker.js");
  });

  it("entryPath() is a path of the disk, also where a folder has a space or a percent sign", () => {
    expect(entryPath("file:///srv/my%20app/100%25/pause.ts", "./guardian")).toBe("/srv/my app/100%/guardian.ts");
    expect(existsSync(entryPath(import.meta.url, "./entry-point"))).toBe(true);
  });
});
