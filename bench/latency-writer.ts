/** Keeps a disk busy: a megabyte and a sync, again and again, until standard input closes. */
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";

const file = await open(process.argv[2] ?? "", "w");
const bytes = randomBytes(1_000_000);
process.stdin.on("end", () => process.exit(0)).resume();
for (let round = 0; ; round += 1) {
  await file.write(bytes, 0, bytes.length, (round % 64) * bytes.length);
  await file.sync();
  if (round === 0) process.stdout.write("writing\n");
}
