import { readFileSync } from "node:fs";

type Names = ReadonlyMap<number, string>;
let users: Names | undefined;
let groups: Names | undefined;

/** Name and number of each line of a passwd(5) or group(5) file; the first name of a number wins, as in libc. */
function parse(file: string): Names {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A container without accounts: the numbers alone are recorded.
    return new Map();
  }
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name === undefined || name === "" || id === undefined || !/^\d+$/.test(id)) continue;
    if (!names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

/** Name of an account, or undefined. The files are read once per process. */
export function userName(uid: number): string | undefined {
  users ??= parse("/etc/passwd");
  return users.get(uid);
}

export function groupName(gid: number): string | undefined {
  groups ??= parse("/etc/group");
  return groups.get(gid);
}
