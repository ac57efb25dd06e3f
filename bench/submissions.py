"""Durable user-task submissions a second: through the service, through raw SpiffWorkflow, and bare commits, in turns.

All three write to SQLite with journal_mode=WAL and synchronous=FULL on the same disk. The diagram is the same file for
both engines: a loop of user tasks with gateways and a boundary timer, in the part of the expression languages that FEEL
and Python share, so that both read it alike.
"""

from __future__ import annotations

import io
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState

from engine.domain.clock import FixedClock
from engine.domain.commands import OpenCase, SubmitTask
from engine.domain.organisation import Actor
from engine.service.application import Done
from engine.service.bootstrap import build
from engine.service.settings import Settings

from . import shipped
from .shipped import START

ROUNDS = 5
CASES = 20
STEPS = 20
"""Human steps of a case: an ordinary one of the shipped bundle takes 22."""

STEP = """
  <bpmn:userTask id="t{n}" name="步骤{n}" camunda:candidateGroups="office" {form}/>
  <bpmn:boundaryEvent id="b{n}" attachedToRef="t{n}" cancelActivity="false">
    <bpmn:timerEventDefinition><bpmn:timeDuration>"PT8H"</bpmn:timeDuration></bpmn:timerEventDefinition>
  </bpmn:boundaryEvent>
  <bpmn:endEvent id="be{n}"/><bpmn:sequenceFlow id="bf{n}" sourceRef="b{n}" targetRef="be{n}"/>
  <bpmn:exclusiveGateway id="x{n}" default="d{n}"/>
  <bpmn:sequenceFlow id="f{n}" sourceRef="t{n}" targetRef="x{n}"/>
  <bpmn:sequenceFlow id="c{n}" sourceRef="x{n}" targetRef="{next}">
    <bpmn:conditionExpression>amount &gt; 5</bpmn:conditionExpression></bpmn:sequenceFlow>
  <bpmn:sequenceFlow id="d{n}" sourceRef="x{n}" targetRef="{next}"/>
"""
FORM = {
    "id": "step",
    "type": "default",
    "schemaVersion": 19,
    "components": [
        {
            "type": "textfield", "id": "f1", "key": "note", "label": "说明",
            "validate": {"required": True, "maxLength": 200},
        },
        {"type": "number", "id": "f2", "key": "amount", "label": "数量", "validate": {"min": 0, "max": 100}},
        {
            "type": "select", "id": "f3", "key": "kind", "label": "类型",
            "values": [{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}],
        },
    ],
}  # fmt: skip
ANSWER = {"note": "现场已核实，情况属实。", "amount": 7, "kind": "a"}


def diagram() -> bytes:
    """The common diagram: STEPS user tasks in a row, each with a timer and a gateway."""
    steps = "".join(
        STEP.format(n=n, next=f"t{n + 1}" if n < STEPS else "end", form='camunda:formRef="step"')
        for n in range(1, STEPS + 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="bench">\n'
        '<bpmn:process id="bench" isExecutable="true"><bpmn:startEvent id="start"/>'
        f'<bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="t1"/>{steps}<bpmn:endEvent id="end"/>'
        "</bpmn:process></bpmn:definitions>"
    ).encode()


@dataclass(slots=True)
class Measured:
    """Submissions a second of each contender, one figure a round."""

    service: list[float]
    raw: list[float]
    commits: list[float]

    def ratio(self, other: list[float]) -> float:
        """Median of the round-by-round ratios of the service to another: rounds alternate, so drift cancels out."""
        return statistics.median(a / b for a, b in zip(self.service, other, strict=True))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def bare(folder: Path) -> Callable[[], float]:
    """One row of an entry's size per transaction, nothing else."""
    connection = _connect(folder / "bare.db")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
    body = b"x" * 1500

    def run() -> float:
        started = time.perf_counter()
        for _ in range(CASES * STEPS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO t (body) VALUES (?)", (body,))
            connection.execute("COMMIT")
        return CASES * STEPS / (time.perf_counter() - started)

    return run


def raw_spiff(folder: Path) -> Callable[[], float]:
    """Restore from JSON, complete the ready user task, run the engine, serialize, commit: no checks, no journal."""
    connection = _connect(folder / "raw.db")
    connection.execute("CREATE TABLE w (id INTEGER PRIMARY KEY, state TEXT)")
    parser = BpmnParser()
    parser.add_bpmn_io(io.BytesIO(diagram()))
    spec, subprocesses = parser.get_spec("bench"), parser.get_subprocess_specs("bench")
    serializer = BpmnWorkflowSerializer()

    def run() -> float:
        ids = []
        for _ in range(CASES):
            workflow = BpmnWorkflow(spec, subprocesses)
            workflow.do_engine_steps()
            row = connection.execute("INSERT INTO w (state) VALUES (?)", (serializer.serialize_json(workflow),))
            ids.append(row.lastrowid)
        started = time.perf_counter()
        for _ in range(STEPS):
            for ident in ids:
                connection.execute("BEGIN IMMEDIATE")
                (state,) = connection.execute("SELECT state FROM w WHERE id = ?", (ident,)).fetchone()
                workflow = serializer.deserialize_json(state)
                task = workflow.get_next_task(state=TaskState.READY, manual=True)
                task.data.update(ANSWER)
                task.run()
                workflow.refresh_timers()
                workflow.do_engine_steps()
                connection.execute("UPDATE w SET state = ? WHERE id = ?", (serializer.serialize_json(workflow), ident))
                connection.execute("COMMIT")
        rate = CASES * STEPS / (time.perf_counter() - started)
        assert workflow.is_completed()
        return rate

    return run


def service(folder: Path) -> Callable[[], float]:
    """`Application.handle(SubmitTask)`: access, form, FEEL, tokens, journal with hash chain, read models, commit."""
    services = build(Settings(database_url=f"sqlite:///{folder}/service.db", data_dir=folder), FixedClock(START))
    files = {
        "bpmn/bench.bpmn": diagram(),
        "forms/step.form": json.dumps(FORM, ensure_ascii=False).encode(),
    }
    deployed = services.deployments.deploy(files, "bench", "bench", "bench-deploy")
    assert isinstance(deployed, tuple), deployed
    actor = Actor("wangfang", "王芳", frozenset({"office", "staff"}), frozenset({"office", "user:wangfang"}), "bangong")
    numbers = iter(range(10**9))

    def ask(command: Any, case_id: str = "") -> Done:
        done = services.application.handle(command, actor, case_id=case_id, command_id=f"bench-{next(numbers)}")
        assert isinstance(done, Done), done
        return done

    def run() -> float:
        cases = [ask(OpenCase("bench", {})).case_id for _ in range(CASES)]
        started = time.perf_counter()
        for step in range(1, STEPS + 1):
            for case_id in cases:
                ask(SubmitTask(f"t{step}#1", ANSWER), case_id)
        return CASES * STEPS / (time.perf_counter() - started)

    return run


def regulation_steps(folder: Path) -> float:
    """Submissions a second on the shipped bundle: screen, grade, instruct, assign of 40 cases."""
    _, walk = shipped.office(folder)
    opened = shipped.cases(walk, 40)
    elements = ("Task_screen", "Task_grade", "Task_instruct_vice", "Task_assign")
    started = time.perf_counter()
    for element in elements:
        for case_id in opened:
            walk.fill(case_id, element)
    return len(opened) * len(elements) / (time.perf_counter() - started)


def measure() -> tuple[Measured, float]:
    """All contenders in turns, ROUNDS times, after one warm-up round; then the shipped bundle."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contenders = [service(folder), raw_spiff(folder), bare(folder)]
        for contender in contenders:
            contender()
        figures: list[list[float]] = [[], [], []]
        for _ in range(ROUNDS):
            for contender, rates in zip(contenders, figures, strict=True):
                rates.append(contender())
        return Measured(*figures), regulation_steps(folder)


def report() -> None:
    measured, regulation = measure()
    print("durable user-task submissions, SQLite synchronous=FULL, median (min..max) of", ROUNDS, "rounds")
    for label, rates in (
        ("through service.handle", measured.service),
        ("raw SpiffWorkflow + its JSON serializer", measured.raw),
        ("bare commits of the store", measured.commits),
    ):
        print(f"  {label:<42} {statistics.median(rates):8.0f}/s  ({min(rates):.0f}..{max(rates):.0f})")
    print(f"  service / raw SpiffWorkflow                {measured.ratio(measured.raw):8.2f}    aim: at least 4")
    print(f"  service / bare commits                     {measured.ratio(measured.commits):8.2f}    aim: at least 0.25")
    print(f"  shipped bundle, first four steps of a case {regulation:8.0f}/s")


if __name__ == "__main__":
    report()
