import * as z from "zod/mini";
import type { RawBackup, RawEncryption } from "./raw-config.ts";
import { argv, key, path, textThat } from "./schema-fields.ts";

const keyed: z.ZodMiniType<RawEncryption> = z.strictObject({
  key_file: z.optional(
    key(path(), {
      title: "path",
      description: "File that holds the key, for this account alone (0600). Keep it off the disks that are protected, and a copy elsewhere",
    }),
  ),
  passphrase_file: z.optional(
    key(path(), { title: "path", description: "File whose first line is the passphrase, for this account alone (0600)" }),
  ),
  passphrase_command: z.optional(
    key(argv(), {
      description:
        "Program and arguments whose output begins with the passphrase as a line, such as a password manager; no shell. It has 30s. `./` is the configuration's folder",
    }),
  ),
});

/** Not an enumeration: of a union, the member that a text was meant to be is the one that takes text. */
const off = key(
  textThat((text) => (text === "none" ? undefined : "must be none, or a map with key_file, passphrase_file or passphrase_command")),
  { pattern: "^none$", description: "The vault is not encrypted" },
);

export const encryption: z.ZodMiniType<NonNullable<RawBackup["encryption"]>> = key(z.union([off, keyed]), {
  title: "none, or a map with one of key_file, passphrase_file and passphrase_command",
  description: "What opens a vault in repository form, which has to say it; `none` keeps everything readable to whoever has the vault",
});
