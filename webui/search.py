"""检索: one search over cases, items and documents. Each search is kept in the log of looks (R53, R71)."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from engine.service import access_log, search

from .guards import current_actor, reading, requires, services

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@requires("view_case")
def index() -> str:
    query, kind = request.args.get("q", "").strip()[:200], request.args.get("kind", "")
    page = min(max(1, request.args.get("page", 1, type=int)), 10**4)
    found = None
    if query:
        # Before the answer: what could not be logged is not shown.
        target = request.full_path.rstrip("?")
        access_log.looked(services(), current_actor(), "", "search.index", request.remote_addr or "", target)
        with reading() as conn:
            found = search.find(conn, current_actor(), query, kind, page)

    def page_url(number: int) -> str:
        return url_for("search.index", q=query, kind=kind, page=number)

    return render_template(
        "search/index.html", query=query, kind=kind, kinds=search.KINDS, found=found, page_url=page_url,
        most=search.MOST_COUNTED,
    )  # fmt: skip
