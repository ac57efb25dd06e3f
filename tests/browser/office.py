"""An office at work: a server process with a clock of its own, and people of the cast at their browsers."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.request import urlopen

from lxml import etree
from playwright.sync_api import Locator, Page, expect

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text
from engine.service.demo_answers import ANSWERS, PEOPLE_OF_UNITS, UNIT, filled
from engine.service.passwords import DEMO_PASSWORD

ROOT = Path(__file__).parents[2]
SUBMIT = re.compile("^(提交|按上面填写的内容提交)$")
TABS = ("我的", "本单位", "按角色")
START_SECONDS = 60
FIRE_SECONDS = 20
"""How long a test waits for the worker to fire what is due. It looks every 0.2 s; a busy machine takes longer."""

PATIENCE = 30_000
"""Milliseconds that a page may take; on two busy cores more than Playwright's usual five seconds were seen."""
expect.set_options(timeout=PATIENCE)


_founded: dict[tuple[datetime, bool], Path] = {}
"""Instant, and whether with cases -> the folder of an office founded then: made once, copied for each test."""


def task_labels() -> dict[str, str]:
    """Element -> name of every user task of the shipped diagrams."""
    spelled = "{http://www.omg.org/spec/BPMN/20100524/MODEL}userTask"
    found = (task for path in sorted((ROOT / "bpmn").glob("*.bpmn")) for task in etree.parse(path).iter(spelled))
    return {str(task.get("id")): str(task.get("name")) for task in found}


class Office:
    """A founded office without any case, served by `python -m engine.cli run` on a port of its own.

    Its clock stands at `now` until `pass_time` moves it on; server and worker read it from a file.
    """

    def __init__(
        self, folder: Path, now: datetime, *, cases: bool = False, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self.clock_file = folder / "now"
        self.set_clock(now)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPINION_")},
            "OPINION_DATA_DIR": str(folder),
            "OPINION_PORT": str(self.port),
            "OPINION_TEST_CLOCK": str(self.clock_file),
            # Hours pass in seconds here: nobody is signed out meanwhile, and nobody types too fast.
            "OPINION_SESSION_IDLE_MINUTES": "100000",
            "OPINION_SESSION_ABSOLUTE_HOURS": "10000",
            "OPINION_WRITES_PER_MINUTE": "100000",
            **settings,
        }
        self.labels = task_labels()
        self._found(cases)
        self._server: subprocess.Popen[bytes] | None = None

    def _found(self, cases: bool) -> None:
        known = _founded.get((self.now, cases))
        if known is None:
            done = self.command("demo", *(() if cases else ("--no-cases",)))
            assert done.returncode == 0, done.stderr
            beside = self.folder.with_name(f"{self.folder.name}-founded")
            _founded[self.now, cases] = shutil.copytree(self.folder, beside)  # keys keep their owner's rights
        else:
            shutil.copytree(known, self.folder, dirs_exist_ok=True)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m engine.cli ...` beside the server and waits for its end."""
        return subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def __enter__(self) -> Office:
        with self.log.open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "engine.cli", "run"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        for _ in patiently(START_SECONDS, "the server does not answer"):
            assert self._server.poll() is None, self.log.read_text()
            if answers(f"{self.url}/login"):
                break
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.terminate()
        self._server.wait(15)

    @property
    def now(self) -> datetime:
        return self._now

    def set_clock(self, at: datetime) -> None:
        self._now = at
        beside = self.clock_file.with_suffix(".new")
        beside.write_text(instant_text(at), encoding="utf-8")
        beside.replace(self.clock_file)  # whole, or not at all: the server reads at any moment

    def pass_time(self, **duration: float) -> None:
        self.set_clock(self._now + timedelta(**duration))


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def patiently(seconds: float, complaint: str) -> Iterator[None]:
    """Turns of a loop that looks again and again, for `seconds` at most; then AssertionError(complaint)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.1)
    raise AssertionError(complaint)


def follow(link: Locator) -> Page:
    """Clicks what leads to another page, and waits until that page is there: a click alone returns before the old page
    has gone, and what is then counted or read without waiting is the old page's."""
    with link.page.expect_navigation():
        link.click()
    return link.page


class Staff:
    """The people of the cast, each signed in at a browser of his own on first use."""

    def __init__(self, office: Office, open_page: Callable[..., Page]) -> None:
        self.office = office
        self.open_page = open_page
        self.seats: dict[str, Seat] = {}

    def __getitem__(self, login: str) -> Seat:
        if login not in self.seats:
            self.seats[login] = Seat(self.office, self.open_page(), login)
        return self.seats[login]

    def at_phone(self, login: str) -> Seat:
        """From now on this person works on a phone, 390 pixels wide."""
        self.seats[login] = Seat(self.office, self.open_page(width=390, height=844), login)
        return self.seats[login]

    def do(self, title: str, *elements: str, unit: str = "", **over: Any) -> None:
        """Each of the tasks in turn, by who usually does it (the unit's person in a unit's task)."""
        for element in elements:
            who, _ = ANSWERS[element]
            self[PEOPLE_OF_UNITS.get(unit, "wangfang") if who == UNIT else who].do(title, element, **over)


class Seat:
    """One person at a browser, signed in."""

    def __init__(self, office: Office, page: Page, login: str) -> None:
        self.office = office
        self.page = page
        self.tab = TABS[0]
        page.set_default_timeout(PATIENCE)
        page.goto(f"{office.url}/login")
        page.get_by_label("用户名").fill(login)
        page.get_by_label("密码").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("button", name="登录")).to_have_count(0)

    def go(self, path: str) -> Page:
        self.page.goto(self.office.url + path)
        return self.page

    def menu(self, name: str) -> Page:
        """Clicks an entry of the menu, on a phone in the bar below."""
        return follow(self.page.locator("nav[aria-label='菜单'] a:visible", has_text=name).first)

    def register(self, answers: Mapping[str, Any]) -> str:
        """Registers an item, `answers` by label; the number of its case."""
        self.menu("登记")
        Sheet(self.page).fill(answers)
        self.page.get_by_role("button", name="登记并进入甄别").click()
        said = self.page.get_by_text(re.compile("已登记，案件编号 WQ-"))
        expect(said).to_be_visible()
        found = re.search(r"WQ-\d{4}-\d{6}", said.inner_text())
        assert found
        return found[0]

    def offered(self, title: str, label: str) -> bool:
        """Looks through the tabs of the inbox for a task of the case; leaves the tab open where it lies."""
        self.menu("待办")
        for tab in sorted(TABS, key=lambda one: one != self.tab):  # where he found the last one first
            if self.page.locator(".inbox-tabs a.active", has_text=tab).count() == 0:
                follow(self.page.locator(".inbox-tabs").get_by_role("link", name=re.compile(f"^{tab}")))
            if self.row(title, label).count():
                self.tab = tab
                return True
        return False

    def row(self, title: str, label: str) -> Locator:
        """The line of a task in the tab of the inbox that is open."""
        named = self.page.get_by_role("link", name=label, exact=True)
        return self.page.locator(".inbox-row", has_text=title).filter(has=named)

    def awaits(self, title: str, label: str) -> Locator:
        """The line of a task that a timer brings; waits until it lies in the inbox."""
        for _ in patiently(FIRE_SECONDS, f"no “{label}” in the inbox"):
            if self.offered(title, label):
                break
        return self.row(title, label)

    def open(self, title: str, label: str) -> Page:
        """Opens a task from the inbox."""
        assert self.offered(title, label), f"no “{label}” in the inbox; {self.page.locator('#inbox').inner_text()}"
        follow(self.row(title, label).get_by_role("link", name=label, exact=True))
        expect(self.page.get_by_role("heading", level=1, name=label, exact=True)).to_be_visible()
        return self.page

    def do(self, title: str, element: str, **over: Any) -> None:
        """Opens the task from the inbox, fills in its form as the cast usually does and submits it."""
        label = self.office.labels[element]
        self.open(title, label)
        usual = filled(ANSWERS[element][1], self.office.now.astimezone(ZONE).isoformat(timespec="minutes"))
        Sheet(self.page).fill_by_key({**usual, **over})
        self.page.get_by_role("button", name=SUBMIT).click()
        self.was_submitted(label)

    def was_submitted(self, label: str) -> None:
        expect(self.page.locator("#messages")).to_contain_text(f"“{label}”已提交")

    def case(self, number: str) -> Page:
        """Opens the page of a case from the list of cases."""
        self.menu("案件")
        follow(self.page.get_by_role("row").filter(has_text=number).get_by_role("link").first)
        expect(self.page.get_by_role("link", name="办理现状")).to_be_visible()
        return self.page


class Sheet:
    """A form of the bundle as form-js draws it, filled in by the labels that a person reads."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.form = page.locator("[data-form-ready=yes]")
        expect(self.form).to_be_visible()

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """What holds the input, its label and what is wrong with it."""
        named = self.page.locator(".fjs-label-content", has_text=re.compile(rf"^{re.escape(label)}\*?$"))
        fields = (within or self.form).locator(".fjs-form-field:not(.fjs-form-field-grouplike)")
        return fields.filter(has=named)

    def fill(self, answers: Mapping[str, Any], within: Locator | None = None) -> None:
        """Answers by label. A choice is given by its text, several as a list; an instant as `2026-03-02 09:00`."""
        for label, value in answers.items():
            self._answer(self.field(label, within), value)

    def _answer(self, field: Locator, value: Any) -> None:
        kind = re.search(r"fjs-form-field-(\w+)", field.get_attribute("class") or "")
        match kind and kind[1]:
            case "checkbox":
                field.get_by_role("checkbox").set_checked(value)
            case "radio":
                field.get_by_label(value, exact=True).check()
            case "checklist":
                for option in value:
                    field.get_by_label(option, exact=True).check()
            case "select":
                self._pick(field, value)
            case "taglist":
                for option in value:
                    self._pick(field, option)
            case "datetime":
                self._write_instant(field, value)
            case "filepicker":
                field.locator("input[type=file]").set_input_files(value)
            case _:
                field.get_by_role("textbox").or_(field.get_by_role("spinbutton")).fill(str(value))

    def _pick(self, field: Locator, option: str) -> None:
        """Opens the list; where it can be searched, types what is looked for."""
        search = field.locator("input[placeholder='搜索']")
        if search.count():
            search.fill(option)
        else:
            field.locator(".fjs-input-group").click()
        field.locator(".fjs-dropdownlist-item").get_by_text(option, exact=True).click()

    def _write_instant(self, field: Locator, value: str) -> None:
        date, _, clock = value.partition(" ")
        inputs = field.locator("input:visible")
        inputs.first.fill(date)
        inputs.first.press("Enter")
        if clock:
            inputs.last.fill(clock)
            inputs.last.press("Enter")

    def fill_by_key(self, answers: Mapping[str, Any]) -> None:
        """The answers of engine.service.demo_answers, put as a person would: by label, in the order of the form."""
        schema, data = (json.loads(self.page.locator(f"#form-{name}").inner_text()) for name in ("schema", "data"))
        missing = set(answers) - self._fill_in(schema["components"], data, answers, self.form)
        assert not missing, f"the form asks for no {missing}"

    def _fill_in(
        self, components: list[dict[str, Any]], data: Mapping[str, Any], answers: Mapping[str, Any], within: Locator
    ) -> set[str]:
        """Returns the keys that it found."""
        known: set[str] = set()
        for component in components:
            key = str(component.get("key") or component.get("path") or "")
            if component["type"] == "group":
                known |= self._fill_in(component["components"], data, answers, within)
            elif component["type"] == "dynamiclist" and key in answers:
                self._fill_rows(component, data, answers[key])
                known.add(key)
            elif key in answers:
                known.add(key)
                field = self.field(label_of(component), within)
                if "conditional" in component and not self._is_asked(field):
                    continue
                if not self._holds(component, data.get(key), answers[key]):
                    self._answer(field, readable(component, data, answers[key]))
        return known

    def _is_asked(self, field: Locator) -> bool:
        """Whether a field with a condition is shown, once the form has drawn what the answers before it mean."""
        self.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return field.count() > 0

    @staticmethod
    def _holds(component: Mapping[str, Any], before: Any, answer: Any) -> bool:
        """Whether the form came with this answer already, or the answer is to choose nothing."""
        return answer == [] or (component["type"] in ("select", "taglist") and before == answer)

    def _fill_rows(self, component: dict[str, Any], data: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> None:
        lists = self.form.locator(".fjs-form-field-dynamiclist").filter(has_text=component["label"])
        for place, row in enumerate(rows):
            drawn = lists.locator(".fjs-repeat-row-container")
            if drawn.count() <= place:
                lists.get_by_role("button", name="添加一行").click()
            self._fill_in(component["components"], data, row, drawn.nth(place))

    def fault(self, label: str) -> Locator:
        """What is said to be wrong at the field."""
        return self.field(label).locator(".fjs-form-field-error")


def label_of(component: Mapping[str, Any]) -> str:
    return str(component.get("label") or component.get("dateLabel"))


def readable(component: Mapping[str, Any], data: Mapping[str, Any], value: Any) -> Any:
    """A stored value as the person sees it: options by their label, instants as date and time."""
    if component["type"] == "datetime":
        return str(value)[:16].replace("T", " ")
    options = component.get("values") or data.get(component.get("valuesKey", "")) or []
    words = {option["value"]: option["label"] for option in options}
    if isinstance(value, list):
        return [words[one] for one in value]
    return words.get(value, value) if words else value
