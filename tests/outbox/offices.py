"""An office with people and addresses, and notifications as an entry would have left them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from engine.domain.clock import FixedClock
from engine.domain.codec import instant_text
from engine.journal.database import open_database
from engine.readmodels.schema import NO_DUE, cases, notifications
from engine.readmodels.turn import as_json
from engine.service import cast, outbox
from engine.service.bootstrap import Services, build
from engine.service.channels import Channel, Patience
from engine.service.notice_settings import Hook, NoticeSettings, Smtp
from engine.service.outbox import Counts, Limits
from engine.service.outbox_tables import contacts, deliveries
from engine.service.settings import Settings
from engine.service.transactions import writing
from tests.support.databases import copied, with_tables

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""09:00 in Xuchang."""
URL = "https://yuqing.example"
SHORT = Patience(step=0.5, whole=1.0)
"""For servers that hang. All others may be slow on a busy machine."""
LONG = Patience(step=20.0, whole=40.0)


def mail_to(port: int) -> Smtp:
    return Smtp("127.0.0.1", port, "none", "yuqing@xc.example")


def _with_cast(url: str) -> None:
    engine = open_database(with_tables(url))
    with writing(engine) as conn:
        cast.found(conn, MONDAY)
    engine.dispose()


class Office:
    """A database of its own with the cast; `wangfang` and `liqiang` want mail unless told otherwise."""

    def __init__(self, folder: Path, url: str, **channels: Any) -> None:
        self.clock = FixedClock(MONDAY)
        self.settings = Settings(
            database_url=url or f"sqlite:///{folder}/o.db",
            data_dir=folder,
            public_url=URL,
            notices=NoticeSettings(**channels),
        )
        copied(self.settings.database_url, "cast", _with_cast)
        self.services = build(self.settings, self.clock)
        self.wants("mail", wangfang="wangfang@xc.example", liqiang="liqiang@xc.example")

    def another(self) -> Services:
        """The same office from another process."""
        return build(self.settings, self.clock)

    def wants(self, channel: str, **addresses: str) -> None:
        with writing(self.services.engine) as conn:
            rows = [{"user_id": user, "channel": channel, "address": to} for user, to in addresses.items()]
            conn.execute(insert(contacts), rows)

    def told(
        self,
        *groups: str,
        case: str = "WQ-2026-000001",
        seq: int = 1,
        n: int = 0,
        message: str = "notice.task",
        at: datetime | None = None,
        **params: str,
    ) -> None:
        """A notification of entry `seq` of the case."""
        at = at or self.clock.now()
        rows = [
            {
                "id": f"{case}/{seq}.{n}.{number}", "case_id": case, "grp": group, "message": message, "task": "",
                "params": as_json({"label": "绝密标题", **params}), "created_at": instant_text(at), "sent_at": "",
            }
            for number, group in enumerate(groups, 1)
        ]  # fmt: skip
        with writing(self.services.engine) as conn:
            conn.execute(insert(notifications), rows)

    def case(self, case: str = "WQ-2026-000001", grade: str = "", due: datetime | None = None) -> None:
        """The read model's row of a case."""
        known = {"case_id": case, "grade": grade, "next_due": instant_text(due) if due else NO_DUE}
        empty = {int: 0, float: 0.0, str: "", bool: False}
        values = {column.name: known.get(column.name, empty[column.type.python_type]) for column in cases.columns}
        with writing(self.services.engine) as conn:
            conn.execute(insert(cases).values(**values))

    def deliver(
        self,
        services: Services | None = None,
        ways: Iterable[Channel] | None = None,
        sends: int = 100,
        patience: Patience = LONG,
    ) -> Counts:
        chosen = outbox.channels(self.settings.notices, patience) if ways is None else tuple(ways)
        return outbox.deliver(services or self.services, Limits(sends=sends), chosen)

    def rows(self) -> list[Any]:
        with self.services.engine.connect() as conn:
            return list(conn.execute(select(deliveries).order_by(deliveries.c.delivery_id)))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]


def hook(server: Any) -> Hook:
    return Hook(server.url, "shared")
