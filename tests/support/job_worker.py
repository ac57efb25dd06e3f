"""A worker process for background jobs, to be stopped and killed: `python -m tests.support.job_worker URL FOLDER NAME
STALLED`, the last in seconds: without a sign of life for so long, a worker is held to be dead.

Its tasks write into the table `ran`: `mark` one row; `slow` one when it begins and, once `FOLDER/go` is there, another.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from engine.service.bootstrap import Services, build
from engine.service.jobs import Retry, Task
from engine.service.jobs_sqlite import JobsOnSqlite
from engine.service.settings import Settings
from engine.service.transactions import writing
from engine.worker import queue as queues
from engine.worker import queue_postgres
from engine.worker.loop import Loop

PATIENCE = 60.0


def wrote(services: Services, name: str, what: str, args: Mapping[str, Any]) -> None:
    with writing(services.engine) as conn:
        conn.execute(
            text("INSERT INTO ran (worker, what, n) VALUES (:worker, :what, :n)"),
            {"worker": name, "what": what, "n": args["n"]},
        )


def tasks(folder: Path, name: str) -> dict[str, Task]:
    def mark(services: Services, args: Mapping[str, Any]) -> None:
        wrote(services, name, "mark", args)

    def slow(services: Services, args: Mapping[str, Any]) -> None:
        wrote(services, name, "begun", args)
        waiting, waited = threading.Event(), 0.0
        while not (folder / "go").exists() and waited < PATIENCE:
            waited += 0.02
            waiting.wait(0.02)
        wrote(services, name, "done", args)

    retry = Retry(attempts=3, first_seconds=0.1)
    return {"mark": Task("mark", mark, retry), "slow": Task("slow", slow, retry)}


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main(url: str, folder: Path, name: str, stalled: float) -> None:
    services = build(Settings(database_url=url, data_dir=folder))
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    mine = tasks(folder, name)
    if isinstance(services.jobs, JobsOnSqlite):
        services.jobs.stalled_seconds = stalled
        runner = queues.QueueRunner(services, mine, queues.Config(look_every=0.1, beat_every=0.2))
        loop = Loop(runner, "jobs")
        loop.start()
        say("ready")
        stopped.wait()
        runner.stop()
        loop.stop(PATIENCE)
    else:
        config = queue_postgres.Config(beat_every=0.2, stalled_after=stalled, tend_every=0.2, look_every=0.5)
        workers = queue_postgres.PostgresQueue(services, mine, config)
        workers.start()
        say("ready")
        stopped.wait()
        workers.stop(PATIENCE)
    services.engine.dispose()
    say("stopped")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    os._exit(0)
