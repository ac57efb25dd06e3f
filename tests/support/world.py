"""The whole program on a database of its own, with the cast, the shipped bundle and a clock that the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.definitions.bundle import SCENARIO
from engine.domain.calendar import ZONE
from engine.domain.clock import FixedClock
from engine.domain.commands import ClaimTask, Command, OpenCase, SendMessage, SubmitTask
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.kernel.case import Case
from engine.readmodels import timers
from engine.service import cast, people
from engine.service.application import Done
from engine.service.bootstrap import Services, build
from engine.service.bundle_folder import from_folder
from engine.service.demo_answers import ANSWERS, PEOPLE_OF_UNITS, UNIT, filled
from engine.service.deployments import Checked, check
from engine.service.settings import Settings
from engine.service.transactions import writing
from engine.worker.timers import TimerRunner
from tests.support.databases import copied, with_tables

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2026-03-02 09:00 in Xuchang."""
PAPER = {"id": "f1", "name": "截图.png", "size": 12, "sha256": "ab" * 32, "media_type": "image/png"}
"""The file behind every reference `files::...` that a test fills in."""


@cache
def whole_bundle() -> Mapping[str, bytes]:
    """The bundle of this repository: bpmn/, forms/ and its own tests."""
    return from_folder(ROOT)


@cache
def shipped_files() -> Mapping[str, bytes]:
    """The bundle without its own tests: most tests change what those hold it to."""
    return {path: content for path, content in whole_bundle().items() if not path.endswith(SCENARIO)}


def xuchang(text: str) -> datetime:
    """`2026-03-02 23:50` in Xuchang as an aware UTC instant."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def found_office(services: Services, at: datetime, files: Mapping[str, bytes]) -> None:
    """The cast, and `files` as the live bundle."""
    with writing(services.engine) as conn:
        cast.found(conn, at)
    if files is shipped_files():
        known = _shipped()  # checked once for all offices of a run
        services.deployments._checked[known.bundle.version] = known
    deployed = services.deployments.deploy(files, "sunli", "测试", "deploy-1")
    assert not isinstance(deployed, Rejection), deployed


def _office(at: datetime, url: str) -> bool:
    """Makes an empty database one of the shipped bundle's office, founded at `at`: made once, copied for each world."""

    def fill(template: str) -> None:
        with_tables(template)
        with TemporaryDirectory() as folder:
            services = build(Settings(database_url=template, data_dir=Path(folder)), FixedClock(at))
            known = _shipped()
            services.deployments._checked[known.bundle.version] = known
            found_office(services, at, shipped_files())
            services.engine.dispose()

    return copied(url, ("office", at), fill)


@cache
def _shipped() -> Checked:
    """The shipped bundle, read and compiled once for all worlds of a run."""
    return check(shipped_files())


class World:
    """One installation. Commands go through `services.application` exactly as from a page."""

    def __init__(
        self, folder: Path, url: str = "", at: datetime = MONDAY, files: Mapping[str, bytes] | None = None
    ) -> None:
        self.settings = Settings(database_url=url or f"sqlite:///{folder}/opinion.db", data_dir=folder)
        self.clock = FixedClock(at)
        self.numbers = itertools.count(1)
        ready = files is None and _office(at, self.settings.database_url)
        self.services = self.start()
        if ready:
            known = _shipped()
            self.services.deployments._loaded[known.bundle.version] = known.program, known.bundle
        else:
            found_office(self.services, at, files or shipped_files())

    def start(self) -> Services:
        """Starts the program (again) on the same database, with nothing remembered."""
        self.services = build(self.settings, self.clock)
        return self.services

    def actor(self, login: str) -> Actor:
        with self.services.engine.connect() as conn:
            found = people.actor(conn, login, self.clock.now())
        assert found is not None, login
        return found

    def ask(self, login: str, command: Command, case_id: str = "") -> Done | Rejection:
        number = next(self.numbers)
        return self.services.application.handle(
            command, self.actor(login), case_id=case_id, command_id=f"test-{number}"
        )

    def do(self, login: str, command: Command, case_id: str = "") -> Done:
        outcome = self.ask(login, command, case_id)
        assert isinstance(outcome, Done), f"{login} {command}: {outcome}"
        return outcome

    def wait(self, **duration: float) -> None:
        """Lets time pass and the worker fire what is due."""
        self.until(self.clock.now() + timedelta(**duration))

    def until(self, at: datetime) -> None:
        """Moves on to `at`, firing each due timer at its own instant, as a running worker would."""
        runner = TimerRunner(self.services)
        while True:
            self.work(runner)
            with self.services.engine.connect() as conn:
                due = timers.next_due(conn)
            if due is None or due > at:
                break
            self.clock.set(max(due, self.clock.now()))
        self.clock.set(at)
        self.work(runner)

    def work(self, runner: TimerRunner | None = None) -> None:
        """Runs the worker once for everything that is due now."""
        runner = runner or TimerRunner(self.services, on_error=self._fail)
        while runner.run_once().fired:
            pass

    def _fail(self, case_id: str, error: Exception) -> None:
        raise AssertionError(case_id) from error

    def case(self, case_id: str) -> CaseView:
        return CaseView(self, case_id)

    def open(self, login: str = "wangfang", **values: Any) -> CaseView:
        """Registers an item; `values` over a usual one discovered just now."""
        item = {
            "title": "网友反映耕地被占用",
            "body": "网帖称某村耕地被硬化, 已停工。",
            "source_type": "forum",
            "source_name": "许都论坛(虚构)",
            "url": "https://d01.example/1",
            "published_at": self.stamp(-30),
            "discovered_at": self.stamp(0),
            "district": "市本级",
            "item_kind": "appeal",
            "discovered_by": "patrol",
            "reporter": "王芳",
            "no_state_secret": True,
            **values,
        }
        return self.case(self.do(login, OpenCase("opinion_case", item)).case_id)

    def stamp(self, minutes: float) -> str:
        """ISO text with offset of now plus `minutes`, as a form gives it."""
        at = self.clock.now() + timedelta(minutes=minutes)
        return at.astimezone(ZONE).isoformat(timespec="minutes")


class CaseView:
    """A case in a test: its open tasks by element, and what people do with them."""

    def __init__(self, world: World, case_id: str) -> None:
        self.world = world
        self.id = case_id

    @property
    def live(self) -> Case:
        app = self.world.services.application
        with self.world.services.journal.reading() as tx:
            head = tx.head(self.id)
            assert head is not None
            case = app.live.get(tx, self.id, head.seq)
        app.live.put(self.id, case)
        return case

    @property
    def open(self) -> list[str]:
        """Elements of the open tasks, sorted (an element stands once per task)."""
        return sorted(task.node.id for task in self.live.tasks.values())

    def task(self, element: str, unit: str = "") -> str:
        """Name of the one open task on `element` (of `unit`, where several units have one)."""
        found = [
            name
            for name, task in self.live.tasks.items()
            if task.node.id == element and (not unit or (task.created is not None and task.created.unit == unit))
        ]
        assert len(found) == 1, f"{element}: {found}; open: {self.open}"
        return found[0]

    def groups(self, element: str, unit: str = "") -> tuple[str, ...]:
        """Who may do the one open task on `element` (of `unit`)."""
        return self.live.tasks[self.task(element, unit)].groups

    def submit(self, login: str, element: str, unit: str = "", **values: Any) -> Done:
        return self.world.do(login, SubmitTask(self.task(element, unit), values), self.id)

    def try_submit(self, login: str, element: str, unit: str = "", **values: Any) -> Done | Rejection:
        return self.world.ask(login, SubmitTask(self.task(element, unit), values), self.id)

    def fill(self, element: str, unit: str = "", **over: Any) -> Done:
        """Submits the one open task on `element` (of `unit`) as the cast usually would, `over` laid over it."""
        who, _ = ANSWERS[element]
        created = self.live.tasks[self.task(element, unit)].created
        assert created is not None
        login = PEOPLE_OF_UNITS.get(created.unit, "wangfang") if who == UNIT else who
        return self.fill_as(login, element, unit, **over)

    def fill_as(self, login: str, element: str, unit: str = "", **over: Any) -> Done:
        """The same, submitted by `login`."""
        values = {**filled(ANSWERS[element][1], self.world.stamp(0)), **over}
        files = {value: [PAPER] for value in values.values() if isinstance(value, str) and value.startswith("files::")}
        return self.world.do(login, SubmitTask(self.task(element, unit), values, files), self.id)

    def fill_all(self, *elements: str) -> None:
        for element in elements:
            self.fill(element)

    def claim(self, login: str, element: str, unit: str = "") -> Done:
        return self.world.do(login, ClaimTask(self.task(element, unit)), self.id)

    def message(self, login: str, name: str, **values: Any) -> Done:
        return self.world.do(login, SendMessage(name, values), self.id)

    def try_message(self, login: str, name: str, **values: Any) -> Done | Rejection:
        return self.world.ask(login, SendMessage(name, values), self.id)

    @property
    def data(self) -> dict[str, Any]:
        return self.live.data

    @property
    def events(self) -> list[dict[str, Any]]:
        with self.world.services.journal.reading() as tx:
            return [event for entry in tx.read(self.id) for event in entry.events]

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]
