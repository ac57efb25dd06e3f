"""Each channel against a real server: what is sent, and what becomes of each way in which a server can fail."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.service.channel_mail import Mail
from engine.service.channel_robots import Dingtalk, Wecom
from engine.service.channel_webhook import Webhook
from engine.service.channels import Outcome, Patience
from engine.service.delivery_text import Notice
from engine.service.notice_settings import Hook, Smtp
from tests.outbox.servers import HANG, HttpServer, MailServer, RawServer, certificate

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SHORT = Patience(step=0.3, whole=0.6)
Started = Callable[[Any], Any]


def notice(address: str = "wangfang@xc.example", kind: str = "warning") -> Notice:
    deadline = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    url = "https://yuqing.example/cases/WQ-2026-000012"
    return Notice("a1" * 16, kind, "WQ-2026-000012", url, address, deadline, AT)


def smtp(port: int, **more: Any) -> Smtp:
    return Smtp(**{"host": "127.0.0.1", "port": port, "security": "none", "sender": "yuqing@xc.example", **more})


# --- mail ------------------------------------------------------------------------------------------------------------


def test_a_mail_holds_number_time_and_link_and_names_its_delivery(mail: MailServer):
    channel = Mail(smtp(mail.port))

    outcomes = [channel.send(notice()), channel.send(notice("liqiang@xc.example"))]
    channel.close()

    assert outcomes == [Outcome("sent"), Outcome("sent")]
    first, second = mail.taken
    assert first["Message-ID"] == f"<{'a1' * 16}@xc.example>"
    assert first["X-Delivery-Id"] == "a1" * 16
    assert (first["From"], first["To"], second["To"]) == (
        "yuqing@xc.example", "wangfang@xc.example", "liqiang@xc.example",
    )  # fmt: skip
    assert first["Subject"] == "案件 WQ-2026-000012：时限预警"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first.get_content().splitlines()[0] == (
        "案件 WQ-2026-000012 的时限将于 2026-03-02 17:00 到期，请登录处理：https://yuqing.example/cases/WQ-2026-000012"
    )


@pytest.mark.parametrize(
    ("answer", "expected", "halt"),
    [
        ("450 mailbox busy", "later", False),
        ("421 closing", "later", True),
        ("550 no such user", "never", False),
    ],
)
def test_a_recipient_refused_for_now_is_tried_again_and_one_refused_for_good_is_not(mail, answer, expected, halt):
    mail.recipients.append(answer)
    channel = Mail(smtp(mail.port))

    outcome = channel.send(notice())
    after = channel.send(notice())
    channel.close()

    assert (outcome.state, outcome.halt, outcome.detail) == (expected, halt, answer)
    assert after == Outcome("sent")


@pytest.mark.parametrize(("answer", "expected"), [("452 disk full", "later"), ("554 spam", "never")])
def test_a_message_refused_after_its_text_is_judged_by_the_code(mail: MailServer, answer: str, expected: str):
    mail.data.append(answer)
    channel = Mail(smtp(mail.port))

    outcome = channel.send(notice())
    channel.close()

    assert (outcome.state, outcome.detail, mail.taken) == (expected, answer, [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_by_tls_with_a_login_and_only_to_a_server_whose_name_is_proved(
    security: str, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    context, trusted = certificate(tmp_path)
    server = started(MailServer(tls=context, starttls=security == "starttls", password="geheim-1"))
    settings = smtp(server.port, security=security, user="yuqing", password="geheim-1")

    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    sent = (channel := Mail(settings)).send(notice())
    channel.close()
    (tmp_path / "empty.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    unproved = (channel := Mail(settings)).send(notice())
    channel.close()

    assert sent == Outcome("sent")
    assert server.logins == [b"yuqing"]
    assert (unproved.state, unproved.halt, len(server.taken)) == ("later", True, 1)
    assert "CERTIFICATE_VERIFY_FAILED" in unproved.detail


def test_a_login_refused_waits_for_better_settings_and_tells_no_password(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    server = started(MailServer(tls=context, starttls=True, password="right"))
    channel = Mail(smtp(server.port, security="starttls", user="yuqing", password="wrong-secret"))

    outcome = channel.send(notice())

    assert (outcome.state, outcome.halt) == ("later", True)
    assert outcome.detail.startswith("535") and "wrong-secret" not in outcome.detail


def test_a_server_without_starttls_gets_neither_login_nor_mail(mail: MailServer):
    channel = Mail(smtp(mail.port, security="starttls", user="yuqing", password="x"))

    outcome = channel.send(notice())

    assert (outcome.state, outcome.halt, mail.taken, mail.logins) == ("later", True, [], [])


def silent(line: socket.socket, over: threading.Event) -> None:
    over.wait(10)


def dripping(line: socket.socket, over: threading.Event) -> None:
    """One byte at a time, never an end of line: each is in time, all of them never."""
    while not over.wait(0.05):
        line.sendall(b"2")


def garbage(line: socket.socket, over: threading.Event) -> None:
    line.sendall(b"\x00\xff\xfe no server at all \r\n" * 10)


def greeting_then_gone(line: socket.socket, over: threading.Event) -> None:
    line.sendall(b"220 hello\r\n")
    line.recv(100)


@pytest.mark.parametrize("play", [silent, dripping, garbage, greeting_then_gone])
def test_a_mail_server_that_hangs_drips_or_talks_nonsense_costs_a_bounded_time(play: Any, started: Started):
    server = started(RawServer(play))
    channel = Mail(smtp(server.port), SHORT)
    began = time.monotonic()

    outcome = channel.send(notice())

    assert (outcome.state, outcome.error, outcome.halt) == ("later", "delivery.error.unreachable", True)
    assert time.monotonic() - began < 5
    assert server.accepted == 1


def test_an_address_that_could_end_a_header_is_never_tried(mail: MailServer):
    channel = Mail(smtp(mail.port))

    outcome = channel.send(notice("a@b.example\r\nBcc: all@b.example"))

    assert (outcome.state, outcome.error, mail.taken) == ("never", "delivery.error.address", [])


# --- robots and the webhook ------------------------------------------------------------------------------------------


def test_the_wecom_robot_mentions_the_person_by_id_or_number(http: HttpServer):
    channel = Wecom(Hook(f"{http.url}?key=KEY-OF-ROBOT"))

    assert channel.send(notice("WangFang")) == channel.send(notice("13800000000")) == Outcome("sent")

    path, headers, body = http.got[0]
    assert path == "/hook?key=KEY-OF-ROBOT"
    assert headers["X-Delivery-Id"] == "a1" * 16
    assert json.loads(body) == {"msgtype": "text", "text": {"content": said(), "mentioned_list": ["WangFang"]}}
    assert json.loads(http.got[1][2])["text"]["mentioned_mobile_list"] == ["13800000000"]


def said() -> str:
    return f"{notice().text}（a1a1a1a1）"


def test_the_dingtalk_robot_is_asked_with_a_signature_of_the_moment(http: HttpServer):
    channel = Dingtalk(Hook(f"{http.url}?access_token=TOKEN", "SECabc"))

    assert channel.send(notice("manager8659")) == Outcome("sent")

    path, _, body = http.got[0]
    query = parse_qs(urlsplit(path).query)
    moment = str(int(AT.timestamp() * 1000))
    expected = hmac.new(b"SECabc", f"{moment}\nSECabc".encode(), sha256).digest()
    assert query == {"access_token": ["TOKEN"], "timestamp": [moment], "sign": [base64.b64encode(expected).decode()]}
    assert json.loads(body)["at"] == {"atUserIds": ["manager8659"], "isAtAll": False}
    assert json.loads(body)["text"] == {"content": said()}


@pytest.mark.parametrize(
    ("channel", "answer", "expected"),
    [
        (Wecom, b'{"errcode":45009,"errmsg":"api freq out of limit"}', "later"),
        (Wecom, b'{"errcode":93000,"errmsg":"invalid webhook url"}', "never"),
        (Wecom, b"<html>login</html>", "later"),
        (Wecom, b'{"errcode":false}', "later"),
        (Dingtalk, b'{"errcode":130101,"errmsg":"send too fast"}', "later"),
        (Dingtalk, b'{"errcode":310000,"errmsg":"sign not match"}', "never"),
        (Dingtalk, b"[" * 40_000, "later"),
    ],
)
def test_a_robot_that_answers_no_with_status_200_has_not_taken_it(http: HttpServer, channel, answer, expected):
    http.answers.append((200, answer))

    assert channel(Hook(http.url)).send(notice("someone")).state == expected


def test_the_webhook_is_signed_and_says_for_whom(http: HttpServer):
    channel = Webhook(Hook(http.url, "shared"))

    assert channel.send(notice("wangfang")) == Outcome("sent")

    _, headers, body = http.got[0]
    moment = int(AT.timestamp())
    made = hmac.new(b"shared", f"{moment}.".encode() + body, sha256).hexdigest()
    assert headers["X-Signature"] == f"t={moment},v1={made}"
    assert json.loads(body) == {
        "id": "a1" * 16,
        "to": "wangfang",
        "kind": "warning",
        "case": "WQ-2026-000012",
        "deadline": "2026-03-02T09:00:00.000000Z",
        "url": notice().url,
        "text": notice().text,
    }


@pytest.mark.parametrize(
    ("status", "expected", "halt"),
    [(204, "sent", False), (302, "never", False), (404, "never", False), (429, "later", True), (503, "later", True)],
)
def test_the_status_decides_whether_a_webhook_is_tried_again(http: HttpServer, status, expected, halt):
    http.answers.append((status, b""))
    http.headers["Location"] = f"{http.url}/elsewhere"

    outcome = Webhook(Hook(http.url, "shared")).send(notice())

    assert (outcome.state, outcome.halt) == (expected, halt)
    assert len(http.got) == 1  # a redirect is not followed


def test_a_webhook_goes_by_https_only_to_a_server_whose_name_is_proved(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    context, trusted = certificate(tmp_path)
    server = started(HttpServer(tls=context))
    channel = Webhook(Hook(server.url.replace("http:", "https:"), "shared"), Patience(3, 5))

    unproved = channel.send(notice())
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    proved = channel.send(notice())

    assert (unproved.state, proved, len(server.got)) == ("later", Outcome("sent"), 1)


def dripping_answer(line: socket.socket, over: threading.Event) -> None:
    line.recv(10_000)
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.wait(0.05):
        line.sendall(b" ")


@pytest.mark.parametrize("play", [silent, dripping, garbage, dripping_answer])
def test_a_webhook_that_hangs_drips_or_talks_nonsense_costs_a_bounded_time(play: Any, started: Started):
    server = started(RawServer(play))
    channel = Wecom(Hook(f"http://127.0.0.1:{server.port}/"), SHORT)
    began = time.monotonic()

    outcome = channel.send(notice())

    assert outcome.state == "later" and outcome.halt
    assert time.monotonic() - began < 5


def test_an_answer_without_end_is_read_up_to_a_size(http: HttpServer):
    http.answers.append((200, b"x" * 5_000_000))

    assert Webhook(Hook(http.url, "shared")).send(notice()) == Outcome("sent")


def test_nobody_listening_is_no_reason_to_give_up(http: HttpServer):
    http.stop()

    outcome = Webhook(Hook(http.url, "shared"), SHORT).send(notice())

    assert (outcome.state, outcome.error, outcome.halt) == ("later", "delivery.error.unreachable", True)
    http.stop = lambda: None  # type: ignore[method-assign]


def test_what_a_server_says_is_kept_without_our_secrets(http: HttpServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    url = f"{http.url}?key=KEY-OF-ROBOT"
    http.answers += [
        (500, f"no route for {url} KEY-OF-ROBOT\x1b[31m".encode()),
        (200, b'{"errcode":1,"errmsg":"KEY-OF-ROBOT"}'),
    ]
    channel = Wecom(Hook(url))

    outcomes = [channel.send(notice()), channel.send(notice())]

    assert [outcome.state for outcome in outcomes] == ["later", "later"]
    assert "KEY-OF-ROBOT" not in repr(outcomes) + caplog.text + repr(channel._hook)
    assert "\x1b" not in outcomes[0].detail


def test_a_hanging_webhook_is_heard_when_it_answers_at_all(http: HttpServer):
    """The control: with more patience the same server is waited for."""
    http.answers.append((HANG, b""))
    threading.Timer(0.5, http.over.set).start()

    outcome = Wecom(Hook(http.url), Patience(5, 10)).send(notice())

    assert outcome.state == "later"
    assert "RemoteDisconnected" in outcome.detail
