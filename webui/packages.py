"""归档包: what a package of a case or period holds, the button that makes it, and the list of those made."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import dossier
from engine.service import document_lookup, package_selection, packages
from engine.service.package_selection import Selection

from . import case_page
from .case_words import said
from .guards import current_actor, reading, requires, services

blueprint = Blueprint("packages", __name__)

AT_ONCE: Final = 60
"""Cases that a page packs; each costs one to two seconds. More is for the command line."""
RECENT: Final = 50


@blueprint.get("/cases/<case_id>/package")
@requires("audit")
def case(case_id: str) -> str:
    with reading() as conn:
        row = case_page.visible(conn, case_id)
        files = dossier.files_of(conn, case_id)
        made = packages.made_of(conn, case_id, RECENT)
        unsealed = packages.unsealed(conn)
        documents = document_lookup.of_case(conn, case_id, current_actor())
    return render_template(
        "packages/case.html", case=row, documents=documents, files=len({file.sha256 for file in files}),
        octets=sum({file.sha256: file.size for file in files}.values()), made=made, unsealed=unsealed,
    )  # fmt: skip


@blueprint.post("/cases/<case_id>/package")
@requires("audit")
def make_case(case_id: str) -> Response:
    with reading() as conn:
        case_page.visible(conn, case_id)
        selection = package_selection.chosen(conn, (case_id,))
    return _handed_out(selection)


@blueprint.get("/audit/packages")
@requires("audit")
def index() -> str:
    return _page()


@blueprint.post("/audit/packages")
@requires("audit")
def make() -> Response:
    period, cases = request.form.get("period", "").strip(), request.form.get("cases", "")[:20_000]
    with reading() as conn:
        if period:
            selection = package_selection.closed_in(conn, period)
        else:
            selection = package_selection.chosen(conn, re.split(r"[\s,，;；、]+", cases))
    if isinstance(selection, Selection) and len(selection.cases) > AT_ONCE:
        selection = Rejection("invalid", "package.too_many", {"count": len(selection.cases), "limit": AT_ONCE})
    return _handed_out(selection, period, cases)


def _handed_out(selection: Selection | Rejection, period: str = "", cases: str = "") -> Response:
    """The package as a download, read from the disk piece by piece; or the page with what is wrong."""
    made = (
        selection
        if isinstance(selection, Rejection)
        else packages.make(services(), current_actor(), selection, request.remote_addr or "")
    )
    if isinstance(made, Rejection):
        return Response(_page(made, period, cases), HTTP_STATUS[made.code], mimetype="text/html")
    answer = Response(packages.read_once(made), mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", filename=made.name)
    answer.content_length = made.size
    answer.call_on_close(lambda: made.path.unlink(missing_ok=True))
    return answer


def _page(refused: Rejection | None = None, period: str = "", cases: str = "") -> str:
    with reading() as conn:
        made = packages.made_of(conn, "", RECENT)
        unsealed = packages.unsealed(conn)
    fault = said(refused.key, refused.details) if refused else ""
    return render_template(
        "packages/index.html", made=made, fault=fault, period=period, cases=cases, limit=AT_ONCE, unsealed=unsealed
    )
