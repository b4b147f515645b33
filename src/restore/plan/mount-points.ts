import { readFileSync } from "node:fs";
import { HostError } from "../../kernel/index.ts";

/**
 * Everything that is mounted, a bind mount on the same file system too, which a look at device numbers would miss.
 *
 * Source: proc_pid_mountinfo(5), field 5, with \040 and its like for blank, tab, newline and backslash.
 *
 * @throws HostError FILE_SYSTEM: a rename over a mount point fails half-way through a swap, so that not knowing is no answer
 */
export function readMountPoints(): ReadonlySet<string> {
  let text: string;
  try {
    text = readFileSync("/proc/self/mountinfo", "utf8");
  } catch (cause) {
    throw new HostError("FILE_SYSTEM", 'Cannot read "/proc/self/mountinfo", which names the mount points', {
      cause,
      hint: "Restore with --to DIR, and put the files in place by hand",
    });
  }
  const points = new Set<string>();
  for (const line of text.split("\n")) {
    const field = line.split(" ")[4];
    if (field !== undefined)
      points.add(field.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))));
  }
  return points;
}
