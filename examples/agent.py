"""An agent that knows nothing of Holdfast, and is protected by it all the same:

    holdfast run -- python3 agent.py data/agent.db [TURNS]

A backup is taken before this starts and after it has ended, its last turn in it. It ends with 0 when it is told to stop, and
with 4 when its turns are used up; either is what `holdfast run` ends with.
"""

import signal
import sqlite3
import sys
import threading

stopped = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopped.set())

database = sqlite3.connect(sys.argv[1], isolation_level=None)
turns = int(sys.argv[2]) if len(sys.argv) > 2 else None
database.execute("PRAGMA journal_mode = WAL")
database.execute("CREATE TABLE IF NOT EXISTS turn (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
print("ready", flush=True)

done = 0
while not stopped.is_set() and done != turns:
    database.execute("INSERT INTO turn (text) VALUES (?)", (f"turn {done}",))
    done += 1
    stopped.wait(0.05)

database.execute("INSERT INTO turn (text) VALUES ('the last word')")
database.close()
sys.exit(0 if stopped.is_set() else 4)
