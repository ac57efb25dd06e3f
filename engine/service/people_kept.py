"""What was read of people, kept until the next change of one of them.

Pages offer the whole directory in their lists: to read thousands of people for each page would be the page's main work.
Every change of people, units, lines and posts adds a row to `people_log`, in its own transaction: the log's last number
and length tell whether anything was changed, on whichever machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, func, select

from .people_tables import people_log

T = TypeVar("T")

_KEPT: WeakKeyDictionary[Engine, dict[str, tuple[Any, Any]]] = WeakKeyDictionary()


def kept(conn: Connection, name: str, read: Callable[[Connection], T]) -> T:
    """What `read` reads, or read last time, as `name`; what it returns is shared and must not be changed.

    A transaction that writes reads for itself: what it sees may be rolled back, and its number given to another.
    """
    if conn.get_execution_options().get("writing"):
        return read(conn)
    # Number and length: on PostgreSQL a row may be committed after one with a higher number.
    mark = conn.execute(select(func.max(people_log.c.log_id), func.count())).one()
    of_engine = _KEPT.setdefault(conn.engine, {})
    found = of_engine.get(name)
    if found is None or found[0] != mark:
        # Read after the mark: a change in between is read now and once more by the next reader, never missed.
        found = of_engine[name] = (mark, read(conn))
    value: T = found[1]
    return value
