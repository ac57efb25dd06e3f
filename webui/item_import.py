"""导入表格: a CSV or Excel file of items: upload, which column holds what, the first rows, then the import itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from engine.domain.rejection import FieldFault, Rejection
from engine.service import exports, item_columns, item_import, long_jobs, sheets
from engine.service.csv_file import Cell
from engine.service.item_fields import FIELDS
from engine.service.item_import import Import
from engine.service.sheets import Sheet

from . import item_words
from .catalogue import t
from .downloads import csv_answer
from .guards import current_actor, reading, requires, services, writing
from .names import Names

blueprint = Blueprint("item_import", __name__, url_prefix="/items/import")

SHOWN: Final = 20
FORMS: Final = ("csv", "xlsx")
REQUIRED: Final = ("source_type", "source_name")


@blueprint.get("")
@requires("import_items")
def index() -> Response:
    return _start_page("")


@blueprint.post("")
@requires("import_items")
def upload() -> Response:
    chosen = request.files.get("file")
    opened = _opened(chosen) if chosen is not None and chosen.filename else Rejection("invalid", "sheet.choose")
    if isinstance(opened, Rejection):
        return _start_page(t(opened.key, **opened.details))
    fact, sheet = opened
    with writing() as conn:
        import_id = item_import.begin(
            services(), conn, current_actor(), fact, sheet, item_columns.guessed(sheet.header)
        )
    return redirect(url_for("item_import.show", import_id=import_id), 303)


@blueprint.get("/<import_id>")
@requires("import_items")
def show(import_id: str) -> Response:
    found = _found(import_id)
    return _state_page(found) if found.job else _mapping_page(found)


@blueprint.post("/<import_id>")
@requires("import_items")
def go_on(import_id: str) -> Response:
    """Keeps what a person says about the columns, and begins where he asked for it."""
    found = _found(import_id)
    if found.job:
        return redirect(url_for("item_import.show", import_id=import_id), 303)
    mapping = {f: int(text) for f in FIELDS if (text := request.form.get(f"column_{f}", "")).isdecimal()}
    defaults = {f: v for f in item_import.DEFAULTS if (v := request.form.get(f"default_{f}", "").strip()[:100])}
    with writing() as conn:
        item_import.set_mapping(conn, import_id, mapping, defaults)
    found = _found(import_id)
    missing = [field for field in REQUIRED if field not in found.mapping and field not in found.defaults]
    if not {"title", "body"} & set(found.mapping):
        missing.append("title")
    if missing or request.form.get("action") != "start":
        return _mapping_page(found, missing if request.form.get("action") == "start" else [])
    with writing() as conn:
        item_import.start(services(), conn, import_id, current_actor())
    return redirect(url_for("item_import.show", import_id=import_id), 303)


@blueprint.get("/<import_id>/progress")
@requires("import_items", keeps_alive=False)
def progress(import_id: str) -> Response:
    """The part of the page that changes; it asks for it every second while the import goes on."""
    found = _found(import_id)
    if not found.job:
        abort(404)
    return make_response(render_template("items/import_state.html", found=found, job=_job(found)))


@blueprint.post("/<import_id>/cancel")
@requires("import_items")
def cancel(import_id: str) -> Response:
    found = _found(import_id)
    with writing() as conn:
        long_jobs.cancel(services(), conn, found.job)
    return redirect(url_for("item_import.show", import_id=import_id), 303)


@blueprint.post("/<import_id>/bad")
@requires("import_items")
def bad(import_id: str) -> Response:
    """The refused rows as a file, each with its reasons; mended, it can be imported as it is."""
    found = _found(import_id)
    sheet = item_import.sheet_of(services(), found)
    rows = item_import.bad_rows(services(), found)
    if isinstance(sheet, Rejection) or not rows:
        abort(404)
    header = [*sheet.header, t("import.row"), t("import.reason")]
    lines: list[list[Cell]] = [[*cells, number, _reasons(found, sheet, faults)] for number, cells, faults in rows]
    stem = found.name.rpartition(".")[0] or "items"
    if request.form.get("form") == "xlsx":
        return _workbook(found, f"{stem}-{t('import.bad_name')}.xlsx", header, lines)
    return csv_answer("items_refused", found.import_id, f"{stem}-{t('import.bad_name')}.csv", header, lines)


def _opened(chosen: FileStorage) -> tuple[dict[str, Any], Sheet] | Rejection:
    form = (chosen.filename or "").rpartition(".")[2].lower()
    if form not in FORMS:
        return Rejection("invalid", "sheet.form")
    fact = services().files.save(chosen.stream, chosen.filename or "")
    if isinstance(fact, Rejection):
        return fact
    with services().files.open(str(fact["sha256"])) as content:
        sheet = sheets.opened(content, form)
    return sheet if isinstance(sheet, Rejection) else (fact, sheet)


def _found(import_id: str) -> Import:
    with reading() as conn:
        found = item_import.get(conn, import_id)
    if found is None:
        abort(404)
    return found


def _job(found: Import) -> long_jobs.LongJob | None:
    with reading() as conn:
        return long_jobs.get(conn, found.job)


def _start_page(fault: str) -> Response:
    with reading() as conn:
        newest = item_import.newest(conn, SHOWN)
        jobs = {one.job: long_jobs.get(conn, one.job) for one in newest if one.job}
        names = Names(conn).load(one.asked_by for one in newest)
    limit = min(sheets.MOST_BYTES, services().settings.upload_max_bytes) // 1024 // 1024
    body = render_template(
        "items/import.html", fault=fault, newest=newest, jobs=jobs, names=names, rows=sheets.MOST_ROWS, megabytes=limit
    )
    return make_response(body, 422 if fault else 200)


def _mapping_page(found: Import, missing: Sequence[str] = ()) -> Response:
    sheet = item_import.sheet_of(services(), found)
    if isinstance(sheet, Rejection):
        return _start_page(t(sheet.key, **sheet.details))
    try:
        total = sum(1 for _ in sheet.rows())
    except sheets.TooMany:
        return _start_page(t("sheet.too_many", limit=sheets.MOST_ROWS))
    rows = item_import.preview(services(), found, sheet)
    body = render_template(
        "items/import_mapping.html",
        found=found,
        sheet=sheet,
        rows=[(one, _reasons(found, sheet, one.faults)) for one in rows],
        total=total,
        fields=FIELDS,
        required=(*REQUIRED, "title"),
        missing=missing,
        source_types=item_words.source_types(),
    )
    return make_response(body, 422 if missing else 200)


def _state_page(found: Import) -> Response:
    return make_response(render_template("items/import_show.html", found=found, job=_job(found)))


def _reasons(found: Import, sheet: Sheet, faults: Any) -> str:
    """What is wrong with a row: column by column, and what to do."""
    return "；".join(_reason(found, sheet, fault) for fault in faults)


def _reason(found: Import, sheet: Sheet, fault: FieldFault) -> str:
    place = found.mapping.get(fault.path)
    name = sheet.header[place] if place is not None and place < len(sheet.header) else t(f"item.field.{fault.path}")
    return t("import.fault", column=name, text=t(fault.key, **fault.params))


def _workbook(found: Import, name: str, header: list[str], rows: list[list[Cell]]) -> Response:
    """An Excel file whose cells are all text: none is run as a formula."""
    mark = exports.begin(services(), current_actor(), "items_refused", found.import_id, request.remote_addr or "")
    body = sheets.workbook(mark.text, t("import.bad_name"), header, rows)
    exports.made(services(), mark.number, hashlib.sha256(body).hexdigest(), len(body))
    response = make_response(body)
    response.headers["Content-Type"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
