"""A mail that a mail server hands over becomes an item, once, with its attachments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from engine.domain.rejection import Rejection
from engine.service import items, mail_in
from engine.service.items import Added
from engine.worker.tasks import TASKS
from tests.support.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("mail"))
    yield made
    made.services.engine.dispose()


def mail(subject: str = "转办：群众反映耕地被占", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = "省厅值班室 <duty@example.invalid>", subject
    made["Date"] = "Mon, 02 Mar 2026 08:20:00 +0800"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("请核实并于当日反馈。")
    return made


def taken(world: World, message: bytes) -> items.Item:
    added = mail_in.take(world.services, message, "superior")
    assert isinstance(added, Added), added
    with world.services.engine.connect() as conn:
        found = items.get(conn, added.item_id)
    assert found is not None
    return found


def test_a_mail_is_kept_with_its_attachments_and_the_same_again_changes_nothing(world: World):
    made = mail()
    made.add_attachment(PNG, "image", "png", filename="现场.png")
    made.add_attachment(b"MZ\x90\x00", "application", "octet-stream", filename="virus.exe")

    item = taken(world, bytes(made))
    again = mail_in.take(world.services, bytes(made), "superior")

    assert (item.title, item.source_name, item.route) == ("转办：群众反映耕地被占", "省厅值班室", "mail")
    assert item.published_at is not None and item.published_at.isoformat() == "2026-03-02T00:20:00+00:00"
    assert [fact["name"] for fact in item.attachments] == ["现场.png"]
    assert "未保存的附件：virus.exe" in item.body
    assert again == Added(item.item_id, True)


def test_html_and_what_calls_itself_gb2312_are_read(world: World):
    html = mail("网页邮件")
    html.set_content("<p>第一段</p><p>第二段</p><script>x()</script>", subtype="html")
    raw = (
        b"From: a@example.invalid\r\nSubject: =?gb2312?B?1qq80NDF?=\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n"
    )

    assert taken(world, bytes(html)).body == "第一段\n第二段"
    assert taken(world, raw + "汉字镕正文".encode("gb18030")).body == "汉字镕正文"


@pytest.mark.parametrize("message", [b"", b"From: a@example.invalid\r\n\r\n", b"\xff\xfe\0\0"])
def test_a_mail_without_words_is_refused(world: World, message: bytes):
    refused = mail_in.take(world.services, message, "superior")

    assert isinstance(refused, Rejection)


def test_a_mail_from_the_future_has_no_instant_of_its_own(world: World):
    made = mail("未来的邮件")
    del made["Date"]
    made["Date"] = "Mon, 02 Mar 2099 08:20:00 +0800"

    assert taken(world, bytes(made)).published_at is None


def test_the_command_takes_a_message_from_the_pipe_and_tells_the_mail_server_what_became_of_it(tmp_path):
    environment = {**os.environ, "OPINION_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "engine.cli", "mail-in", "--source-type", "leader_board"]

    good = subprocess.run(command, input=bytes(mail()), env=environment, capture_output=True, timeout=60, check=False)
    bad = subprocess.run(command, input=b"", env=environment, capture_output=True, timeout=60, check=False)

    assert (good.returncode, bad.returncode) == (0, 65), good.stderr
    assert "信息 1" in good.stdout.decode() and "标题和内容至少填一项" in bad.stderr.decode()


def test_every_task_that_brings_or_handles_items_is_known_to_the_workers():
    assert {"triage_items", "item_to_case", "items", "feed", "feeds"} <= set(TASKS)
