"""The demo: the cast, the shipped bundle and a dozen cases at all stages, made through the same door as real ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.domain.calendar import ZONE
from engine.domain.clock import FixedClock
from engine.domain.codec import JSON
from engine.domain.commands import Command, OpenCase, SubmitTask
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.readmodels import timers

from . import cast, passwords, people
from .application import Application, Done
from .bootstrap import Services, build_application
from .bundle_folder import from_folder
from .demo_answers import ANSWERS, PEOPLE_OF_UNITS, UNIT, filled
from .transactions import writing

ROOT = Path(__file__).parents[2]
ITEMS = Path(__file__).with_name("demo_items.jsonl")
SOURCES: Mapping[str, str] = {
    "门户网站": "portal",
    "论坛": "forum",
    "微博": "weibo",
    "微信": "wechat",
    "热线电话": "hotline",
    "新闻跟贴": "news_comment",
    "短视频": "short_video",
}


class Stuck(Exception):
    """The demo could not go on: a form or a diagram changed and the demo's answers no longer fit."""


def prepare(services: Services, out: Callable[[str], Any], *, cases: bool = True, days: int = 0) -> None:
    """Makes what is missing of cast, deployment and, unless `cases` is False, cases; says the logins. `days`: first the
    cases of so many days, by the load model.

    Doing it twice makes nothing twice.
    """
    now = services.clock.now()
    with writing(services.engine) as conn:
        fresh = cast.found(conn, now)
    try:
        services.deployments.bundle()
    except KeyError:
        outcome = services.deployments.deploy(
            from_folder(ROOT), "sunli", "首次发布：随程序提供的流程包", "demo-deployment"
        )
        if isinstance(outcome, Rejection):
            raise Stuck(f"{outcome.key} {dict(outcome.details)}") from None
        out(f"已发布流程包 {outcome[1].version[:12]}")
    if fresh and cases:
        out("正在生成演示案件 ...")
        if days:
            from . import load_history  # which walks as this module does

            load_history.play(services, days, out)
        _cases(services)
        services.sealer.seal()
    logins(services, out)


def logins(services: Services, out: Callable[[str], Any]) -> None:
    """Prints who can sign in."""
    with services.engine.connect() as conn:
        known = [person for login in cast.MAIN_LOGINS if (person := people.person(conn, login)) is not None]
    out(f"演示账号（密码均为 {passwords.DEMO_PASSWORD}）：")
    for person in known:
        out(f"  {person.user_id:<10} {person.name}  {person.unit_name} {person.title}")


@dataclass(slots=True)
class Walker:
    """Acts for the cast: opens cases and fills in open tasks as they usually would."""

    services: Services
    application: Application
    clock: FixedClock
    numbers: Any

    def actor(self, login: str) -> Actor:
        with self.services.engine.connect() as conn:
            found = people.actor(conn, login, self.clock.now())
        if found is None:
            raise Stuck(login)
        return found

    def do(self, login: str, command: Command, case_id: str = "") -> Done:
        answer = self.application.handle(
            command, self.actor(login), case_id=case_id, command_id=f"demo-{next(self.numbers)}"
        )
        if isinstance(answer, Rejection):
            raise Stuck(f"{login} {command.kind} {getattr(command, 'task', '')}: {answer}")
        return answer

    def open(self, item: Mapping[str, Any], ago: timedelta) -> str:
        """Registers an item as discovered `ago` before now."""
        found = self.stamp(self.clock.now() - ago)
        published = self.stamp(self.clock.now() - ago - timedelta(minutes=25))
        values: dict[str, JSON] = {
            "title": item["title"],
            "body": item["body"],
            "source_type": SOURCES.get(item["source_type"], "other"),
            "source_name": item["source_name"],
            "url": item["url"],
            "district": item["district"],
            "item_kind": "appeal",
            "published_at": published,
            "discovered_at": found,
            "discovered_by": "hotline" if item["source_type"] == "热线电话" else "patrol",
            "reporter": "王芳",
            "no_state_secret": True,
        }
        if values["source_type"] == "other":
            values["source_type_other"] = item["source_type"]
        return self.do("wangfang", OpenCase("opinion_case", values)).case_id

    def fill(self, case_id: str, element: str, **over: JSON) -> None:
        """Submits every open task on `element` (one per unit) with the usual answer and `over` laid over it."""
        who, values = ANSWERS[element]
        for name, unit in self.tasks(case_id, element):
            login = PEOPLE_OF_UNITS.get(unit, "wangfang") if who == UNIT else who
            answer = {**filled(values, self.stamp(self.clock.now())), **over}
            self.do(login, SubmitTask(name, answer), case_id)

    def tasks(self, case_id: str, element: str) -> list[tuple[str, str]]:
        """(task, unit) of the open tasks on an element. Raises Stuck when there is none."""
        with self.services.journal.reading() as tx:
            head = tx.head(case_id)
            case = self.application.live.get(tx, case_id, head.seq if head else 0)
        self.application.live.put(case_id, case)
        found = [(t.name, t.created.unit if t.created else "") for t in case.tasks.values() if t.node.id == element]
        if not found:
            raise Stuck(f"{case_id}: {element} is not open, but {sorted(t.node.id for t in case.tasks.values())}")
        return found

    def wait(self, **duration: float) -> None:
        """Lets time pass; every timer fires at its own instant."""
        until = self.clock.now() + timedelta(**duration)
        while True:
            with self.services.journal.reading() as tx:
                rows = timers.due_before(tx.connection, until, 1)
            if not rows:
                break
            self.clock.set(max(self.clock.now(), rows[0].due))
            self.application.settle(rows[0].case_id)
        self.clock.set(until)

    @staticmethod
    def stamp(at: datetime) -> str:
        return at.astimezone(ZONE).isoformat(timespec="minutes")


def walker(services: Services, at: datetime) -> Walker:
    """A walker with a clock of its own that stands at `at`."""
    clock = FixedClock(at)
    return Walker(services, build_application(services.journal, services.deployments, clock), clock, itertools.count(1))


def items() -> dict[str, dict[str, Any]]:
    """The invented items by id."""
    rows = (json.loads(line) for line in ITEMS.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row["id"]: row for row in rows}


def _cases(services: Services) -> None:
    """Two days of an office, ending now. Times are chosen so that each page has something to show."""
    now = services.clock.now()
    walk = walker(services, now - timedelta(hours=32, minutes=40))
    item = items()
    minute = timedelta(minutes=1)

    archived = walk.open(item["D08"], 10 * minute)
    _to_assignment(walk, archived, "dengji", n1=False, neutral=True)
    _unit_part(walk, archived)
    _reply_and_archive(walk, archived)
    positive = walk.open(item["D04"], 5 * minute)
    walk.fill(positive, "Task_screen", business_line="dengji", n1=False, p1=True)
    walk.fill(positive, "Task_grade", grade="positive", grade_reason="市级层面工作报道。")
    elsewhere = walk.open(item["D07"], 5 * minute)
    walk.fill(elsewhere, "Task_screen", relevant=False, directly_related=False, screen_note="同名异地，与许昌无关。")

    late = walk.open(item["D01"], 10 * minute)
    _to_assignment(walk, late, "gengbao", "jianan")
    for name, unit in walk.tasks(late, "Task_sign"):
        walk.do(PEOPLE_OF_UNITS[unit], SubmitTask(name, {"sign_decision": "accept", "sign_person": "承办人"}), late)
    walk.wait(hours=19)

    major = walk.open(item["D10"], 10 * minute)
    walk.fill(major, "Task_screen", business_line="shengtai", n1=False, m5=True, outlet_count=6)
    walk.fill(major, "Task_grade", grade="major_negative", grade_reason="五家媒体集中关注，登上本地热搜。")
    walk.fill(major, "Task_instruct_chief")
    walk.fill(major, "Task_draft_statement")
    landslide = walk.open(item["D03"], 20 * minute)
    walk.fill(landslide, "Task_screen", business_line="shengtai", m3=True, places=["长葛市"])
    walk.fill(landslide, "Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    walk.wait(hours=5)

    running = walk.open(item["D06"], 6 * minute)
    _to_assignment(walk, running, "yuzhou", "changge", places=["禹州市", "长葛市"], county_matter=True)
    walk.wait(hours=3)
    rumour = walk.open(item["D09"], 10 * minute)
    walk.fill(rumour, "Task_screen", business_line="gengbao", authenticity="rumour", n4=True)
    walk.fill(rumour, "Task_grade")
    gathering = walk.open(item["D05"], 15 * minute)
    walk.fill(gathering, "Task_screen", business_line="gengbao", m4=True, crowd_size=90, places=["襄城县"])
    walk.wait(hours=2, minutes=20)
    planning = walk.open(item["D13"], 12 * minute)
    walk.fill(planning, "Task_screen", business_line="guihua", city_policy=True, n4=True)
    walk.wait(minutes=25)
    walk.open(item["D14"], 8 * minute)
    walk.open(item["D11"], 4 * minute)


def _to_assignment(walk: Walker, case_id: str, lead: str, *others: str, **screen: JSON) -> None:
    line = lead if lead in ("gengbao", "guihua", "shengtai", "dengji", "zhifa") else "shengtai"
    walk.fill(case_id, "Task_screen", business_line=line, **screen)
    walk.fill(case_id, "Task_grade")
    walk.fill(case_id, "Task_instruct_vice")
    walk.fill(case_id, "Task_assign", lead_unit=lead, co_units=list(others))


def _unit_part(walk: Walker, case_id: str) -> None:
    for element in ("Task_sign", "Task_verify", "Task_opinion", "Task_confirm"):
        walk.wait(minutes=25)
        walk.fill(case_id, element)


def _reply_and_archive(walk: Walker, case_id: str) -> None:
    for element in (
        "Task_contact", "Task_confirm_subject", "Task_compose_reply", "Task_approve_vice", "Task_publish_reply",
        "Task_supervision_group", "Task_supervision_office", "Task_feedback", "Task_receipt_leader",
        "Task_receipt_office",
        "Task_closing_review", "Task_supplement", "Task_archive",
    ):  # fmt: skip
        walk.wait(minutes=5)
        walk.fill(case_id, element)
