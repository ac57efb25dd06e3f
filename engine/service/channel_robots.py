"""Robots of WeCom (企业微信) and DingTalk (钉钉) groups: one JSON POST, answered by `errcode`.

Sources: developer.work.weixin.qq.com/document/path/91770, open.dingtalk.com, "custom robot access". Both take some 20
messages a minute from one robot and refuse more.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Final
from urllib.parse import quote_plus, urlsplit

from engine.domain.codec import JSON, canonical

from .channel_http import Answer, post
from .channels import PATIENCE, SENT, Outcome, Patience, printable
from .delivery_text import Notice
from .notice_settings import Hook

PER_MINUTE: Final = 18
"""Two less than allowed: others may post to the same robot."""
_WECOM_NEVER: Final = frozenset({40008, 40035, 40058, 44004, 93000, 93004, 93008})
"""Malformed message, invalid address of the robot, robot taken away or not in the group."""
_DINGTALK_NEVER: Final = frozenset({300001, 310000, 400013, 400014, 400101, 400102, 400105, 400106})
"""Invalid token, signature or key word; group dissolved; robot stopped."""


class Wecom:
    """Writes into the group of the robot and mentions the person: by his WeCom id, or by a mobile number."""

    name = "wecom"
    per_minute = PER_MINUTE

    def __init__(self, hook: Hook, patience: Patience = PATIENCE) -> None:
        self._hook = hook
        self._patience = patience

    def send(self, notice: Notice) -> Outcome:
        named = "mentioned_mobile_list" if notice.address.isdigit() else "mentioned_list"
        body = {"msgtype": "text", "text": {"content": said(notice), named: [notice.address]}}
        return ask(self._hook.url, body, notice, self._patience, secrets_of(self._hook), _WECOM_NEVER)

    def close(self) -> None:
        """Nothing is kept open."""


class Dingtalk:
    """Writes into the group of the robot and mentions the person: by a mobile number, or by his DingTalk id."""

    name = "dingtalk"
    per_minute = PER_MINUTE

    def __init__(self, hook: Hook, patience: Patience = PATIENCE) -> None:
        self._hook = hook
        self._patience = patience

    def send(self, notice: Notice) -> Outcome:
        named = "atMobiles" if notice.address.isdigit() else "atUserIds"
        body = {"msgtype": "text", "text": {"content": said(notice)}, "at": {named: [notice.address], "isAtAll": False}}
        url = signed(self._hook.url, self._hook.secret, int(notice.at.timestamp() * 1000))
        return ask(url, body, notice, self._patience, secrets_of(self._hook), _DINGTALK_NEVER)

    def close(self) -> None:
        """Nothing is kept open."""


def signed(url: str, secret: str, milliseconds: int) -> str:
    """The address with DingTalk's signature: base64(HMAC-SHA256(secret, "<milliseconds>\\n<secret>")). Unchanged for a
    robot without a secret (one with key words or fixed addresses)."""
    if not secret:
        return url
    made = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), sha256).digest()
    joint = "&" if urlsplit(url).query else "?"
    return f"{url}{joint}timestamp={milliseconds}&sign={quote_plus(b64encode(made).decode())}"


def said(notice: Notice) -> str:
    """The text with a short number at its end. Robots know no ids of messages: a doubled one is told by eye."""
    return f"{notice.text}（{notice.key[:8]}）"


def ask(
    url: str, body: JSON, notice: Notice, patience: Patience, secrets: tuple[str, ...], never: frozenset[int]
) -> Outcome:
    """Posts and reads `errcode`: 0 is sent, one of `never` is refused, any other is tried again."""
    answer = post(url, canonical(body), {"X-Delivery-Id": notice.key}, patience, secrets)
    if not isinstance(answer, Answer):
        return answer
    code = answer.json.get("errcode")
    if code == 0 and not isinstance(code, bool):
        return SENT
    detail = printable(f"errcode {code} {answer.json.get('errmsg', '')}", *secrets)
    if code in never:
        return Outcome("never", "delivery.error.refused", detail)
    # What is no answer of a robot, a proxy's page for instance, says nothing of the message.
    return Outcome("later", "delivery.error.busy", detail, halt=True)


def secrets_of(hook: Hook) -> tuple[str, ...]:
    """What must not be shown: the address, the values in its query, the secret."""
    query = [pair.partition("=")[2] for pair in urlsplit(hook.url).query.split("&")]
    return (hook.url, hook.secret, *(value for value in query if len(value) > 3))
