import { ALSO_AT_TOP, ENDPOINTS, errorsOf, NOT_BUILT, PREFIX, type AnyEndpoint } from "../../src/contract/index.ts";

/** docs/reference/api.md, from the table of endpoints. */
export function apiPage(): string {
  const rows = Object.values(ENDPOINTS) as AnyEndpoint[];
  // Said once of many, and not of every route.
  const all = codesOfAll(rows);
  const withToken = without(codesOfAll(rows.filter(({ scope }) => scope !== "none")), all);
  const changes = without(codesOfAll(rows.filter((row) => row.changes)), [...all, ...withToken]);
  const posts = without(codesOfAll(rows.filter(({ method }) => method === "POST")), [...all, ...withToken, ...changes]);
  const beside = rows.flatMap(({ besideRestore, path }) => (besideRestore === true ? [`\`${path}\``] : [])).join(" and ");
  const notBuilt = NOT_BUILT.map(({ method, path }) => `\`${method} ${path}\``).join(", ");
  return `# HTTP API

The daemon serves it below \`${PREFIX}\`, ${ALSO_AT_TOP.map((path) => `\`${path}\``).join(", ")} also without that prefix. JSON goes in and out; a failure is
\`application/problem+json\` with a \`code\` of the [error codes](errors.md). What is here stands also in [openapi.json](openapi.json), which the daemon serves
at \`${PREFIX}/openapi.json\`.

A token goes in the header \`Authorization: Bearer TOKEN\`. At its first start the daemon makes three, whose plain text lies in the folder \`tokens\` of
\`state_dir\`, for the account of the daemon alone: \`read\` looks, \`operate\` also takes backups, runs tasks and deletes, \`restore\` also restores and
downloads. \`server.tokens_file\` holds their hashes (\`{"tokens":[{"name","sha256","scopes","expires"}]}\`) and may be changed at any time.

\`\`\`sh
curl -H "Authorization: Bearer $(cat .holdfast/tokens/operate)" -X POST http://127.0.0.1:7420${PREFIX}/admin/backup
\`\`\`

A POST may carry an \`Idempotency-Key\`: the same key with the same body runs once and answers the same for a day, until a restart. Whatever a route does
not know, in its address or in its body, is refused. While a restore runs every other change is refused with \`RESTORE_RUNNING\`, but for
${beside}, which it may be waiting for. What takes long runs in a
process of its own and goes on when the client hangs up: \`GET ${PREFIX}/runs\` says what became of it. Every change is a line of
\`state_dir/audit.log\` before it begins, and another with the status of its answer.

Every route may answer with ${listed(all)}; one that needs a token with
${listed(withToken)}; one that changes something with ${listed(changes)}; a POST with ${listed(posts)}.

${rows.map(section).join("\n")}
Described and not available in this version, and refused by name: ${notBuilt}.
`;
}

/** What each of these may answer with. */
function codesOfAll(rows: readonly AnyEndpoint[]): readonly string[] {
  const [first = [], ...rest] = rows.map((row): readonly string[] => errorsOf(row));
  return first.filter((code) => rest.every((codes) => codes.includes(code)));
}

function without(codes: readonly string[], said: readonly string[]): readonly string[] {
  return codes.filter((code) => !said.includes(code));
}

function listed(codes: readonly string[]): string {
  return codes.map((code) => `\`${code}\``).join(", ");
}

function section(row: AnyEndpoint): string {
  const answers = Object.entries(row.answers).map(([status, { means }]) => `| ${status} | ${means} |`);
  return `## ${row.method} ${row.path}

${row.summary}. ${row.scope === "none" ? "Needs no token." : `Needs the scope \`${row.scope}\`.`}

| status | meaning |
|---|---|
${answers.join("\n")}

${row.errors.length === 0 ? "" : `Also: ${listed(row.errors)}\n`}`;
}
