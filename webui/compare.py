"""版本比较: what differs between two versions or drafts of the process, in words and on the diagrams."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flask import Blueprint, abort, make_response, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.service import bundle_compare, compare_words, csv_file, exports
from engine.service.bundle_compare import Comparison, FileDiff
from engine.service.bundle_names import DRAFT, LIVE
from engine.service.compare_parts import EFFECTS, STATUSES
from engine.service.compare_words import Row

from .catalogue import language, t
from .compare_drawing import drawings
from .findings import FindingLine, lines
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("compare", __name__)

PER_FILE: Final = 20
"""Changes of a file shown on the page of all files; its own page has the rest."""
PER_PAGE: Final = 200
COLUMNS: Final = (
    "file", "effect_words", "kind_words", "type", "label", "element", "old_element", "place", "what", "path", "before",
    "after", "clauses", "means",
)  # fmt: skip
"""Of the file that is handed out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `old`, `new`: names of bundles; `file`: one of them only; `loud`: without what nobody
    notices; `paper`: everything on one page, to be printed."""

    old: str = ""
    new: str = ""
    file: str = ""
    effect: str = ""
    loud: bool = False
    paper: bool = False
    page: int = 1

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        page = args.get("page", "1")
        return Asked(
            args.get("from", "").strip()[:80],
            args.get("to", "").strip()[:80],
            args.get("file", "").strip()[:200],
            args.get("effect", "").strip()[:20],
            args.get("hide", "") == "layout",
            bool(args.get("paper")),
            int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1,
        )

    def url(self, **changed: Any) -> str:
        other = replace(self, **{"page": 1, **changed})
        said: dict[str, Any] = {
            "from": other.old,
            "to": other.new,
            "file": other.file,
            "effect": other.effect,
            "hide": "layout" if other.loud else "",
            "paper": "1" if other.paper else "",
            "page": other.page if other.page > 1 else "",
        }
        return url_for("compare.index", **{name: value for name, value in said.items() if value})


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file, its changes as chosen, and how many more there are than `rows`."""

    file: FileDiff
    rows: Sequence[Row]
    more: int
    words: str


@blueprint.get("/compare")
@requires("view_bundles")
def index() -> Response:
    asked = Asked.of(request.args)
    if not asked.old and not asked.new:
        return _chooser(asked)
    comparison, unknown = _sides(asked)
    if comparison is None:
        return _chooser(asked, unknown)
    file = comparison.diff.file(asked.file) if asked.file else None
    if asked.file and file is None:
        abort(404)
    shown = [file] if file is not None else list(comparison.diff.files)
    found = [_rows(one, asked, alone=file is not None) for one in shown]
    with reading() as conn:
        names = Names(conn).load(_people(comparison))
    return make_response(
        render_template(
            "compare/file.html" if file is not None else "compare/index.html",
            asked=asked,
            comparison=comparison,
            groups=[one for one in found if one.rows or not (asked.effect or asked.loud)],
            counts=(file or comparison.diff).counts,
            effects=EFFECTS,
            clauses=bundle_compare.clauses(comparison.diff),
            names=names,
            **(_of_kind(comparison, file, found[0].rows, asked) if file is not None else {}),
            pages=-(-len(_chosen(file, asked)) // PER_PAGE) if file is not None else 1,
            page_url=lambda page: asked.url(page=page),
        )
    )


@blueprint.get("/compare/findings")
@requires("view_bundles")
def findings() -> str:
    """What the checks say of one side only; asked for by the page when it is shown, as it may take seconds."""
    comparison, _ = _sides(Asked.of(request.args))
    if comparison is None:
        abort(404)
    found = bundle_compare.findings(services(), comparison)
    new, gone = lines(found.new), lines(found.gone)
    return render_template("compare/findings.html", new=_shown(new), gone=_shown(gone), kept=found.kept)


@blueprint.post("/compare/export")
@requires("view_bundles")
def export() -> Response:
    """All changes as a file. Logged and marked like every other thing that is taken out (R71)."""
    asked = Asked.of(request.form)
    comparison, _ = _sides(asked)
    if comparison is None:
        abort(404)
    kind = "json" if request.form.get("format") == "json" else "csv"
    subject = f"{comparison.old.label} {comparison.new.label}"
    mark = exports.begin(services(), current_actor(), "comparison", subject, request.remote_addr or "")
    if kind == "json":
        body = compare_words.as_json(comparison.diff, language(), mark.text).encode()
    else:
        body = _csv(compare_words.rows(comparison.diff, language(), quiet=not asked.loud), mark.text)
    exports.made(services(), mark.number, hashlib.sha256(body).hexdigest(), len(body))
    types = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
    disposition = f'attachment; filename="compare-{mark.number}.{kind}"'
    return Response(body, content_type=types[kind], headers={"Content-Disposition": disposition})


def _csv(rows: Sequence[Row], watermark: str) -> bytes:
    head = [t(f"compare.column.{name}") for name in COLUMNS]
    cells = []
    for row in rows:
        said = asdict(row) | {"clauses": " ".join(row.clauses)}
        cells.append([said[name] for name in COLUMNS])
    return csv_file.written(watermark, head, cells)


def _sides(asked: Asked) -> tuple[Comparison | None, dict[str, str]]:
    """The comparison; else what is wrong with which of the two names."""
    found = {field: bundle_compare.side(services(), name) for field, name in (("from", asked.old), ("to", asked.new))}
    old, new = found["from"], found["to"]
    if old is None or new is None:
        return None, {field: t("compare.unknown") for field, one in found.items() if one is None}
    return bundle_compare.compare(old, new), {}


def _chooser(asked: Asked, faults: Mapping[str, str] | None = None) -> Response:
    """Which two? Without a choice the live version against the one before."""
    history = services().deployments.history()
    drafts = services().bundle_drafts.all()
    versions = list(dict.fromkeys(one.version for one in history))
    if not faults:
        asked = replace(asked, old=asked.old or (versions[1] if len(versions) > 1 else LIVE), new=asked.new or LIVE)
    with reading() as conn:
        names = Names(conn).load([one.actor for one in history])
    first = {one.version: one for one in reversed(history)}
    body = render_template(
        "compare/choose.html",
        asked=asked,
        versions=[first[version] for version in versions],
        drafts=[(f"{DRAFT}{one.draft_id}", one.title) for one in drafts],
        faults=faults or {},
        names=names,
    )
    return make_response(body, 404 if faults else 200)


def _chosen(file: FileDiff, asked: Asked) -> list[Row]:
    found = compare_words.of_file(file, language())
    return [row for row in found if asked.effect in ("", row.effect) and not (asked.loud and row.quiet)]


def _rows(file: FileDiff, asked: Asked, *, alone: bool) -> FileRows:
    chosen = _chosen(file, asked)
    if asked.paper:
        first, last = 0, len(chosen)
    elif alone:
        first = (asked.page - 1) * PER_PAGE
        last = first + PER_PAGE
    else:
        first, last = 0, PER_FILE
    return FileRows(file, chosen[first:last], max(0, len(chosen) - last), t(STATUSES[file.status]))


def _of_kind(comparison: Comparison, file: FileDiff, rows: Sequence[Row], asked: Asked) -> dict[str, Any]:
    """What a page of one file shows besides its changes: both diagrams, tables or fields."""
    if file.path.endswith(".bpmn"):
        every = _chosen(file, replace(asked, effect=""))
        return {"drawings": drawings(comparison, file, every, loud=asked.loud)}
    if file.path.endswith(".dmn"):
        return {"tables": bundle_compare.tables(comparison, file)}
    if file.path.endswith(".form"):
        by_field: dict[str, list[Row]] = {}
        for row in _chosen(file, replace(asked, effect="")):
            by_field.setdefault(row.element or row.old_element, []).append(row)
        return {"fields": bundle_compare.fields(comparison, file), "by_field": by_field}
    return {}


def _people(comparison: Comparison) -> list[str]:
    found = [one.actor for side in (comparison.old, comparison.new) for one in side.deployments]
    return [*found, *(side.draft.owner for side in (comparison.old, comparison.new) if side.draft)]


def _shown(found: list[FindingLine]) -> list[FindingLine]:
    return [one for one in found if not one.follows][:PER_PAGE]
