"""Looks at cases (R71: who saw internal material): written here, one row a look, and read page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from engine.domain.access import CaseScope, may
from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.readmodels import dossier

from .log_tables import access_log, next_number
from .transactions import writing

TARGET_LENGTH: Final = 300


def looked(services: Any, actor: Actor, case_id: str, page: str, address: str, target: str = "") -> None:
    """Writes that `actor` looked at a page of a case: one row, committed when this returns.

    `page`: name of the page (its endpoint). `target`: path and query, where one page has many. Raises what the
    database raises: what could not be logged must not be shown.
    """
    with writing(services.engine) as conn:
        right, on_behalf_of = _right(conn, actor, case_id)
        conn.execute(
            insert(access_log).values(
                number=next_number(conn, access_log),
                at=instant_text(services.clock.now()),
                user_id=actor.user_id,
                case_id=case_id,
                page=page,
                address=address[:64],
                by_right=right,
                on_behalf_of=on_behalf_of,
                target=target[:TARGET_LENGTH],
            )
        )


def looked_lately(services: Any, actor: Actor, case_id: str, family: str, within: timedelta) -> bool:
    """Whether `actor` looked at a page `family.<any>` of the case in the last `within`."""
    since = instant_text(services.clock.now() - within)
    query = (
        select(access_log.c.number)
        .where(access_log.c.user_id == actor.user_id, access_log.c.at >= since, access_log.c.case_id == case_id)
        .where(access_log.c.page.startswith(f"{family}.", autoescape=True))
        .limit(1)
    )
    with services.engine.connect() as conn:
        return conn.execute(query).first() is not None


def _right(conn: Connection, actor: Actor, case_id: str) -> tuple[str, str]:
    """Why the actor may see the case now, and in whose place: ("role:auditor", ""), ("group:unit:gengbao", "").

    By a role that sees every case, else by the group of his that the case concerns; ("", "") when by neither.
    """
    whole = may(actor, "view_all_cases")
    if whole:
        role = whole.params["role"]
        return f"role:{role}", _behalf(actor.group_via, role, role in actor.roles)
    seen = may(actor, "view_case", CaseScope(dossier.groups_of(conn, case_id)))
    group = seen.params.get("group", "") if seen else ""
    return (f"group:{group}", _behalf(actor.group_via, group, False)) if group else ("", "")


def _behalf(via: Mapping[str, str], group: str, own: bool) -> str:
    return "" if own else via.get(group, "")
