"""Where people want to be told: an address or id for each channel, kept by themselves or by the system admin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection

from . import people, people_admin, people_log
from .notice_settings import MAIL_ADDRESS
from .outbox_tables import CHANNELS, contacts

LENGTH: Final = 120
_ID: Final = re.compile(r"[A-Za-z0-9@._+-]{1,64}")
"""Ids of WeCom and DingTalk, mobile numbers, and what a gateway of the house calls its people."""


def addresses(conn: Connection, user_id: str) -> dict[str, str]:
    """channel -> address, for those that the person wants to be told by."""
    rows = conn.execute(select(contacts.c.channel, contacts.c.address).where(contacts.c.user_id == user_id))
    return dict(rows.tuples().all())


def save(conn: Connection, by: Actor, now: datetime, user_id: str, typed: Mapping[str, str]) -> Rejection | None:
    """Makes `typed` (channel -> address, '' for none) the person's addresses. One's own, or anybody's by the system
    admin."""
    refused = None if by.user_id == user_id else people_admin.refusal(by, "admin_people")
    if refused is not None:
        return refused
    if people.person(conn, user_id) is None:
        return Rejection("not_found", "people.no_person")
    wanted = {channel: typed.get(channel, "").strip() for channel in CHANNELS}
    faults = tuple(
        FieldFault(channel, "people.mail_form" if channel == "mail" else "people.contact_form")
        for channel, address in wanted.items()
        if address and not is_address(channel, address)
    )
    if faults:
        return Rejection("invalid", "entry.refused", fields=faults)
    held = addresses(conn, user_id)
    old = {channel: held.get(channel, "") for channel in CHANNELS}
    if old == wanted:
        return None
    conn.execute(delete(contacts).where(contacts.c.user_id == user_id))
    rows = [{"user_id": user_id, "channel": channel, "address": to} for channel, to in wanted.items() if to]
    if rows:
        conn.execute(insert(contacts), rows)
    before, after = people_admin.changed(old, wanted)
    people_log.record(conn, now, by.user_id, "contacts_changed", f"person:{user_id}", before, after)
    return None


def is_address(channel: str, address: str) -> bool:
    """Whether the channel could send there."""
    rule = MAIL_ADDRESS if channel == "mail" else _ID
    return len(address) <= LENGTH and rule.fullmatch(address) is not None
