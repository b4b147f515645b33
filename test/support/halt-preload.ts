/**
 * Loaded before a command of this checkout: the first process that comes to HOLDFAST_CRASHPOINT stops there, in place of
 * dying, and writes its number down. It goes on when somebody sends it SIGCONT.
 */
import { writeFileSync } from "node:fs";

const file = process.env["HALT_FILE"] ?? "";
const kill = process.kill.bind(process);

process.kill = (pid, signal) => {
  if (pid !== process.pid || signal !== "SIGKILL") return kill(pid, signal);
  try {
    writeFileSync(file, `${pid}\n`, { flag: "wx" });
  } catch {
    // Another one was first
    return true;
  }
  return kill(pid, "SIGSTOP");
};
