import { describe, expect, it } from "vitest";
import { mapPath, rewriteConfig, type PathMap, type Rewritten } from "./rewrite-config.ts";

const maps = (...pairs: string[]): PathMap[] =>
  pairs.map((pair) => {
    const [from = "", to = ""] = pair.split("=");
    return { from, to };
  });

function rewrite(text: string, ...pairs: string[]): Rewritten {
  return rewriteConfig({ file: "/new/agent/holdfast.yaml", text, maps: maps(...pairs), vault: "/usb/vault", name: "agent", env: {} });
}

describe("mapPath()", () => {
  it.each([
    ["/srv/agent/data", ["/srv/agent=/new"], "/new/data"],
    ["/srv/agent", ["/srv/agent=/new"], "/new"],
    ["/srv/agent2/data", ["/srv/agent=/new"], "/srv/agent2/data"],
    ["/srv/agent/data/x", ["/srv=/a", "/srv/agent/data=/b", "/srv/agent=/c"], "/b/x"],
    ["/x", ["/=/mnt/old"], "/mnt/old/x"],
    ["/mnt/old/x", ["/mnt/old=/"], "/x"],
  ])("%s by %j is %s", (path, pairs, after) => {
    expect(mapPath(path, maps(...pairs)).path).toBe(after);
  });
});

describe("rewriteConfig()", () => {
  it.each(["key_file", "passphrase_file"])("changes where the %s of an encrypted vault is", (key) => {
    const text = `name: agent\nbackup: { path: /usb/vault, format: repository, encryption: { ${key}: /home/old/agent.key } }\n`;
    const { text: after, changes } = rewrite(text, "/home/old=/home/new");
    expect(after).toBe(text.replace("/home/old", "/home/new"));
    expect(changes).toEqual([{ key: `backup.encryption.${key}`, before: "/home/old/agent.key", after: "/home/new/agent.key" }]);
  });

  it("changes values where they stand and leaves every comment and blank as it was", () => {
    const text = `# who we are
name: agent   # do not rename

components:
  db:    { path: "/srv/agent/a b.db", kind: sqlite }   # the database
  notes: { path: notes }
  state: { path: { from: /srv/agent/orchestrator.json, pointer: /stateFile } }
state_dir: '/srv/agent/.holdfast'
backup:
  # nightly
  path: /data/backups
`;
    const { text: after, changes } = rewrite(text, "/srv/agent=/new/agent");
    expect(after).toBe(`# who we are
name: agent   # do not rename

components:
  db:    { path: "/new/agent/a b.db", kind: sqlite }   # the database
  notes: { path: notes }
  state: { path: { from: /new/agent/orchestrator.json, pointer: /stateFile } }
state_dir: "/new/agent/.holdfast"
backup:
  # nightly
  path: /usb/vault
`);
    expect(changes).toEqual([
      { key: "state_dir", before: "/srv/agent/.holdfast", after: "/new/agent/.holdfast" },
      { key: "components.db.path", before: "/srv/agent/a b.db", after: "/new/agent/a b.db" },
      { key: "components.state.path.from", before: "/srv/agent/orchestrator.json", after: "/new/agent/orchestrator.json" },
      { key: "backup.path", before: "/data/backups", after: "/usb/vault" },
    ]);
  });

  it("changes nothing where nothing has to change", () => {
    const text = "components: { a: { path: a } }\nbackup: { path: ../../usb/vault }\n";
    expect(rewrite(text)).toMatchObject({ text, changes: [] });
  });

  it("keeps JSON JSON", () => {
    const text = JSON.stringify({ components: { a: { path: "/srv/a" } }, backup: { path: "b" } }, null, 2);
    const { text: after } = rewriteConfig({
      file: "/new/other/holdfast.json",
      text,
      maps: maps("/srv=/new"),
      vault: "/usb/vault",
      name: "agent",
      env: {},
    });
    expect(JSON.parse(after)).toEqual({ name: "agent", components: { a: { path: "/new/a" } }, backup: { path: "/usb/vault" } });
  });

  it.each([
    ["components: { a: { path: a } }\n", "backup"],
    ["components: { a: { path: a } }\nbackup:\n", "backup"],
    ["components: { a: { path: a } }\nbackup:\n  path:\n", "backup"],
    ["components: { a: { path: a } }\nbackup:\n  # one\n  compression: false\n", "backup"],
    ["components: { a: { path: a } }\nbackup: {}\n", "backup"],
    ["components: { a: { path: a } }\nbackup:\n  path: |\n    /old\n  compression: false\n", "backup"],
    ['components: { a: { path: a } }\nbackup:\n  path: &v "/old"\n  compression: false\n', "backup"],
  ])("puts the vault into %j", async (text) => {
    const { parse } = await import("yaml");
    const { text: after } = rewriteConfig({ file: "/x/holdfast.yaml", text, maps: [], vault: "/usb/vault", name: "agent", env: {} });
    expect(parse(after)).toMatchObject({ name: "agent", backup: { path: "/usb/vault" }, components: { a: { path: "a" } } });
  });

  it("maps what an alias stands for at its anchor, and refuses what cannot be changed so", () => {
    const shared = "components:\n  a: { path: &p /srv/a }\n  b: { path: *p }\nbackup: { path: /usb/vault }\n";
    expect(rewrite(shared, "/srv=/new").text).toContain("&p /new/a");
    const vault = "components:\n  a: { path: &p /srv/a }\nbackup: { path: *p }\n";
    expect(rewrite(vault).text).toBe('components:\n  a: { path: &p /srv/a }\nbackup: { path: "/usb/vault" }\n');
    const merged = "components:\n  a: &c { path: /srv/a }\nbackup: *c\n";
    expect(rewrite(merged).changes).toEqual([{ key: "backup.path", before: "/srv/a", after: "/usb/vault" }]);
  });

  it("tells which of the maps fitted something", () => {
    const { used } = rewrite("components: { a: { path: /srv/a } }\nbackup: { path: /usb/vault }\n", "/srv=/new", "/opt=/new");
    expect([...used].map(({ from }) => from)).toEqual(["/srv"]);
  });

  it("leaves a text that is no YAML as it is, for who reads it next to complain", () => {
    expect(rewrite("components: [\n").changes).toEqual([]);
  });
});
