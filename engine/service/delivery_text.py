"""The words of a message: the case's number, the time of its limit, a link. Never anything of the case itself (R71).

What a message may say is fixed by `Notice`: it has no field for a title, a text or the name of a person, so that no
setting and no diagram can let one out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from engine.domain.calendar import ZONE

from .catalogue import sentence

KIND_OF: Final[Mapping[str, str]] = {
    "notice.limit_breached": "breached",
    "notice.limit_warning": "warning",
    "notice.urged": "urged",
    "notice.task": "todo",
    "notice.transferred": "todo",
    "notice.delegated": "todo",
    "notice.resolved": "todo",
    "notice.returned": "todo",
    "notice.cosign": "todo",
}
"""What a notification's catalogue key comes down to; every other one, drawn in a diagram or later, is `info`."""

_TEXTS: Final[Mapping[tuple[str, bool], str]] = {
    ("breached", True): "delivery.text.breached",
    ("breached", False): "delivery.text.breached",
    ("warning", True): "delivery.text.warning",
    ("warning", False): "delivery.text.warning",
    ("urged", True): "delivery.text.urged_until",
    ("urged", False): "delivery.text.urged",
    ("todo", True): "delivery.text.todo_until",
    ("todo", False): "delivery.text.todo",
    ("info", True): "delivery.text.info",
    ("info", False): "delivery.text.info",
    ("test", True): "delivery.text.test",
    ("test", False): "delivery.text.test",
}
_SUBJECTS: Final[Mapping[str, str]] = {
    "breached": "delivery.subject.breached",
    "warning": "delivery.subject.warning",
    "urged": "delivery.subject.urged",
    "todo": "delivery.subject.todo",
    "info": "delivery.subject.info",
    "test": "delivery.subject.test",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything that leaves the house. `key`: the same for every attempt at one delivery; `address`: of the receiver
    in his channel; `deadline`: None where no limit is near; `at`: now."""

    key: str
    kind: str
    case_id: str
    url: str
    address: str
    deadline: datetime | None
    at: datetime

    @property
    def until(self) -> str:
        """The deadline as `2026-03-02 17:00` in Asia/Shanghai, '' for none."""
        return "" if self.deadline is None else f"{self.deadline.astimezone(ZONE):%Y-%m-%d %H:%M}"

    @property
    def subject(self) -> str:
        return sentence(_SUBJECTS[self.kind], {"case": self.case_id})

    @property
    def text(self) -> str:
        blanks = {"case": self.case_id, "deadline": self.until, "url": self.url}
        return sentence(_TEXTS[self.kind, bool(self.until)], blanks)


def key_of(delivery_id: str) -> str:
    """32 hex digits that name a delivery outside: they tell nothing of case or person, and are the same each time."""
    return sha256(delivery_id.encode()).hexdigest()[:32]
