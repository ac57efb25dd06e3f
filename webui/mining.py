"""流程数据导出: event logs for process mining tools, for the auditor."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.readmodels.chosen import Choice
from engine.service import mining, mining_xes, people
from engine.service.mining import FORMATS, Unreadable

from .catalogue import t
from .formats import parse_day
from .guards import current_actor, reading, requires, services
from .performance import GRADES

blueprint = Blueprint("mining", __name__)

CHUNK: Final = 1 << 18
STATUSES: Final = ("open", "closed")
FIELDS: Final = ("since", "until", "grade", "unit", "status", "format")


@blueprint.get("/audit/mining")
@requires("audit")
def index() -> str:
    return _page({})


@blueprint.post("/audit/mining")
@requires("audit")
def make() -> Response:
    """The log as a file: written to the disk first, so that it is in the export log before its first byte leaves."""
    typed = {name: request.form.get(name, "").strip()[:64] for name in FIELDS}
    names = bool(request.form.get("names"))
    fault = _fault(typed)
    if fault:
        return make_response(_page(typed, fault, names=names), 422)
    since, until = mining.period(f"{typed['since']}..{typed['until']}")
    choice = Choice(since, until, typed["grade"], typed["unit"], typed["status"])
    held = tempfile.TemporaryFile()  # noqa: SIM115 - `_sent` closes it
    made = mining.export(
        services(),
        current_actor(),
        typed["format"],
        choice,
        held,
        with_names=names,
        address=request.remote_addr or "",
    )
    if isinstance(made, Rejection):
        held.close()
        abort(403)
    answer = Response(_sent(held), content_type=FORMATS[typed["format"]][1])
    answer.content_length = made.size
    name = mining.file_name(typed["format"], made.number)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _sent(held: IO[bytes]) -> Iterator[bytes]:
    with held:
        held.seek(0)
        while block := held.read(CHUNK):
            yield block


@blueprint.get("/audit/mining/opinion.xesext")
@requires("audit")
def extension() -> Response:
    """What our own attributes of a XES file mean, as the standard wants it said."""
    answer = make_response(mining_xes.extension())
    answer.headers["Content-Type"] = "application/xml"
    answer.headers["Content-Disposition"] = 'attachment; filename="opinion.xesext"'
    return answer


def _fault(typed: dict[str, str]) -> str:
    if typed["format"] not in FORMATS:
        return t("mining.choose_format")
    wrong = any(typed[name] and parse_day(typed[name]) is None for name in ("since", "until"))
    try:
        mining.period(f"{typed['since']}..{typed['until']}")
    except Unreadable:
        wrong = True
    if wrong or typed["grade"] not in ("", *GRADES) or typed["status"] not in ("", *STATUSES):
        return t("mining.wrong_choice")
    return ""


def _page(typed: dict[str, str], fault: str = "", *, names: bool = False) -> str:
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
    return render_template(
        "mining/index.html",
        typed=typed,
        fault=fault,
        names=names,
        units=units,
        grades=GRADES,
        statuses=STATUSES,
        formats=tuple(FORMATS),
    )
