import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A datagram socket of Unix that listens as systemd does; Node.js has none. */
export interface NotifySocket extends AsyncDisposable {
  /** What was said, a datagram each, in order. */
  readonly said: readonly string[];
  /** Resolves with the first that matches, said or still to come. */
  heard(pattern: RegExp): Promise<string>;
}

const LISTEN = `
import json, socket, sys
name = sys.argv[1]
listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listening.bind("\\0" + name[1:] if name.startswith("@") else name)
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(listening.recv(65536).decode()), flush=True)
`;

/** @param name a path, or "@name" for an abstract one */
export async function notifySocket(name: string): Promise<NotifySocket> {
  const child = spawn("python3", ["-c", LISTEN, name], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const said: string[] = [];
  const looks = new Set<() => void>();
  const lines = createInterface({ input: child.stdout });
  await Promise.race([
    once(lines, "line"),
    ended.then(() => {
      throw new Error(`Nothing listens on ${name}`);
    }),
  ]);
  lines.on("line", (line) => {
    const datagram = JSON.parse(line) as string;
    // By which systemd-notify knows that it was heard.
    if (datagram === "BARRIER=1") return;
    said.push(datagram);
    for (const look of looks) look();
  });
  return {
    said,
    heard: async (pattern) =>
      await new Promise((resolve) => {
        const look = (): void => {
          const found = said.find((datagram) => pattern.test(datagram));
          if (found === undefined) return;
          looks.delete(look);
          resolve(found);
        };
        looks.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
