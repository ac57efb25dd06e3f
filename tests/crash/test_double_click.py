"""One form sent eight times at once is one submission, and none of the eight answers is an error."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from engine.domain.calendar import ZONE
from engine.service.demo_answers import ANSWERS, filled
from tests.crash.checks import check_sound, lost_or_doubled
from tests.crash.clerks import CONFIRMED, KNOWN_ALREADY, TRIAGE, Browser, Log, Sent, item
from tests.support.servers import Office, kill

CLICKS = 8
USER = "wangfang"

note = logging.getLogger("crash")
in_ci_and_long = pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=pytest.mark.long)])


class Mouse:
    """A person who clicks eight times at once, in as many connections, on as many servers as there are."""

    def __init__(self, offices: list[Office]) -> None:
        self.browsers = [Browser(offices[number % len(offices)], USER) for number in range(CLICKS)]
        first = self.browsers[0]
        first.sign_in()
        for browser in self.browsers[1:]:
            browser.cookie, browser.token = first.cookie, first.token
        self.barrier = threading.Barrier(CLICKS)
        self.pool = ThreadPoolExecutor(CLICKS)
        self.log = Log()
        self.answers: Counter[int] = Counter()
        self.numbers = iter(range(10**6))

    def click(self, kind: str, path: str, mark: str, fields: dict[str, str], *, alike: bool = True) -> set[str]:
        """Where the answers redirect to. `alike`: all eight carry the number that the page was drawn with."""
        drawn = next(self.numbers)
        numbers = [f"{drawn if alike else next(self.numbers):032x}" for _ in range(CLICKS)]
        answers = list(
            self.pool.map(lambda each: self._one(path, fields, *each), zip(self.browsers, numbers, strict=True))
        )
        self.answers.update(status for status, _, _ in answers)
        for status, _, body in answers:
            if status not in (CONFIRMED, KNOWN_ALREADY):
                self.log.strange.append(f"{kind} {path}: {status} {body[:300]}")
        assert any(status == CONFIRMED for status, _, _ in answers), answers
        self.log.confirmed.append(Sent(f"{USER}:{numbers[0]}", mark, kind, CLICKS))
        return {target for status, target, _ in answers if status == CONFIRMED}

    def _one(self, path: str, fields: dict[str, str], browser: Browser, number: str) -> tuple[int, str, str]:
        self.barrier.wait(60)
        return browser.post(path, {**fields, "command_id": number})

    def close(self) -> None:
        self.pool.shutdown()
        for browser in self.browsers:
            browser.hang_up()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def offices(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Office]]:
    """One server on SQLite; two on one PostgreSQL, which take the clicks by turns."""
    if request.param == "sqlite":
        made = [Office(tmp_path)]
    else:
        url = request.getfixturevalue("postgres_database")()
        made = [Office(tmp_path / "a", url), Office(tmp_path / "b", url, found=False)]
    yield made
    for office in made:
        office.close()


@pytest.fixture
def mouse(offices: list[Office]) -> Iterator[Mouse]:
    with ExitStack() as stack:
        launched = [stack.enter_context(office.launcher()) for office in offices]
        servers = [start("serve") for start in launched]
        for office in offices:
            office.await_answer()
        made = Mouse(offices)
        yield made
        made.close()
        for server in servers:
            kill(server)


@in_ci_and_long
def test_eight_clicks_at_once_are_one_entry_and_no_answer_is_an_error(mouse, offices, rounds):
    now = offices[0].started_at.astimezone(ZONE).isoformat(timespec="minutes")
    case, steps = "", 0

    while steps < rounds:
        mark = f"第 {steps} 次点击"
        if steps % 4 == 0:
            opened = mouse.click("OpenCase", "/register", mark, item(mark, now))
            assert len(opened) == 1, opened
            case = opened.pop().rsplit("/", 1)[-1]
        elif steps % 4 == 3:
            mouse.click("AddComment", f"/cases/{case}/comment", mark, {"text": mark})
        else:
            element, field = (("Task_screen", "screen_note"), ("Task_grade", "grade_reason"))[steps % 4 - 1]
            values = {**filled(ANSWERS[element][1], now), field: mark}
            path = f"/tasks/{case}/{quote(f'{TRIAGE}/{element}#1')}"
            mouse.click("SubmitTask", path, mark, {"submission": json.dumps(values)})
        steps += 1

    note.warning("%s rounds of %s clicks: answers %s", rounds, CLICKS, dict(mouse.answers))
    assert mouse.log.strange == []
    assert sum(mouse.answers.values()) == rounds * CLICKS
    services = offices[0].look()
    assert len(mouse.log.confirmed) == rounds
    assert lost_or_doubled(services, mouse.log) == []
    check_sound(services)
    services.engine.dispose()


def test_clicks_that_each_carry_a_number_of_their_own_are_caught_by_the_same_check(mouse, offices):
    now = offices[0].started_at.astimezone(ZONE).isoformat(timespec="minutes")

    opened = mouse.click("OpenCase", "/register", "一份登记表单", item("一份登记表单", now), alike=False)

    assert len(opened) == CLICKS
    services = offices[0].look()
    assert lost_or_doubled(services, mouse.log) == ["一份登记表单 twice"]
    services.engine.dispose()
