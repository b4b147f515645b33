import { EVERY, MAX_AGE } from "./build-verify.ts";
import { isMap } from "./environment.ts";
import type { Report } from "./problem.ts";
import { spanOf } from "./quantities.ts";

/** The name of the task that the key `verify` makes. */
const TASK = "verify";

/** What concerns more than one key of `verify`, or a task that has its name. */
export function checkVerify(root: Record<string, unknown>, report: Report): void {
  const { verify, tasks } = root;
  if (!isMap(verify)) return;
  const [every, age] = [verify["every"] ?? EVERY, verify["max_age"] ?? MAX_AGE].map((text) =>
    typeof text === "string" ? spanOf(text) : undefined,
  );
  if (typeof every === "number" && typeof age === "number" && age < every)
    report(["verify", verify["max_age"] === undefined ? "every" : "max_age"], "value", "`max_age` is shorter than `every`", {
      hint: `What was read back would be too old before the next time; unless given, \`every\` is ${EVERY} and \`max_age\` ${MAX_AGE}`,
    });
  for (const name of isMap(tasks) ? Object.keys(tasks) : [])
    if (name.toLowerCase() === TASK)
      report(["tasks", name], "key", `The task \`${TASK}\` is the one that the key \`verify\` makes`, {
        hint: "Give this one another name",
      });
}
