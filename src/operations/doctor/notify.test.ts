import { describe, expect, it } from "vitest";
import { patientIn } from "../../../test/support/patient.ts";
import { told } from "../../../test/support/sights.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { NotifyConfig } from "../../config/index.ts";
import { notify } from "../notify/index.ts";
import { checkNotify } from "./notify.ts";

describe("checkNotify()", () => {
  it("says that nobody is told", () => {
    using folder = temporaryFolder();
    expect(told(checkNotify(patientIn(folder.path)))).toEqual(["ok : Nobody is told: `notify` declares no endpoint"]);
  });

  it("says who is told what, without the path of an address, and how many notifications wait", async () => {
    using folder = temporaryFolder();
    const endpoints: NotifyConfig[] = [
      { url: "https://hc-ping.com/a-secret", style: "healthchecks", headers: {}, on: ["success", "failure"], timeout: 1000 },
      { command: ["/nowhere/tell"], on: ["damage"], timeout: 400 },
    ];
    const patient = patientIn(folder.path, { config: { notify: endpoints } });
    await notify(patient.instance, { event: "damage", subject: "b", message: "m" });
    expect(told(checkNotify(patient))).toEqual([
      "ok 0: https://hc-ping.com/… is told of success, failure",
      "warning 1: command tell is told of damage; 1 notification waits to be delivered",
    ]);
  });
});
