import * as z from "zod/mini";
import { DEFAULT_DATABASE_READ } from "./config.ts";
import type { RawBackup, RawComponent, RawConfig, RawPause, RawPointer } from "./raw-config.ts";
import { sizeOf } from "./quantities.ts";
import {
  argv,
  between,
  cron,
  duration,
  filled,
  key,
  matching,
  name,
  NAME_PATTERN,
  onlyText,
  path,
  patterns,
  POINTER_PATTERN,
  textThat,
  timezone,
} from "./schema-fields.ts";
import { encryption } from "./schema-encryption.ts";
import { hooks, notify } from "./schema-notify.ts";
import { runtime } from "./schema-runtime.ts";
import { server } from "./schema-server.ts";
import { orchestrator, task } from "./schema-tasks.ts";
import { verify } from "./schema-verify.ts";

/** Variables that begin with HOLDFAST_ override keys, and would be refused as unknown ones. */
const VARIABLE_PATTERN = "^(?!HOLDFAST_)[A-Za-z_][A-Za-z0-9_]*$";

function plainFileName(text: string): string | undefined {
  if (text === "" || text === "." || text === ".." || /[/\\\p{Cc}]/u.test(text)) return "must be a plain file name, without a folder";
  return Buffer.byteLength(text) > 255 ? "must have at most 255 bytes" : undefined;
}

const pointer: z.ZodMiniType<RawPointer> = z.strictObject({
  from: key(path(), { title: "path", description: "JSON or YAML document that holds the path; read again at every run" }),
  pointer: key(matching(POINTER_PATTERN, "must be a JSON pointer (RFC 6901), such as `/stateFile`"), {
    title: "JSON pointer",
    pattern: POINTER_PATTERN,
    description: "Where in that document the path stands; a relative one is relative to that document's folder",
  }),
  env: z.optional(
    key(matching(VARIABLE_PATTERN, "must be the name of an environment variable that does not begin with HOLDFAST_"), {
      title: "name of a variable",
      pattern: VARIABLE_PATTERN,
      description: "Environment variable that wins over the document when it is set and not empty",
    }),
  ),
});

const pause: z.ZodMiniType<RawPause> = z.strictObject({
  command: key(argv(), { description: "Program and arguments that hold the writers still; no shell. `./` is the configuration's folder" }),
  resume: key(argv(), { description: "Program and arguments that let them go on; also run when the backup fails or is killed" }),
  timeout: z.optional(
    key(duration(), {
      title: "duration",
      default: "30s",
      description: "After this long the writers go on by themselves, and the backup fails",
    }),
  ),
});

const component: z.ZodMiniType<RawComponent> = z.strictObject({
  path: z.optional(
    key(z.union([path(), pointer]), {
      title: "path, or a map with from, pointer and env",
      description: "The file or folder; relative to the configuration's folder. Either `path` or `command`",
    }),
  ),
  command: z.optional(
    key(argv(), { description: "Program and arguments whose output is the component; no shell. `./` is the configuration's folder" }),
  ),
  as: z.optional(key(textThat(plainFileName), { title: "file name", description: "With `command`: the file's name in the backup" })),
  timeout: z.optional(key(duration(), { title: "duration", default: "10m", description: "With `command`: how long it may take" })),
  restore: z.optional(
    key(argv(), {
      description: "With `command`: program and arguments that take the output back on their standard input; it comes last in a restore",
    }),
  ),
  kind: z.optional(
    key(z.enum(["tree", "file", "sqlite", "json", "log", "command"]), {
      description: "How it is read consistently; found out at every run unless given",
    }),
  ),
  importance: z.optional(
    key(z.enum(["critical", "high", "medium"]), {
      description:
        "When it is missing: `critical` fails the backup, `high` makes it partial (exit 3), `medium` is recorded. Unless given, critical for databases and single files, high for folders",
    }),
  ),
  exclude: z.optional(key(patterns(), { default: [], description: "Patterns as in .gitignore, of what to leave out of a folder" })),
  include: z.optional(
    key(patterns(), { default: [], description: "Patterns as in .gitignore; when given, only what they match is taken" }),
  ),
  exclude_larger: z.optional(
    key(
      z.union([
        textThat((text) => onlyText(sizeOf(text))),
        z.number().check(z.refine((value) => typeof sizeOf(value) === "number", { error: "must be a size, such as 10MB, 1.5GiB or 4096" })),
      ]),
      {
        title: "size",
        description: "Leaves out files above this size",
      },
    ),
  ),
  exclude_caches: z.optional(key(z.boolean(), { default: true, description: "Leaves out what lies in a folder with a CACHEDIR.TAG" })),
  one_file_system: z.optional(key(z.boolean(), { default: false, description: "Does not go into other file systems mounted inside" })),
  optional: z.optional(key(z.boolean(), { default: false, description: "That it is not there is no failure" })),
  group: z.optional(
    key(name(), { title: "name", pattern: NAME_PATTERN, description: "Components of one group are captured under one pause" }),
  ),
  pause: z.optional(key(pause, { description: "Commands that hold the component's writers still while it is copied" })),
  read: z.optional(
    key(z.enum(["pinned", "staged"]), {
      default: DEFAULT_DATABASE_READ,
      description:
        "With `format: repository`, how a database in write-ahead mode is read: `staged` copies it first; `pinned` reads it in place, under a read transaction of at most a minute when it is in use, and copies it where that cannot be had",
    }),
  ),
});

/** Off unless given: also keep the newest good backup of each of the last so many periods that have one. */
function tier(periods: string): z.ZodMiniOptional<z.ZodMiniNumberFormat> {
  return z.optional(
    key(between(0, 10_000), {
      default: 0,
      description: `Also keep the newest good backup of each of the last so many ${periods} that have one`,
    }),
  );
}

const backup: z.ZodMiniType<RawBackup> = z.strictObject({
  enabled: z.optional(key(z.boolean(), { default: true, description: "Whether backups are taken on schedule; one by hand always works" })),
  path: key(path(), { title: "path", description: "Folder of the vault" }),
  schedule_hours: z.optional(
    key(between(1, 168), { default: 6, description: "Hours between scheduled backups. Either this or `schedule`" }),
  ),
  schedule: z.optional(
    key(cron(), {
      title: "cron expression",
      description: "When backups are taken, of five fields or six with seconds first, in `timezone`",
    }),
  ),
  retention: z.optional(
    key(
      z.strictObject({
        max_count: z.optional(
          key(between(1, 1000), { default: 10, description: "How many of the newest good backups of each component stay" }),
        ),
        max_age_days: z.optional(key(between(1, 3650), { default: 30, description: "For how many days they do" })),
        hourly: tier("hours"),
        daily: tier("days"),
        weekly: tier("weeks (ISO 8601)"),
        monthly: tier("months"),
        yearly: tier("years"),
        keep_tags: z.optional(key(z.array(filled()), { default: [], description: "A backup with one of these tags stays" })),
      }),
      { description: "Which backups stay; the newest good and the newest verified one of every component always do" },
    ),
  ),
  on_shutdown: z.optional(
    key(z.boolean(), { default: true, description: "Whether the daemon, and `holdfast run`, take one before they end" }),
  ),
  on_startup: z.optional(
    key(z.boolean(), { default: true, description: "Whether the daemon, and `holdfast run`, take one before anything else" }),
  ),
  timezone: z.optional(
    key(timezone(), {
      title: "IANA time zone",
      default: "UTC",
      description: "Whose hours, days, weeks and months the tiers of `retention` are, and whose clock `schedule` goes by",
    }),
  ),
  compression: z.optional(
    key(z.boolean(), {
      default: true,
      description:
        "In archive form: one .tar.gz per backup, or a plain folder. In repository form it changes nothing: packs are always compressed",
    }),
  ),
  include: z.optional(
    key(z.array(filled()).check(z.minLength(1, { error: "must name a component, or not be given" })), {
      description: "Components that a backup holds; every declared one unless given",
    }),
  ),
  format: z.optional(
    key(z.enum(["archive", "repository"]), {
      default: "archive",
      description:
        "Form of the vault: `archive` is a .tar.gz or a folder per backup, readable with tar alone; `repository` is deduplicated packs, where a backup costs what changed. A vault keeps the form it was made in",
    }),
  ),
  encryption: z.optional(encryption),
});

/** The whole file. What concerns more than one key is in check-meaning.ts. */
export const FILE_SCHEMA: z.ZodMiniType<RawConfig> = z.strictObject({
  name: z.optional(key(name(), { title: "name", pattern: NAME_PATTERN, description: "The instance's name; its folder's unless given" })),
  state_dir: z.optional(
    key(path(), { title: "path", default: ".holdfast", description: "Folder of Holdfast's own state for this instance" }),
  ),
  components: key(z.record(z.string(), component), {
    description: "What is protected, by name",
    propertyNames: { type: "string", pattern: NAME_PATTERN },
  }),
  backup: key(backup, { description: "Where backups go and what they hold" }),
  verify: z.optional(
    key(verify, {
      description: "Has the daemon read back a part of the vault at a time, on schedule. An empty map takes every default",
    }),
  ),
  runtime: z.optional(
    key(runtime, { description: "The program whose state this is: how a restore stops it, starts it, and asks for its health" }),
  ),
  tasks: z.optional(
    key(z.record(z.string(), task), {
      description: "What runs on schedule or is kept running, by name",
      propertyNames: { type: "string", pattern: NAME_PATTERN },
    }),
  ),
  orchestrator: z.optional(key(orchestrator, { description: "How tasks are scheduled" })),
  server: z.optional(key(server, { description: "The HTTP API of the daemon" })),
  hooks: z.optional(key(hooks, { description: "Programs that run around every backup, but the one before a restore" })),
  notify: z.optional(
    key(z.array(notify), {
      title: "list of endpoints",
      description: "Who is told what became of backups, and what lasts: overdue, starving, damage",
    }),
  ),
  schema_version: z.optional(
    key(
      z.strictObject({
        component: key(filled(), { title: "name of a component", description: "The database that knows the state's schema version" }),
        query: z.optional(
          key(filled(), { title: "SQL", description: "Query with one number as its result; `PRAGMA user_version` unless given" }),
        ),
      }),
      { description: "Where `db_schema_version` of the manifest comes from; `persistence` unless given" },
    ),
  ),
});
