"""A webhook of the house: a JSON POST with a signature, for a gateway to text messages or the office's own program."""

from __future__ import annotations

import hmac
from hashlib import sha256

from engine.domain.codec import canonical, instant_text

from .channel_http import Answer, post
from .channel_robots import secrets_of
from .channels import PATIENCE, SENT, Outcome, Patience
from .delivery_text import Notice
from .notice_settings import Hook


class Webhook:
    """Any answer of status 2xx is taken as received."""

    name = "webhook"
    per_minute = 0

    def __init__(self, hook: Hook, patience: Patience = PATIENCE) -> None:
        self._hook = hook
        self._patience = patience

    def send(self, notice: Notice) -> Outcome:
        body = canonical(
            {
                "id": notice.key,
                "to": notice.address,
                "kind": notice.kind,
                "case": notice.case_id,
                "deadline": "" if notice.deadline is None else instant_text(notice.deadline),
                "url": notice.url,
                "text": notice.text,
            }
        )
        moment = int(notice.at.timestamp())
        headers = {"X-Delivery-Id": notice.key, "X-Signature": signature(self._hook.secret, moment, body)}
        answer = post(self._hook.url, body, headers, self._patience, secrets_of(self._hook))
        return SENT if isinstance(answer, Answer) else answer

    def close(self) -> None:
        """Nothing is kept open."""


def signature(secret: str, seconds: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>`. The receiver compares, and refuses what is old."""
    made = hmac.new(secret.encode(), f"{seconds}.".encode() + body, sha256).hexdigest()
    return f"t={seconds},v1={made}"
