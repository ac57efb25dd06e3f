"""Many workers at once on one database, each a process of its own: `python -m tests.clocks.racer URL FOLDER N MODE`.

The parent imports everything and forks, so that N workers cost one start. Each child prints its process id when it is
ready, begins when the file `go` lies in the folder, and ends when nothing is due any more. MODE `naive` fires without a
claim and without the journal's key: it reads what is due, notes a firing, then takes the row away.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import Connection, delete, text
from sqlalchemy.exc import DBAPIError

from engine.readmodels import schema, timers
from engine.service.bootstrap import Services, build
from engine.service.settings import Settings
from engine.service.transactions import writing
from engine.worker.timers import Config, TimerRunner

PATIENCE = 240.0


def tell(**said: object) -> None:
    os.write(1, (" ".join(f"{name}={value}" for name, value in said.items()) + "\n").encode())


def left(services: Services) -> bool:
    with services.engine.connect() as conn:
        due = timers.next_due(conn)
    return due is not None and due <= services.clock.now()


def honest(services: Services) -> int:
    fired = 0
    failures: list[str] = []
    runner = TimerRunner(services, Config(), on_error=lambda case_id, error: failures.append(f"{case_id}:{error!r}"))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            fired += runner.run_once().fired
            if not left(services):
                break
            threading.Event().wait(min(0.2, runner.seconds_to_next()))
        except DBAPIError as error:  # the server has ended the session of a worker that stood still
            tell(trouble=type(error).__name__)
            threading.Event().wait(0.2)
    for failure in failures[:3]:
        tell(failure=failure.replace(" ", "_"))
    return fired


def naive(services: Services) -> int:
    fired = 0
    while True:
        with services.engine.connect() as conn:
            found = timers.due_before(conn, services.clock.now(), 50)
        if not found:
            return fired
        for one in found:
            with writing(services.engine) as conn:
                note(conn, one.case_id)
            with writing(services.engine) as conn:
                mine = (schema.timers.c.case_id == one.case_id) & (schema.timers.c.timer == one.timer)
                conn.execute(delete(schema.timers).where(mine))
            fired += 1


def note(conn: Connection, case_id: str) -> None:
    conn.execute(text("INSERT INTO naive_firings (case_id) VALUES (:case)"), {"case": case_id})


def child(url: str, folder: Path, mode: str) -> None:
    clock = str(folder / "clock")
    services = build(Settings(database_url=url, data_dir=folder, test_clock=clock))
    tell(ready=os.getpid())
    until = time.monotonic() + PATIENCE
    while not (folder / "go").exists():
        if time.monotonic() > until:
            raise TimeoutError("nobody said go")
        threading.Event().wait(0.01)
    begun = time.monotonic()
    fired = naive(services) if mode == "naive" else honest(services)
    tell(done=os.getpid(), fired=fired, seconds=round(time.monotonic() - begun, 2), cpu=round(time.process_time(), 2))
    services.engine.dispose()


def main() -> None:
    url, folder, number, mode = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    for _ in range(number):
        if not os.fork():
            try:
                child(url, folder, mode)
            except BaseException as error:
                tell(broken=repr(error).replace(" ", "_")[:300])
                os._exit(1)
            os._exit(0)
    for _ in range(number):
        os.wait()


if __name__ == "__main__":
    main()
