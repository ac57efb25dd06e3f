"""Due timers at once: how long real workers take to fire them, on each database, with 1 and 2 workers.

Each case is really opened and waits at a user task with one timer, due long before the workers start. The workers are
processes of `python -m engine.cli worker`, as in operation; the time runs from the first of them being started to the
last `FireTimer` entry, so it includes their start, which is told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from engine.domain.clock import FixedClock
from engine.domain.commands import OpenCase
from engine.domain.organisation import Actor
from engine.journal.schema import entries
from engine.readmodels import schema
from engine.service.application import Done
from engine.service.bootstrap import Services, build
from engine.service.demo import ROOT
from engine.service.settings import Settings

from . import stores
from .shipped import START
from .submissions import FORM

WORKERS: Final = (1, 2)
LONGEST: Final = 600.0
DIAGRAM: Final = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="bench">
<bpmn:process id="bench" isExecutable="true"><bpmn:startEvent id="start"/>
<bpmn:userTask id="t1" name="步骤" camunda:candidateGroups="office" camunda:formRef="step"/>
<bpmn:boundaryEvent id="b1" attachedToRef="t1" cancelActivity="false">
<bpmn:timerEventDefinition><bpmn:timeDuration>"PT8H"</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
<bpmn:endEvent id="late"/><bpmn:endEvent id="end"/><bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="t1"/>
<bpmn:sequenceFlow id="f1" sourceRef="t1" targetRef="end"/><bpmn:sequenceFlow id="f2" sourceRef="b1" targetRef="late"/>
</bpmn:process></bpmn:definitions>
"""
CLERK: Final = Actor(
    "wangfang", "王芳", frozenset({"office", "staff"}), frozenset({"office", "user:wangfang"}), "bangong"
)


def with_timers(store: stores.Store, place: Path, count: int) -> tuple[str, Services]:
    """A database with `count` cases, each with one timer that was due eight hours after START."""
    url = store.fresh(place)
    services = build(Settings(database_url=url, data_dir=place), FixedClock(START))
    files = {
        "bpmn/bench.bpmn": DIAGRAM.encode(),
        "forms/step.form": json.dumps(FORM, ensure_ascii=False).encode(),
    }
    deployed = services.deployments.deploy(files, "bench", "bench", "bench-burst")
    assert isinstance(deployed, tuple), deployed
    for number in range(count):
        done = services.application.handle(OpenCase("bench", {}), CLERK, command_id=f"burst-{number}")
        assert isinstance(done, Done), done
    stores.analyse(services)
    return url, services


@contextmanager
def processes(command: str, url: str, place: Path, ports: list[int]) -> Iterator[None]:
    """One process of the program for each port; ended at the end."""
    running = []
    try:
        for port in ports:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("OPINION_")},
                "OPINION_ENV": "development",
                "OPINION_DATABASE_URL": url,
                "OPINION_DATA_DIR": str(place),
                "OPINION_PORT": str(port),
                "OPINION_WRITES_PER_MINUTE": "0",
            }
            log = (place / f"{command}-{port}.log").open("ab")
            running.append(
                subprocess.Popen([sys.executable, "-m", "engine.cli", command], cwd=ROOT, env=environment,
                                 stdout=log, stderr=log)
            )  # fmt: skip
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def drained(services: Services, count: int) -> tuple[float, float, int]:
    """Waits until no timer is left; seconds until the first firing, until the last, and firings in the journal."""
    began, first = time.perf_counter(), 0.0
    while time.perf_counter() - began < LONGEST:
        with services.engine.connect() as conn:
            left = conn.scalar(select(func.count()).select_from(schema.timers)) or 0
        if left < count and not first:
            first = time.perf_counter() - began
        if left == 0:
            break
        time.sleep(0.05)
    took = time.perf_counter() - began
    with services.engine.connect() as conn:
        fired = conn.scalar(select(func.count()).select_from(entries).where(entries.c.actor == "system:timer")) or 0
    return first, took, fired


def report(options: stores.Options = stores.SHORT) -> None:
    count = 10_000 if options.full else 1_000
    print(f"{count:,} due timers at once, from the start of the workers to the last firing; aim for 10,000: under 60 s")
    with stores.stores(options.kinds) as every:
        for store in every:
            for workers in WORKERS:
                with stores.folder() as place:
                    url, services = with_timers(store, place, count)
                    with processes("worker", url, place, list(range(workers))):
                        first, took, fired = drained(services, count)
                    services.engine.dispose()
                assert fired == count, f"{fired} firings of {count} timers"
                print(
                    f"  {store.kind:<11} {workers} worker(s)  {took:6.1f} s, the first after {first:4.1f} s,"
                    f" then {(count - 1) / max(0.001, took - first):6.0f} firings/s, each timer once"
                )


if __name__ == "__main__":
    report(stores.Options.read())
