import { describe, expect, it } from "vitest";
import { componentAt, patientIn } from "../../test/support/patient.ts";
import { keepSecrets } from "./bundle-redaction.ts";

const { config } = patientIn("/srv/agent", {
  components: [componentAt("notes", "/srv/agent/notes"), componentAt("db", "/srv/agent/db")],
}).instance;

describe("keepSecrets()", () => {
  const clean = keepSecrets(config, { SLACK_TOKEN: "xoxb-12345678", SHORT_TOKEN: "abc", HOME: "/home/ann", EDITOR: "vi-editor" });

  it.each([
    [
      ["mysql", "--password", "s3cret", "-u", "ann"],
      ["mysql", "--password", "***", "-u", "ann"],
    ],
    [
      ["x", "--max-count", "5"],
      ["x", "--max-count", "5"],
    ],
    ["it said xoxb-12345678!", "it said ***!"],
    ["abc and vi-editor stay", "abc and vi-editor stay"],
    ["https://example.org/a?key=1#f", "https://example.org/a?***"],
    ["below /home/ann and /home/ann/x, not /home/anna", "below ~ and ~/x, not /home/anna"],
    ['"/srv/agent/notes/plan.md" is torn', '"/srv/agent/notes/…" is torn'],
    ['"notes/plan for may.md" is torn', '"notes/…" is torn'],
    ["notes/plan.md: vanished", "notes/…: vanished"],
    ["/srv/agent/notes itself", "/srv/agent/notes itself"],
    [
      { api_key: "x", "xoxb-12345678": 1, deep: [{ n: null }] },
      { api_key: "***", "***": 1, deep: [{ n: null }] },
    ],
  ])("makes of %j %j", (before, after) => {
    expect(clean(before)).toEqual(after);
  });

  it("knows the secrets of the environment without a configuration as well", () => {
    expect(keepSecrets(null, { A_SECRET: "quite long" })("quite long, notes/plan.md")).toBe("***, notes/plan.md");
  });
});
