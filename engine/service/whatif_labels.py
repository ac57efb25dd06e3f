"""What things are called in a what-if: elements by either version's drawing, limits by the drawing they ran on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, func, select

from engine.kernel.renaming import element_of as element_named
from engine.readmodels.schema import limits as table

from .bootstrap import Services
from .replay_frames import labels_of

KINDS: Final = frozenset(
    {"OpenCase", "SendMessage", "WithdrawSubmission", "AddComment", "AttachFile", "CopyCase", "AcknowledgeCopy"}
)
"""Commands about no task that pages have a word for; the others are `other`."""


def limits(conn: Connection) -> list[tuple[str, str]]:
    """Every limit that ever ran -> its name, by name."""
    query = select(table.c.limit_id, func.max(table.c.label)).group_by(table.c.limit_id)
    return sorted(((row[0], row[1] or row[0]) for row in conn.execute(query)), key=lambda one: one[1])


def elements(services: Services, versions: Iterable[str]) -> Mapping[str, str]:
    """Element -> label; a later version's name stands above. Versions that are not kept are left out."""
    found: dict[str, str] = {}
    for version in versions:
        try:
            found |= labels_of(services.deployments.bundle(version)) if version else {}
        except KeyError:
            continue
    return found


def element_of(command: Mapping[str, Any]) -> str:
    """The element that a stored command is about; "" for none."""
    return element_named(str(command.get("task", "")))


def kind_of(command: Mapping[str, Any]) -> str:
    """The word for a command that names no task."""
    return str(command["kind"]) if command["kind"] in KINDS else "other"
