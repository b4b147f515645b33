/** Longest path inside a component, in bytes: PATH_MAX of Linux. */
export const PATH_LIMIT = 4096;
/** Longest single name, in bytes. */
const NAME_LIMIT = 255;
/** Deepest nesting of folders: as deep as a path of that length can be. */
const DEPTH_LIMIT: number = PATH_LIMIT / 2;

/**
 * Why a relative path must not be written below a folder of ours, or undefined when it may be: relative, "/" between
 * names, no empty name, no "." and "..", no NUL, bounded. Every path that comes out of a document or archive passes here.
 */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.startsWith("/")) return "is absolute";
  if (path.includes("\0")) return "holds a NUL";
  if (!path.isWellFormed()) return "is not Unicode";
  if (Buffer.byteLength(path) > PATH_LIMIT) return `is longer than ${PATH_LIMIT} bytes`;
  const names = path.split("/");
  if (names.length > DEPTH_LIMIT) return `is deeper than ${DEPTH_LIMIT} folders`;
  for (const name of names) {
    if (name === "") return "holds an empty name";
    if (name === "." || name === "..") return `holds the name "${name}"`;
    if (name.length > NAME_LIMIT / 4 && Buffer.byteLength(name) > NAME_LIMIT) return `holds a name longer than ${NAME_LIMIT} bytes`;
  }
  return undefined;
}

/** What a path looks like in a message: quoted, escaped, cut. */
export function quotePath(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
