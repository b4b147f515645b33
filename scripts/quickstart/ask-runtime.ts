import { connect } from "node:net";

/** What the quickstart's `runtime:` commands are: says one word to the process that runs the orchestrator, and waits for its answer. */
const [, , socket = "", word = ""] = process.argv;
let answer = "";
const connection = connect(socket, () => connection.write(word));
connection
  .setEncoding("utf8")
  .on("data", (text: string) => (answer += text))
  .on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .on("end", () => {
    connection.end();
    if (answer === "done") return;
    console.error(answer);
    process.exitCode = 1;
  });
