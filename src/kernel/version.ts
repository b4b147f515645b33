import { readFileSync } from "node:fs";

/** The package's version. package.json lies two folders above this module, in the sources and in the built package alike. */
export const VERSION: string = (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string })
  .version;
