/** What config says of each of its keys. */
export type ConfigReference = readonly {
  readonly key: string;
  readonly type: string;
  readonly default?: string;
  readonly meaning: string;
  readonly available?: boolean;
}[];

/** docs/reference/configuration.md, from the schema that refuses a wrong configuration. */
export function configurationPage(keys: ConfigReference): string {
  const rows = keys.map((row) => `| \`${row.key}\` | ${cell(row.type)} | ${row.default === undefined ? "-" : `\`${cell(row.default)}\``} | ${cell(row.meaning)}${row.available === false ? " (not available in this version)" : ""} |`);
  return `# Configuration

\`holdfast.yaml\`, found by \`--config\`, else by \`HOLDFAST_CONFIG\`, else upward from the working directory. Relative paths are relative to that file.
Every key can be overridden by the environment: \`backup.path\` is \`HOLDFAST_BACKUP__PATH\`.

| key | type | default | meaning |
|---|---|---|---|
${rows.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
