import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { testPlace } from "../../../test/support/source-place.ts";
import { asBackupWrites } from "./as-backup-writes.ts";

const GIB = 1024 * 1024 * 1024;

// The header is compared with what backup() writes in copy-snapshot.test.ts.
it("asBackupWrites() leaves the page out whose bytes SQLite locks, as backup() does", () => {
  using place = testPlace();
  const path = join(place.staging, "large");
  writeFileSync(path, "");
  truncateSync(path, GIB + 3 * 4096);
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.alloc(3 * 4096, "x"), 0, 3 * 4096, GIB - 4096);
  asBackupWrites(path, { pageSize: 4096, pages: GIB / 4096 + 3 });
  const bytes = Buffer.alloc(3 * 4096);
  readSync(descriptor, bytes, 0, bytes.length, GIB - 4096);
  closeSync(descriptor);
  const page = (byte: string): Buffer => Buffer.alloc(4096, byte);
  expect(bytes.equals(Buffer.concat([page("x"), page("\0"), page("x")]))).toBe(true);
});
