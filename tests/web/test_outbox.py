"""The page of the outbox, and addresses for notifications."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from engine.domain.codec import instant_text
from engine.service import metrics, outbox
from engine.service.channels import Patience
from engine.service.notice_settings import NoticeSettings, Smtp
from engine.service.outbox import Counts, Limits
from engine.service.outbox_tables import contacts, deliveries
from engine.service.people_tables import people_log, security_log
from engine.service.transactions import writing
from tests.outbox.servers import MailServer
from tests.support.desk import Desk


@pytest.fixture
def office(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The desk with a mail server and nothing in the outbox."""
    server = MailServer()
    mail = Smtp("127.0.0.1", server.port, "none", "yuqing@xc.example")
    settings = replace(desk.world.services.settings, notices=NoticeSettings(mail=mail))
    monkeypatch.setattr(desk.world.services, "settings", settings)
    with writing(desk.world.services.engine) as conn:
        conn.execute(delete(deliveries))
        conn.execute(delete(contacts))
    yield desk, server
    server.stop()


def deliver(desk: Desk) -> Counts:
    services = desk.world.services
    ways = outbox.channels(services.settings.notices, Patience(2, 4))
    return outbox.deliver(services, Limits(), ways)


def dead_one(desk: Desk, number: int = 1, channel: str = "mail", **more: Any) -> str:
    now = instant_text(desk.world.clock.now())
    row = {
        "delivery_id": f"WQ-2026-000001/{number}/{channel}/wangfang", "case_id": "WQ-2026-000001",
        "user_id": "wangfang", "channel": channel, "kind": "todo", "deadline": "", "urgent": 0, "state": "dead",
        "attempts": 10, "next_at": now, "since": now, "error": "delivery.error.refused", "detail": "550 no such user",
        "sent_at": "", **more,
    }  # fmt: skip
    with writing(desk.world.services.engine) as conn:
        conn.execute(insert(deliveries).values(**row))
    return row["delivery_id"]


def states(desk: Desk) -> list[str]:
    with desk.world.services.engine.connect() as conn:
        return list(conn.execute(select(deliveries.c.state).order_by(deliveries.c.delivery_id)).scalars())


def test_without_a_channel_the_page_says_so_plainly(desk: Desk):
    page = desk.seat("qianjin").get("/admin/outbox/").text

    assert "没有配置任何通知渠道" in page
    assert "发测试消息给我" not in page


def test_a_dead_letter_is_seen_sent_again_by_one_press_and_goes_out(office: Any):
    desk, server = office
    desk.seat("wangfang").post("/account/contacts", {"mail": "wangfang@xc.example"})
    one = dead_one(desk)
    admin = desk.seat("qianjin")

    shown = admin.get("/admin/outbox/?state=dead").text
    answer = admin.post("/admin/outbox/repeat", {"delivery": one})
    sent = deliver(desk)

    assert "550 no such user" in shown and "对方拒收" in shown and "WQ-2026-000001" in shown
    assert answer.status_code == 303
    assert sent.sent == 1
    assert [message["To"] for message in server.taken] == ["wangfang@xc.example"]
    assert states(desk) == ["sent"]
    with desk.world.services.engine.connect() as conn:
        assert "deliveries_repeated" in conn.execute(select(security_log.c.event)).scalars().all()


def test_all_dead_letters_of_a_channel_are_sent_again_and_those_of_others_are_not(office: Any):
    desk, _ = office
    dead_one(desk, 1)
    dead_one(desk, 2)
    dead_one(desk, 3, "wecom")

    desk.seat("qianjin").post("/admin/outbox/repeat", {"all": "yes", "channel": "mail"})

    assert states(desk) == ["waiting", "waiting", "dead"]


def test_what_is_not_dead_is_not_sent_again(office: Any):
    desk, _ = office
    one = dead_one(desk, state="sent")

    answer = desk.seat("qianjin").post("/admin/outbox/repeat", {"delivery": one})

    assert answer.status_code == 409
    assert states(desk) == ["sent"]


def test_the_auditor_reads_the_outbox_and_finds_no_button(office: Any):
    desk, _ = office
    dead_one(desk)
    auditor = desk.seat("zhaoming")

    page = auditor.get("/admin/outbox/").text
    refused = auditor.post("/admin/outbox/repeat", {"all": "yes"})

    assert "550 no such user" in page and "重发</button>" not in page
    assert refused.status_code == 403


def test_a_test_message_asks_for_an_address_first_and_is_sent_by_the_worker(office: Any):
    desk, server = office
    admin = desk.seat("qianjin")

    without = admin.post("/admin/outbox/try", {"channel": "mail"})
    admin.post("/account/contacts", {"mail": "qianjin@xc.example"})
    asked = admin.post("/admin/outbox/try", {"channel": "mail"})
    before = list(server.taken)
    deliver(desk)
    elsewhere = admin.post("/admin/outbox/try", {"channel": "wecom"})

    assert (without.status_code, asked.status_code, elsewhere.status_code) == (409, 303, 409)
    assert before == []
    assert [message["Subject"] for message in server.taken] == ["测试消息"]


def test_one_enters_ones_own_address_and_a_wrong_one_is_shown_again_with_the_fault(office: Any):
    desk, _ = office
    clerk = desk.seat("wangfang")

    wrong = clerk.post("/account/contacts", {"mail": "no address"})
    right = clerk.post("/account/contacts", {"mail": "wf@xc.example", "wecom": "WangFang"})

    assert wrong.status_code == 422
    assert "请填写一个邮箱地址" in wrong.text and 'value="no address"' in wrong.text
    assert right.status_code == 303
    assert 'value="wf@xc.example"' in clerk.get("/account").text
    with desk.world.services.engine.connect() as conn:
        logged = conn.execute(select(people_log.c.action, people_log.c.subject, people_log.c.actor)).all()
    assert logged[-1] == ("contacts_changed", "person:wangfang", "wangfang")


def test_the_system_admin_enters_addresses_of_others_and_nobody_else_does(office: Any):
    desk, _ = office

    by_admin = desk.seat("qianjin").post("/admin/persons/liqiang/contacts", {"mail": "lq@xc.example"})
    wrong = desk.seat("qianjin").post("/admin/persons/liqiang/contacts", {"mail": "x"})
    by_another = desk.seat("wangfang").post("/admin/persons/liqiang/contacts", {"mail": "x@y.example"})

    assert (by_admin.status_code, wrong.status_code, by_another.status_code) == (303, 422, 403)
    assert "请填写一个邮箱地址" in wrong.text
    assert "lq@xc.example" in desk.seat("qianjin").get("/admin/persons/liqiang").text


def test_monitoring_is_told_what_waits_and_what_is_dead(office: Any):
    desk, _ = office
    dead_one(desk)
    dead_one(desk, 2, state="waiting")
    desk.world.clock.advance(seconds=90)

    told = metrics.render(desk.world.services).decode()

    assert 'opinion_outbox{channel="mail",state="dead"} 1.0' in told
    assert 'opinion_outbox{channel="mail",state="waiting"} 1.0' in told
    assert 'opinion_outbox_oldest_seconds{channel="mail"} 90.0' in told
