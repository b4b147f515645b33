import { ERROR_CODES, type ErrorCodeRow } from "../../src/kernel/index.ts";

const KINDS: Readonly<Record<string, string>> = {
  usage: "Fix the call",
  config: "Fix the configuration",
  "not-found": "Name something that exists",
  conflict: "Lift what stands in the way first",
  busy: "Wait, then try again",
  capture: "Look at the protected state: it could not be captured",
  damage: "Look at the vault: what is stored cannot be trusted",
  host: "Change the host: space, permissions, file systems, versions",
  interrupted: "Start it again when it suits",
  internal: "Report it",
};

/** docs/reference/errors.md, from the kernel's table of error codes. */
export function errorsPage(): string {
  const codes: readonly (readonly [string, ErrorCodeRow])[] = Object.entries(ERROR_CODES);
  const kinds = [...new Set(codes.map(([, row]) => row.kind))];
  const sections = kinds.map((kind) => {
    const doing = KINDS[kind];
    if (doing === undefined) throw new Error(`The kind "${kind}" has no heading in errors-page.ts`);
    const rows = codes
      .filter(([, row]) => row.kind === kind)
      .map(([code, row]) => `| \`${code}\` | ${row.meaning} | ${row.exit} | ${row.http} | ${row.retry ? "yes" : "no"} |`);
    return `## ${doing}\n\n| code | meaning | exit | HTTP | may succeed later unchanged |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
  });
  return `# Error codes

Every failure that has a name carries one of these codes; with \`--json\` it is the field \`code\`. A message says what is wrong, its \`hint\` what to do.

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 partial (something declared was not captured), 4 damage (what is stored does not read back),
5 deferred (something else is at work; try later), 130 interrupted.

${sections.join("\n")}`;
}
