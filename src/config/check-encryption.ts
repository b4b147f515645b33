import { isMap } from "./environment.ts";
import type { Report } from "./problem.ts";

const WAYS = ["key_file", "passphrase_file", "passphrase_command"];

/** Whether a vault is encrypted is never left to a default: nobody finds out after a year that it was the other way. */
export function checkEncryption(backup: Record<string, unknown>, report: Report): void {
  const { format, encryption } = backup;
  const path = ["backup", "encryption"];
  if (encryption === undefined) {
    if (format === "repository")
      report(["backup", "format"], "value", "A repository must say how it is encrypted, and `backup.encryption` is missing", {
        hint: "Name a key with `encryption: { key_file: PATH }`, or say `encryption: none`",
      });
    return;
  }
  const [first, second] = isMap(encryption) ? WAYS.filter((name) => encryption[name] !== undefined) : [];
  if (format === undefined || format === "archive")
    // At what stands inside it, which a variable may have set.
    report(
      first === undefined ? path : [...path, first],
      "key",
      "`encryption` has an effect with `format: repository` only: archives are not encrypted",
      {
        hint: "Set `format: repository`, or leave `encryption` out",
      },
    );
  if (!isMap(encryption)) return;
  if (second !== undefined) report([...path, second], "key", `Encryption has one of \`${first}\` and \`${second}\`, not both`);
  // A mistyped key has been told already.
  else if (first === undefined && Object.keys(encryption).length === 0)
    report(path, "value", `\`encryption\` names no key: ${WAYS.map((name) => `\`${name}\``).join(", ")}, or \`none\` in its place`);
}
