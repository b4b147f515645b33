import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOMS, type Room } from "../rooms.ts";

/** docs/architecture.md: the house as the table of rooms has it, and as the folders show it. */
export function architecturePage(root: string): string {
  const floors = [...new Set(ROOMS.map((room) => room.floor))].toSorted((a, b) => b - a);
  const drawing = floors.map((floor) => {
    const names = ROOMS.filter((room) => room.floor === floor).map((room) => (isBuilt(root, room) ? room.name : `(${room.name})`));
    return `${String(floor).padStart(2)} | ${names.join("   ")}`;
  });
  const rows = ROOMS.map(
    (room) =>
      `| ${room.floor} | ${roomLink(root, room)} | ${room.purpose} | ${allowed(room)} | ${isBuilt(root, room) ? "yes" : "not yet"} |`,
  );
  return `# Architecture

One package. Each room is a folder of \`src\` with one door, its \`index.ts\`; higher floors know lower ones, never the other way round.
Rooms in brackets are described and not built yet.

\`\`\`text
${drawing.join("\n")}
\`\`\`

| floor | room | what it is for | may import | built |
|---|---|---|---|---|
${rows.join("\n")}

\`scripts/check-rooms.ts\` holds every file of \`src\` to this table on every test run: imports only along it, only through doors, no cycles.
Each door opens with what its room never does. The table itself is \`scripts/rooms.ts\`; why things are as they are stands in [decisions](decisions/).
`;
}

export function isBuilt(root: string, room: Room): boolean {
  const path = join(root, "src", room.name);
  if (room.name.endsWith(".ts")) return statSync(path, { throwIfNoEntry: false }) !== undefined;
  return globSync("**/*.ts", { cwd: path }).some((file) => !file.endsWith(".test.ts"));
}

function roomLink(root: string, room: Room): string {
  return isBuilt(root, room) ? `[\`${room.name}\`](../src/${room.name})` : `\`${room.name}\``;
}

function allowed(room: Room): string {
  const names = room.mayImport.map((name) => (typeof name === "string" ? name : `${name.typesOf} (types)`));
  return names.length === 0 ? "-" : names.join(", ");
}
