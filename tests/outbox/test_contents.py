"""What leaves the house in real cases: no title, no text, no name of a person (R71). What a rebuild sends: nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from engine.readmodels.schema import notifications
from engine.readmodels.version import readmodel_version
from engine.service import outbox, verify
from engine.service.notice_settings import NoticeSettings, Smtp
from engine.service.outbox import Counts
from engine.service.outbox_tables import CHANNELS, contacts, outbox_marks
from engine.service.people_tables import persons
from engine.service.transactions import writing
from tests.outbox.offices import SHORT, hook
from tests.outbox.servers import HttpServer, MailServer
from tests.support.desk import GRADED, ITEM, SCREENED
from tests.support.world import World

REACHABLE = ("wangfang", "zhangmin", "liuwei", "liqiang")
WORDS = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=6, max_size=20)
ALLOWED = re.compile(r"WQ-2026-\d{6}")


class House:
    """The shipped bundle at work, four people reachable in every channel."""

    def __init__(self, folder: Path, mail: MailServer, http: HttpServer) -> None:
        self.world = World(folder)
        self.mail, self.http = mail, http
        every = hook(http)
        self.notices = NoticeSettings(
            Smtp("127.0.0.1", mail.port, "none", "yuqing@xc.example"), wecom=every, dingtalk=every, webhook=every
        )
        with writing(self.world.services.engine) as conn:
            people = conn.execute(select(persons.c.user_id, persons.c.name)).all()
            for number, user in enumerate(REACHABLE):
                rows = [
                    {
                        "user_id": user,
                        "channel": name,
                        "address": f"r{number}@xc.example" if name == "mail" else f"r{number}",
                    }
                    for name in CHANNELS
                ]
                conn.execute(insert(contacts), rows)
        self.names = [name for _, name in people]
        self.logins = [user for user, _ in people]

    def deliver(self) -> Counts:
        """All that is due, through the pauses that robots ask for."""
        total = Counts()
        for _ in range(200):
            counts = outbox.deliver(self.world.services, outbox.Limits(), outbox.channels(self.notices, SHORT))
            total = Counts(*(getattr(total, n) + getattr(counts, n) for n in ("handed", "sent", "later", "dead")))
            self.world.clock.advance(seconds=61)
            if not counts.fired and outbox.seconds_to_next(self.world.services, 0.0) == 0.0 and not self._due():
                break
        return total

    def _due(self) -> bool:
        with self.world.services.engine.connect() as conn:
            return any(outbox._due(conn, one, self.world.clock.now()) for one in outbox.channels(self.notices))

    def said(self) -> list[str]:
        """Everything that went over the wire, as people would read it."""
        mails = [f"{list(m.items())} {m['Subject']} {m.get_content()}" for m in self.mail.taken]
        posts = [
            f"{path} {headers} {json.dumps(json.loads(body), ensure_ascii=False)}"
            for path, headers, body in self.http.got
        ]
        return mails + posts


@pytest.fixture
def house(tmp_path: Path, mail: MailServer, http: HttpServer) -> Any:
    made = House(tmp_path, mail, http)
    yield made
    made.world.services.engine.dispose()


def a_case(house: House, title: str, text: str) -> str:
    case = house.world.open(**{**ITEM, "title": title, "body": text})
    case.submit("wangfang", "Task_screen", **{**SCREENED, "screen_note": text})
    case.submit("wangfang", "Task_grade", **{**GRADED, "grade_reason": text})
    return case.id


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(title=WORDS, text=WORDS)
def test_no_title_no_text_and_no_name_of_a_person_leaves_the_house(house: House, title: str, text: str):
    case_id = a_case(house, title, text)
    house.world.wait(hours=9)

    counts = house.deliver()

    said = house.said()
    assert counts.sent > 10
    assert any(case_id in one for one in said)
    for one in said:
        assert title not in one and text not in one
        assert [name for name in house.names if name in one] == []
        assert [login for login in house.logins if re.search(rf"\b{login}\b", one)] == []
        assert "绝密" not in one


def test_the_texts_have_blanks_for_number_time_and_link_only():
    from engine.service.catalogue import sentences

    for language in ("zh", "en"):
        said = {key: text for key, text in sentences(language).items() if key.startswith("delivery.text.")}
        assert len(said) >= 9
        assert {blank for text in said.values() for blank in re.findall(r"\{(\w+)\}", text)} <= {
            "case",
            "deadline",
            "url",
        }


def test_a_rebuild_sends_nothing_whether_asked_for_or_made_for_a_new_release(house: House):
    case_id = a_case(house, "标题标题标题", "内容内容内容")
    first = house.deliver()
    taken = len(house.mail.taken), len(house.http.got)
    engine = house.world.services.engine

    verify.rebuild_read_models(house.world.services)
    after_rebuild = house.deliver()
    with writing(engine) as conn:
        conn.execute(update(readmodel_version).values(digest="of another release"))
    house.world.start()  # drops the read models and makes them anew
    with writing(house.world.services.engine) as conn:
        conn.execute(update(notifications).values(sent_at=""))  # even if nothing at all were carried over
    after_release = house.deliver()

    assert first.sent > 0
    assert (after_rebuild.sent, after_release.sent) == (0, 0)
    assert (len(house.mail.taken), len(house.http.got)) == taken

    with writing(house.world.services.engine) as conn:  # the control: it is the marks that keep it silent
        conn.execute(delete(outbox_marks))
        conn.execute(update(notifications).values(sent_at=""))
        conn.exec_driver_sql("DELETE FROM deliveries")
    assert house.deliver().sent > 0
    assert case_id in house.said()[-1]
