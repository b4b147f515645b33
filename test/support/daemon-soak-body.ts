import { existsSync, readFileSync } from "node:fs";

/** What a body of the soak tells, in the order in which it was written. */
export interface SoakEvent {
  readonly e: "start" | "end" | "rest" | "rested" | "overlap" | "twice";
  readonly kind: SoakKind;
  /** Of a task, a script, or the service. */
  readonly task: string;
  /** Of a script: which of its runs. */
  readonly run: string;
  readonly pid: number;
  readonly at: number;
  /** Whether it has a token of the lease. */
  readonly token: boolean;
  /** Of the lease at this moment. */
  readonly generation: number;
  /** The backup that it was started by is dead. */
  readonly orphan: boolean;
  /** With `overlap`: who was at work already, itself or by what it left. */
  readonly beside?: { readonly kind: SoakKind; readonly task: string; readonly pid: number; readonly orphan: boolean };
  /** With `end`: what it exits with. */
  readonly code?: number;
}

/** `dump` is a program of the builtin backup; `heavy` and `dump` run under a task's lease, `script` under that of `lease run`. */
export type SoakKind = "heavy" | "dump" | "script" | "light" | "service";

/**
 * The oracle, which knows nothing of leases: heavy bodies take one kernel lock on a file of their own, and each task one on its
 * own file. They are locks of the open file, so that what a body forks keeps them as well, as work that goes on should.
 */
export const SOAK_BODY = `
import fcntl, json, os, random, sys, time

folder, state, kind, task, run = sys.argv[1:6]
heavy = kind in ("heavy", "dump", "script")

def generation():
    try:
        return int(open(os.path.join(state, "lease-generation")).read())
    except FileNotFoundError:
        return 0

def orphan(kind, pid):
    if kind != "dump":
        return False
    try:
        parent = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[1]
        return b"backup\\0create" not in open("/proc/%s/cmdline" % parent, "rb").read()
    except OSError:
        return True

def tell(event, **more):
    line = dict(orphan=orphan(kind, os.getpid()), e=event, kind=kind, task=task, run=run, pid=os.getpid(), at=int(time.time() * 1000), token="HOLDFAST_LEASE" in os.environ, generation=generation(), **more)
    log = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    # A line that was cut off by a kill must not take the next one with it.
    os.write(log, ("\\n" + json.dumps(line) + "\\n").encode())
    os.close(log)

def lock(name):
    descriptor = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(dict(kind=kind, task=task, pid=os.getpid())).encode())
        return True
    except BlockingIOError:
        return False

def beside():
    try:
        other = json.loads(open(os.path.join(folder, "oracle")).read())
    except ValueError:
        return dict(kind="unknown", task="unknown", pid=0, orphan=False)
    return dict(other, orphan=orphan(other["kind"], other["pid"]))

if heavy and not lock("oracle"):
    tell("overlap", beside=beside())
if not lock("task-" + task):
    tell("twice")
tell("start")
if kind == "service":
    while True:
        time.sleep(0.2)
if task == "hog":
    time.sleep(random.uniform(5, 7))
if kind == "dump":
    time.sleep(random.uniform(0.1, 0.7))
time.sleep(random.uniform(0.01, 0.25))
if kind in ("heavy", "script") and random.random() < 0.2 and os.fork() == 0:
    tell("rest")
    time.sleep(random.uniform(0.1, 0.8))
    tell("rested")
    os._exit(0)
chance = random.random()
code = 1 if chance < 0.08 else 5 if chance < 0.16 else 0
if kind in ("dump", "light"):
    code = 0
if kind == "script" and code == 5:
    code = 7
tell("end", code=code)
if kind == "dump":
    print("a dump of", task)
sys.exit(code)
`;

export function soakEvents(file: string): SoakEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as SoakEvent];
      } catch {
        // Cut off by a kill
        return [];
      }
    });
}

export function isHeavy({ kind }: SoakEvent): boolean {
  return kind === "heavy" || kind === "dump" || kind === "script";
}
