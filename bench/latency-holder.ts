/** Takes the lease of a state folder, says so, and holds it until it is killed. */
import { sqliteLease } from "../src/lease/index.ts";

const keeper = sqliteLease({ stateDir: process.argv[2] ?? "", blocking: true });
const { outcome } = await keeper.acquire({ owner: "holder", wait: 60_000 });
process.stdout.write(`${outcome}\n`);
// Also when whoever measures is killed.
process.stdin.on("end", () => process.exit(0)).resume();
