import { resolve } from "node:path";
import { failed } from "./quickstart/terminal.ts";
import { tour } from "./quickstart/tour.ts";

/**
 * `npm run quickstart [-- FOLDER]`: an orchestrator that keeps writing is protected, looked at, and restored into another
 * folder, and what came back is proved. Everything lies in holdfast-quickstart/ unless told.
 */
try {
  await tour(resolve(process.argv[2] ?? "holdfast-quickstart"));
} catch (error) {
  failed(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
