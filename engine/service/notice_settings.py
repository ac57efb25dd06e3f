"""Settings of the outbox: where messages are sent, and when ordinary ones wait. docs/notifications.md describes them.

Whatever opens a door (passwords, webhook addresses with their keys) can also stand in a file, named by the same
variable with `_FILE` at its end. None of it is in the `repr` of these values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from .quiet_hours import QuietHours, quiet_hours

Security = Literal["none", "starttls", "tls"]
_SMTP_SCHEMES: Final[Mapping[str, tuple[Security, int]]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
MAIL_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""An address as mail servers take it without SMTPUTF8. No quotes, blanks or line ends: nothing can end a header."""
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook. The address of a robot holds its key: both fields are secret."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Scheme and host: what may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """A channel that is None is not set up. `malformed`: variables that could not be read; `warnings`: keys of problems
    of what can be read (`settings.smtp_plain_login`, `settings.plain_webhook`)."""

    mail: Smtp | None = None
    wecom: Hook | None = None
    dingtalk: Hook | None = None
    webhook: Hook | None = None
    quiet: QuietHours | None = None
    malformed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> NoticeSettings:
        """Reads the `OPINION_*` variables, and the files that they name."""
        reader = _Reader(env)
        mail = reader.smtp(env.get("OPINION_SMTP_URL", "").strip(), env.get("OPINION_SMTP_FROM", "").strip())
        wecom = reader.hook("OPINION_WECOM_URL", "")
        dingtalk = reader.hook("OPINION_DINGTALK_URL", "OPINION_DINGTALK_SECRET")
        webhook = reader.hook("OPINION_WEBHOOK_URL", "OPINION_WEBHOOK_SECRET")
        written = env.get("OPINION_QUIET_HOURS", "").strip()
        quiet = quiet_hours(written)
        if written and quiet is None:
            reader.malformed.append("OPINION_QUIET_HOURS")
        if webhook is not None and not webhook.secret:
            reader.malformed.append("OPINION_WEBHOOK_SECRET")
        return cls(
            mail, wecom, dingtalk, webhook, quiet, tuple(dict.fromkeys(reader.malformed)), tuple(reader.warnings)
        )


class _Reader:
    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.malformed: list[str] = []
        self.warnings: list[str] = []

    def secret(self, name: str) -> str:
        """The variable's value, or the first line of the file that `<name>_FILE` names."""
        if self.env.get(name):
            return self.env[name].strip()
        file = self.env.get(f"{name}_FILE", "")
        if not file:
            return ""
        try:
            return Path(file).read_text(encoding="utf-8").strip().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError):
            self.malformed.append(f"{name}_FILE")
            return ""

    def smtp(self, url: str, sender: str) -> Smtp | None:
        password = self.secret("OPINION_SMTP_PASSWORD")
        if not url:
            return None
        try:
            parts = urlsplit(url)
            security, usual = _SMTP_SCHEMES[parts.scheme]
            port = parts.port or usual
        except (ValueError, KeyError):
            self.malformed.append("OPINION_SMTP_URL")
            return None
        # A password in the address would be shown wherever the address is: it has a variable of its own.
        if not parts.hostname or parts.password is not None or parts.path not in ("", "/") or parts.query:
            self.malformed.append("OPINION_SMTP_URL")
            return None
        if not MAIL_ADDRESS.fullmatch(sender):
            self.malformed.append("OPINION_SMTP_FROM")
            return None
        user = unquote(parts.username or "")
        if bool(user) != bool(password):
            self.malformed.append("OPINION_SMTP_PASSWORD")
            return None
        if user and security == "none" and parts.hostname not in LOCAL:
            self.warnings.append("settings.smtp_plain_login")
        return Smtp(parts.hostname, port, security, sender, user, password)

    def hook(self, url_name: str, secret_name: str) -> Hook | None:
        url = self.secret(url_name)
        secret = self.secret(secret_name) if secret_name else ""
        if not url:
            return None
        try:
            parts = urlsplit(url)
            well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            well_formed = False
        if not well_formed or not url.isascii() or not url.isprintable() or " " in url or "@" in urlsplit(url).netloc:
            self.malformed.append(url_name)
            return None
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            self.warnings.append("settings.plain_webhook")
        return Hook(url, secret)
