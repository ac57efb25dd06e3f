"""Durable submissions a second with 1, 2, 4, 8 processes on each database, beside bare commits and raw SpiffWorkflow.

Three contenders with the same number of processes on the same store, in turns: `Application.handle(SubmitTask)` on the
common diagram of bench/submissions.py; a row of an entry's size a transaction and nothing else (the store's own limit);
SpiffWorkflow restored from JSON, one step, serialised, committed. Every process works on cases of its own: what they
share is the database. A fourth, without baseline, is the shipped bundle.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState
from sqlalchemy import text

from engine.domain.clock import FixedClock
from engine.domain.commands import OpenCase, SubmitTask
from engine.domain.organisation import Actor
from engine.journal.database import open_database
from engine.service.application import Done
from engine.service.bootstrap import build
from engine.service.demo import walker
from engine.service.settings import Settings

from . import shipped, stores
from .shipped import START
from .submissions import ANSWER, FORM, STEPS, diagram

WORKERS = (1, 2, 4, 8)
CONTENDERS = ("service", "bare", "raw", "shipped")
BODY = b"x" * 1500
ELEMENTS = ("Task_screen", "Task_grade", "Task_instruct_vice", "Task_assign")
PREPARED_A_SECOND = {"service": 700, "raw": 150, "shipped": 300}
"""Submissions prepared for each second of a measurement, divided among the processes: more than they can do."""

Run = Callable[[float], tuple[int, float, float]]
"""Works for so many seconds; returns submissions, seconds taken, and seconds of this process on a core."""


def run_for(steps: Iterator[Callable[[], object]], seconds: float) -> tuple[int, float, float]:
    started, core = time.perf_counter(), time.process_time()
    done = 0
    for step in steps:
        step()
        done += 1
        if time.perf_counter() - started >= seconds:
            break
    return done, time.perf_counter() - started, time.process_time() - core


class Worker:
    """One process of a bench. Each contender is prepared, then run when all are."""

    def __init__(self, url: str, place: Path, number: int) -> None:
        self.url, self.place, self.number = url, place, number
        self.engine = open_database(url)
        self.services = build(Settings(database_url=url, data_dir=place), FixedClock(START))
        self.commands = iter(range(10**9))
        self.actor = Actor(
            "wangfang", "王芳", frozenset({"office", "staff"}), frozenset({"office", "user:wangfang"}), "bangong"
        )
        parser = BpmnParser()
        parser.add_bpmn_io(io.BytesIO(diagram()))
        self.spec, self.subprocesses = parser.get_spec("bench"), parser.get_subprocess_specs("bench")
        self.serializer = BpmnWorkflowSerializer()

    def prepare(self, contender: str, share: float) -> Run:
        """`share`: of what is prepared altogether, times the seconds it is for."""
        if contender == "bare":
            return lambda wanted: run_for(self._bare(), wanted)
        wanted = int(PREPARED_A_SECOND[contender] * share) + STEPS
        steps = list({"service": self._service, "raw": self._raw, "shipped": self._shipped}[contender](wanted))
        return lambda wanted: run_for(iter(steps), wanted)

    def _bare(self) -> Iterator[Callable[[], object]]:
        """One row of an entry's size per transaction, straight through the driver."""
        with self.engine.connect() as outer:
            driver: Any = outer.connection.dbapi_connection
            sqlite = self.engine.dialect.name == "sqlite"

            def one() -> None:
                if sqlite:
                    driver.execute("BEGIN IMMEDIATE")
                    driver.execute("INSERT INTO bench_bare (body) VALUES (?)", (BODY,))
                    driver.execute("COMMIT")
                else:
                    driver.execute("INSERT INTO bench_bare (body) VALUES (%s)", (BODY,))
                    driver.commit()

            while True:
                yield one

    def _service(self, wanted: int) -> Iterator[Callable[[], object]]:
        cases = [self._ask(OpenCase("bench", {})) for _ in range(wanted // STEPS + 1)]
        for step in range(1, STEPS + 1):
            for case_id in cases:
                yield lambda step=step, case_id=case_id: self._ask(  # type: ignore[misc]
                    SubmitTask(f"t{step}#1", ANSWER), case_id
                )

    def _ask(self, command: Any, case_id: str = "") -> str:
        number = f"bench-{self.number}-{next(self.commands)}"
        done = self.services.application.handle(command, self.actor, case_id=case_id, command_id=number)
        assert isinstance(done, Done), done
        return done.case_id

    def _raw(self, wanted: int) -> Iterator[Callable[[], object]]:
        """Restore from JSON, complete the ready user task, run the engine, serialize, commit: no checks, no journal."""
        numbers = [self.number * 10**6 + next(self.commands) for _ in range(wanted // STEPS + 1)]
        for number in numbers:
            workflow = BpmnWorkflow(self.spec, self.subprocesses)
            workflow.do_engine_steps()
            with self.engine.execution_options(writing=True).begin() as conn:
                row = {"id": number, "state": self.serializer.serialize_json(workflow)}
                conn.execute(text("INSERT INTO bench_raw (id, state) VALUES (:id, :state)"), row)
        for _ in range(STEPS):
            for number in numbers:
                yield lambda number=number: self._raw_step(number)  # type: ignore[misc]

    def _raw_step(self, number: int) -> None:
        with self.engine.connect() as outer:
            driver: Any = outer.connection.dbapi_connection
            mark = "%s" if self.engine.dialect.name == "postgresql" else "?"
            if mark == "?":
                driver.execute("BEGIN IMMEDIATE")
            (state,) = driver.execute(f"SELECT state FROM bench_raw WHERE id = {mark}", (number,)).fetchone()
            workflow = self.serializer.deserialize_json(state)
            task = workflow.get_next_task(state=TaskState.READY, manual=True)
            task.data.update(ANSWER)
            task.run()
            workflow.refresh_timers()
            workflow.do_engine_steps()
            state = self.serializer.serialize_json(workflow)
            driver.execute(f"UPDATE bench_raw SET state = {mark} WHERE id = {mark}", (state, number))
            driver.execute("COMMIT") if mark == "?" else driver.commit()

    def _shipped(self, wanted: int) -> Iterator[Callable[[], object]]:
        walk = walker(self.services, START)
        walk.numbers = (f"{self.number}-{number}" for number in self.commands)
        cases = shipped.cases(walk, wanted // len(ELEMENTS) + 1)
        for element in ELEMENTS:
            for case_id in cases:
                yield lambda element=element, case_id=case_id: walk.fill(case_id, element)  # type: ignore[misc]


def work(pipe: Connection, url: str, place: Path, number: int) -> None:
    """The process: told a contender it prepares and says so; told `go` it runs and sends what it did."""
    worker = Worker(url, place, number)
    pipe.send("up")
    while (told := pipe.recv()) is not None:
        contender, seconds, count = told
        try:
            run = worker.prepare(contender, seconds / count)
            pipe.send("ready")
            pipe.recv()
            pipe.send(run(seconds))
        except Exception as error:  # the bench must end, and say why
            pipe.send(error)
            raise


@contextmanager
def crew(url: str, place: Path, count: int) -> Iterator[list[Connection]]:
    """So many processes that have opened the database and wait to be told."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for number in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, url, place, number), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
        answered(ours)  # one after the other: they make the same tables
    try:
        yield pipes
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(20)


def answered(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def rate(pipes: list[Connection], contender: str, seconds: float) -> tuple[float, float]:
    """Submissions a second of all of them together, and seconds on a core that the program took for one."""
    for pipe in pipes:
        pipe.send((contender, seconds, len(pipes)))
    for pipe in pipes:
        answered(pipe)
    for pipe in pipes:
        pipe.send("go")
    did = [answered(pipe) for pipe in pipes]
    return sum(count / took for count, took, _ in did), sum(core for *_, core in did) / sum(count for count, *_ in did)


@dataclass(slots=True)
class Measured:
    """Submissions a second by contender, one figure a round."""

    rates: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CONTENDERS})
    cores: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CONTENDERS})

    def add(self, contender: str, found: tuple[float, float]) -> None:
        self.rates[contender].append(found[0])
        self.cores[contender].append(found[1])

    def median(self, contender: str) -> float:
        return statistics.median(self.rates[contender])

    def ratio(self, other: str) -> float:
        """Median of the round-by-round ratios of the service to another."""
        return statistics.median(a / b for a, b in zip(self.rates["service"], self.rates[other], strict=True))


def measure(store: stores.Store, seconds: float, rounds: int, workers: tuple[int, ...]) -> dict[int, Measured]:
    found = {count: Measured() for count in workers}
    with stores.folder() as place:
        url = store.fresh(place)
        services = stores.office(url, place)
        files = {
            "bpmn/bench.bpmn": diagram(),
            "forms/step.form": json.dumps(FORM, ensure_ascii=False).encode(),
        }
        key = "INTEGER PRIMARY KEY" if store.kind == "sqlite" else "BIGSERIAL PRIMARY KEY"
        home = "" if store.kind == "sqlite" else "public."  # not where the read models of this shape are
        binary = "BLOB" if store.kind == "sqlite" else "BYTEA"
        with services.engine.execution_options(writing=True).begin() as conn:
            conn.execute(text(f"CREATE TABLE {home}bench_bare (id {key}, body {binary})"))
            conn.execute(text(f"CREATE TABLE {home}bench_raw (id BIGINT PRIMARY KEY, state TEXT)"))
        with crew(url, place, max(workers)) as pipes:
            for count in workers:
                found[count].add("shipped", rate(pipes[:count], "shipped", seconds))
            # From here on new cases run on the common diagram.
            services.deployments.deploy(files, "bench", "bench", "bench-common")
            for _ in range(rounds):
                for count in workers:
                    for contender in ("service", "bare", "raw"):
                        found[count].add(contender, rate(pipes[:count], contender, seconds))
        services.engine.dispose()
    return found


def report(options: stores.Options = stores.SHORT) -> None:
    seconds, rounds = (5.0, 5) if options.full else (1.0, 2)
    print(f"durable submissions/s by processes, {rounds} rounds of {seconds:.1f} s; ratios with as many processes")
    print(
        "  database    processes   service    bare   raw Spiff   /bare   /raw   x one process   shipped   ms on a core"
    )
    with stores.stores(options.kinds) as every:
        for store in every:
            found = measure(store, seconds, rounds, WORKERS)
            one = found[WORKERS[0]].median("service")
            for count, measured in found.items():
                print(
                    f"  {store.kind:<11} {count:>9} {measured.median('service'):>9.0f} {measured.median('bare'):>7.0f}"
                    f" {measured.median('raw'):>11.0f} {measured.ratio('bare'):>7.2f} {measured.ratio('raw'):>6.1f}"
                    f" {measured.median('service') / one:>15.2f} {measured.median('shipped'):>16.0f}"
                    f" {statistics.median(measured.cores['service']) * 1e3:>22.2f}"
                    f" {statistics.median(measured.cores['shipped']) * 1e3:>8.2f}"
                )
    print("  aims: /bare at least 0.5 on SQLite; x one process at least 3 with 8 on PostgreSQL, or bare is the limit")


if __name__ == "__main__":
    report(stores.Options.read())
