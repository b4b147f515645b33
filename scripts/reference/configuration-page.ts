import type { ReferenceRow } from "../../src/config/index.ts";

/** docs/reference/configuration.md, from the schema that refuses a wrong configuration. */
export function configurationPage(keys: readonly ReferenceRow[]): string {
  const rows = keys
    .filter(({ available }) => available !== false)
    .map(
      (row) =>
        `| \`${row.key}\` | ${cell(row.type)} | ${row.default === undefined ? "-" : `\`${cell(row.default)}\``} | ${cell(row.meaning)} |`,
    );
  const refused = keys.filter(({ available }) => available === false).map(({ key }) => `\`${key}\``);
  return `# Configuration

\`holdfast.yaml\` (or JSON), found by \`--config\`, else by \`HOLDFAST_CONFIG\`, else upward from the working directory. Relative paths are relative
to that file. The environment overrides any key: \`backup.path\` is \`HOLDFAST_BACKUP__PATH\`, a dash is an underscore, lists and maps are JSON.
What is unknown, of the wrong type or out of range is refused with its place in the file.

| key | type | default | meaning |
|---|---|---|---|
${rows.join("\n")}

Described and not available in this version, and refused by name: ${refused.join(", ")}.
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
