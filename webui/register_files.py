"""A register as a file: what its page lists, all of it, as CSV or Excel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flask import Blueprint
from werkzeug.wrappers import Response

from engine.service import register_records
from engine.service.csv_file import Cell
from engine.service.register_records import Record
from engine.service.registers import Register

from .catalogue import t
from .downloads import csv_answer, up_to, xlsx_answer
from .formats import minute
from .guards import reading, requires
from .names import Names
from .registers import named, names_in, said, unit_shown

blueprint = Blueprint("register_files", __name__)

MOST_ROWS: Final = 20_000

Table = tuple[str, list[str], Iterator[Sequence[Cell]]]
"""Title, header, rows."""


@blueprint.post("/registers/<register>/export.csv")
@requires("view_registers")
def csv(register: str) -> Response:
    title, header, rows = _table(named(register))
    return csv_answer("csv", f"register {register}", f"{title}.csv", header, rows)


@blueprint.post("/registers/<register>/export.xlsx")
@requires("view_registers")
def xlsx(register: str) -> Response:
    title, header, rows = _table(named(register))
    return xlsx_answer("xlsx", f"register {register}", f"{title}.xlsx", [(title, header, rows)])


def _table(register: Register) -> Table:
    """The records that the page would list; the newest MOST_ROWS where there are more."""
    unit = unit_shown(register)
    with reading() as conn:
        records = register_records.every(conn, register.name, MOST_ROWS + 1, unit=unit)
        names = names_in(conn, records)
    header = [
        t("register.column.number"),
        *([t("case.number")] if register.of_case else []),
        *(t(f"register.{register.name}.{field.name}") for field in register.fields),
        *(t(f"register.column.{name}") for name in ("unit", "by", "at", "amends")),
    ]
    rows = up_to(records, MOST_ROWS, lambda one: _row(register, one, names), "register.cut_off")
    return t(f"register.name.{register.name}"), header, rows


def _row(register: Register, record: Record, names: Names) -> list[Cell]:
    return [
        record.number,
        *([record.case_id] if register.of_case else []),
        *(said(record, field.name, names) for field in register.fields),
        names.unit(record.unit_id),
        names.person(record.by_user),
        minute(record.at),
        record.subject if record.amended else "",
    ]
