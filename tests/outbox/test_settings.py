"""Settings of the outbox: read, refused, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.service.notice_settings import Hook, NoticeSettings, Smtp
from engine.service.outbox_lookup import described
from engine.service.settings import Settings

MAIL = {"OPINION_SMTP_URL": "smtps://yuqing@mail.example", "OPINION_SMTP_FROM": "yuqing@xc.example"}
LOGIN = {**MAIL, "OPINION_SMTP_PASSWORD": "geheim"}


def test_without_settings_there_is_no_channel():
    read = NoticeSettings.from_env({})

    assert read == NoticeSettings()
    assert described(read) == {"mail": "", "wecom": "", "dingtalk": "", "webhook": ""}


def test_all_channels_are_read_and_their_secrets_are_in_no_repr_and_on_no_page(tmp_path: Path):
    (tmp_path / "wecom").write_text("https://qyapi.example/send?key=KEY-1\n")
    read = NoticeSettings.from_env(
        {
            **LOGIN,
            "OPINION_WECOM_URL_FILE": str(tmp_path / "wecom"),
            "OPINION_DINGTALK_URL": "https://oapi.example/robot/send?access_token=KEY-2",
            "OPINION_DINGTALK_SECRET": "KEY-3",
            "OPINION_WEBHOOK_URL": "http://127.0.0.1:9000/hook?k=KEY-4",
            "OPINION_WEBHOOK_SECRET": "KEY-5",
        }
    )

    assert read.mail == Smtp("mail.example", 465, "tls", "yuqing@xc.example", "yuqing", "geheim")
    assert read.wecom == Hook("https://qyapi.example/send?key=KEY-1")
    assert (read.malformed, read.warnings) == ((), ())
    assert described(read) == {
        "mail": "mail.example:465 TLS",
        "wecom": "https://qyapi.example",
        "dingtalk": "https://oapi.example",
        "webhook": "http://127.0.0.1:9000",
    }
    for shown in (repr(read), repr(Settings(notices=read)), str(described(read))):
        assert "KEY" not in shown and "geheim" not in shown


@pytest.mark.parametrize(
    ("env", "malformed"),
    [
        ({**LOGIN, "OPINION_SMTP_URL": "smtps://yuqing:geheim@mail.example"}, "OPINION_SMTP_URL"),
        ({**LOGIN, "OPINION_SMTP_URL": "imap://yuqing@mail.example"}, "OPINION_SMTP_URL"),
        ({**LOGIN, "OPINION_SMTP_URL": "smtp://mail.example:port"}, "OPINION_SMTP_URL"),
        ({**LOGIN, "OPINION_SMTP_FROM": ""}, "OPINION_SMTP_FROM"),
        ({**LOGIN, "OPINION_SMTP_FROM": "a@b.example\nBcc: c@d.example"}, "OPINION_SMTP_FROM"),
        (MAIL, "OPINION_SMTP_PASSWORD"),
        ({**MAIL, "OPINION_SMTP_PASSWORD_FILE": "/nowhere/at/all"}, "OPINION_SMTP_PASSWORD_FILE"),
        ({"OPINION_WECOM_URL": "file:///etc/passwd"}, "OPINION_WECOM_URL"),
        ({"OPINION_WECOM_URL": "ftp://x.example/"}, "OPINION_WECOM_URL"),
        ({"OPINION_WECOM_URL": "https://x.example/ HTTP/1.1"}, "OPINION_WECOM_URL"),
        ({"OPINION_WECOM_URL": "https://user:pw@x.example/"}, "OPINION_WECOM_URL"),
        ({"OPINION_DINGTALK_URL": "https:///robot"}, "OPINION_DINGTALK_URL"),
        ({"OPINION_WEBHOOK_URL": "https://x.example/"}, "OPINION_WEBHOOK_SECRET"),
        ({"OPINION_QUIET_HOURS": "at night"}, "OPINION_QUIET_HOURS"),
    ],
)
def test_what_cannot_be_used_is_named_and_stops_the_start(env: dict[str, str], malformed: str):
    settings = Settings.from_env(env)

    assert malformed in settings.malformed
    (problem, *_) = settings.problems()
    assert problem.fatal and malformed in {found.params.get("name") for found in settings.problems()}
    assert "geheim" not in str(settings.problems())


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({**LOGIN, "OPINION_SMTP_URL": "smtp://yuqing@mail.example"}, "settings.smtp_plain_login"),
        ({"OPINION_WECOM_URL": "http://robots.example/"}, "settings.plain_webhook"),
    ],
)
def test_secrets_that_would_travel_in_the_clear_are_warned_of(env: dict[str, str], key: str):
    problems = {problem.key: problem.fatal for problem in Settings.from_env(env).problems()}

    assert problems.get(key) is False


def test_a_server_of_this_very_machine_may_be_asked_in_the_clear():
    env = {**LOGIN, "OPINION_SMTP_URL": "smtp://yuqing@127.0.0.1:2525", "OPINION_WECOM_URL": "http://127.0.0.1:1/x"}

    assert NoticeSettings.from_env(env).warnings == ()
