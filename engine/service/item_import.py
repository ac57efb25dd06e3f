"""Importing a table of items: looked at first, then carried out as a long job. Good rows come in, bad ones can be taken
home with the reason; imported again, nothing changes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from engine.domain.codec import JSON, instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import instant

from . import item_fields, item_journal, items, long_jobs, people, sheets
from .item_fields import FIELDS, NewItem
from .items_tables import item_imports
from .long_jobs import Progress
from .sheets import Sheet
from .system import new_id
from .transactions import writing

KIND: Final = "item_import"
PREVIEWED: Final = 20
BATCH: Final = 500
"""Rows of one transaction: a worker that is killed does at most these again, and they are found to be there."""
DEFAULTS: Final = ("source_type", "source_name")
"""Fields that a person may give for all rows where the file has no column."""


@dataclass(frozen=True, slots=True)
class Import:
    import_id: str
    sha256: str
    name: str
    form: str
    encoding: str
    mapping: Mapping[str, int]
    defaults: Mapping[str, str]
    asked_by: str
    asked_at: datetime | None
    job: str
    bad_sha256: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was read: its number in the file, its cells, and the item or what is wrong with it."""

    number: int
    cells: tuple[Any, ...]
    item: NewItem | None
    faults: tuple[FieldFault, ...] = ()


def begin(services: Any, conn: Connection, actor: Actor, fact: Mapping[str, JSON], sheet: Sheet,
          mapping: Mapping[str, int]) -> str:  # fmt: skip
    """Notes a file that was uploaded, for a person to look at; returns the import's id. Requires a writing
    transaction. `fact`: of the stored file."""
    import_id = new_id()
    conn.execute(
        insert(item_imports).values(
            import_id=import_id, sha256=fact["sha256"], name=fact["name"], form=sheet.form, encoding=sheet.encoding,
            mapping=json.dumps(dict(mapping)), defaults="{}", asked_by=actor.user_id,
            asked_at=instant_text(services.clock.now()), job="", bad_sha256="",
        )
    )  # fmt: skip
    return import_id


def get(conn: Connection, import_id: str) -> Import | None:
    row = conn.execute(select(item_imports).where(item_imports.c.import_id == import_id)).first()
    return None if row is None else _read(row)


def newest(conn: Connection, limit: int) -> tuple[Import, ...]:
    rows = conn.execute(select(item_imports).order_by(item_imports.c.asked_at.desc()).limit(limit))
    return tuple(_read(row) for row in rows)


def set_mapping(conn: Connection, import_id: str, mapping: Mapping[str, int], defaults: Mapping[str, str]) -> None:
    """Keeps a person's correction; changes nothing once the import has begun."""
    mine = item_imports.c.import_id == import_id, item_imports.c.job == ""
    kept = {"mapping": json.dumps(dict(mapping)), "defaults": json.dumps(dict(defaults), ensure_ascii=False)}
    conn.execute(update(item_imports).where(*mine).values(**kept))


def start(services: Any, conn: Connection, import_id: str, actor: Actor) -> str:
    """Begins the long job, once; returns its id."""
    found = get(conn, import_id)
    assert found is not None
    if found.job:
        return found.job
    job = long_jobs.start(services, conn, KIND, {"import": import_id}, actor.user_id)
    conn.execute(update(item_imports).where(item_imports.c.import_id == import_id).values(job=job))
    return job


def sheet_of(services: Any, found: Import) -> Sheet | Rejection:
    with services.files.open(found.sha256) as content:
        return sheets.opened(content, found.form)


def preview(services: Any, found: Import, sheet: Sheet) -> list[Seen]:
    """The first rows, as they would come in."""
    return list(islice(seen(sheet, found, services.clock.now()), PREVIEWED))


def seen(sheet: Sheet, found: Import, now: datetime, unit: str = "") -> Iterator[Seen]:
    """Each row with its item or its faults. Raises sheets.TooMany."""
    known = {field: place for field, place in found.mapping.items() if field in FIELDS and place < len(sheet.header)}
    for number, cells in sheet.rows():
        values = {**found.defaults, **{f: v for f, place in known.items() if (v := _value(f, cells[place])) != ""}}
        made = item_fields.checked(values, now, route=found.form, entered_by=found.asked_by, unit=unit)
        if isinstance(made, Rejection):
            yield Seen(number, cells, None, made.fields)
        else:
            yield Seen(number, cells, made)


def work(services: Any, args: Mapping[str, JSON], progress: Progress) -> JSON:
    """The long job: {good, repeated, bad, rows}. Begun anew it finds what it has done and goes on."""
    with services.engine.connect() as conn:
        found = get(conn, str(args["import"]))
        assert found is not None
        unit = _unit(conn, found.asked_by)
    sheet = sheet_of(services, found)
    if isinstance(sheet, Rejection):
        raise ValueError(sheet.key)
    total = sum(1 for _ in sheet.rows())
    done = good = repeated = 0
    bad: list[Seen] = []
    now = services.clock.now()
    rows = seen(sheet, found, now, unit)
    progress(0, total)
    while batch := list(islice(rows, BATCH)):
        bad += [one for one in batch if one.item is None]
        fresh = [one.item for one in batch if one.item is not None]
        with writing(services.engine) as conn:
            added = items.add_all(conn, now, fresh)
            items.ask_for_triage(services, conn)
        repeated += sum(one.repeated for one in added)
        good += sum(not one.repeated for one in added)
        done += len(batch)
        progress(done, total)
    result = {"good": good, "repeated": repeated, "bad": len(bad), "rows": done}
    _finish(services, found, bad, result)
    return result


def bad_rows(services: Any, found: Import) -> list[tuple[int, list[str], list[FieldFault]]]:
    """(number, cells as text, faults) of the rows that were refused."""
    if not found.bad_sha256:
        return []
    with services.files.open(found.bad_sha256) as content:
        told = [json.loads(line) for line in content]
    return [(one["row"], one["cells"], [FieldFault(**fault) for fault in one["faults"]]) for one in told]


def _finish(services: Any, found: Import, bad: Sequence[Seen], result: Mapping[str, int]) -> None:
    """Keeps the refused rows beside the file, and an entry of the journal that says what was imported by whom."""
    digest = ""
    if bad:
        lines = "".join(json.dumps(_told(one), ensure_ascii=False) + "\n" for one in bad).encode()
        digest = hashlib.sha256(lines).hexdigest()
        services.files.adopt(io.BytesIO(lines), digest)

    def change(note: item_journal.Writing) -> bool:
        note.conn.execute(
            update(item_imports).where(item_imports.c.import_id == found.import_id).values(bad_sha256=digest)
        )
        note.note("ImportItems", "ItemsImported", file=found.sha256, refused=digest, **{
            "import": found.import_id, **result})  # fmt: skip
        return True

    item_journal.decide(services, found.asked_by, change)


def _told(one: Seen) -> dict[str, JSON]:
    faults = [{"path": fault.path, "key": fault.key, "params": dict(fault.params)} for fault in one.faults]
    return {"row": one.number, "cells": [sheets.plain(cell) for cell in one.cells], "faults": faults}


def _value(field: str, cell: Any) -> Any:
    """Instants stay what they are; everything else is text."""
    return cell if isinstance(cell, datetime) and field in item_fields.ASKED_INSTANTS else sheets.plain(cell).strip()


def _unit(conn: Connection, login: str) -> str:
    found = people.person(conn, login)
    return found.unit_id if found is not None else ""


def _read(row: Any) -> Import:
    return Import(
        row.import_id, row.sha256, row.name, row.form, row.encoding, json.loads(row.mapping), json.loads(row.defaults),
        row.asked_by, instant(row.asked_at), row.job, row.bad_sha256,
    )  # fmt: skip
