"""审计: the auditor's start page, who looked at which case, what was taken out and which export a file came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, Flask, current_app, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from engine.domain.calendar import midnight, start_of_day
from engine.service import access_lookup, export_lookup
from engine.service.access_lookup import Asked
from engine.service.catalogue import sentences
from engine.service.export_lookup import SHA256, Export
from engine.service.proof_state import proof_state

from .catalogue import language, t
from .formats import parse_day
from .guards import allowed, reading, requires, services
from .names import Names
from .views_registry import requirement_of

blueprint = Blueprint("audit", __name__)

SHELVES: Final = (
    ("cases", ("/cases", "/clocks")),
    ("proof", ("/audit/checkpoints", "/audit/packages")),
    ("limits", ("/evidence", "/ledger", "/compliance", "/performance", "/audit/mining")),
    ("looks", ("/audit/looks", "/audit/exports", "/admin/security")),
    ("rights", ("/admin/roles", "/admin/changes", "/admin/persons", "/admin/absences", "/deployments")),
)
"""What can be checked, by question: addresses of pages; one that does not exist here is left out."""

RECENT: Final = timedelta(days=30)
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Door:
    """A page that the start page leads to. `key`: ends the names of its two sentences in the catalogue."""

    url: str
    key: str


@blueprint.get("/audit")
@requires("audit")
def index() -> str:
    now = services().clock.now()
    with reading() as conn:
        looks = access_lookup.counted(conn, start_of_day(now))
        exports = export_lookup.counted(conn, now - RECENT)
        newest = export_lookup.exports(conn).exports[:5]
        proof = proof_state(conn)
    shelves = [(key, [door for path in paths if (door := _door(path)) is not None]) for key, paths in SHELVES]
    return render_template(
        "audit/index.html",
        shelves=[one for one in shelves if one[1]],
        looks=looks,
        exports=exports,
        newest=newest,
        proof=proof,
    )


def _door(path: str) -> Door | None:
    """The page at this address, if it exists here and the signed-in person may open it."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return None
    requirement = requirement_of(current_app, endpoint)
    if requirement is None or not any(allowed(action) for action in requirement.any_of):
        return None
    return Door(path, path.strip("/").replace("/", "_"))


@blueprint.get("/audit/looks")
@requires("audit")
def looks() -> str:
    who, case_id = request.args.get("who", "").strip()[:64], request.args.get("case", "").strip().upper()[:40]
    since, until = parse_day(request.args.get("since", "")), parse_day(request.args.get("until", ""))
    before, after = request.args.get("before", type=int), request.args.get("after", type=int)
    with reading() as conn:
        people = access_lookup.people_called(conn, who) if who else None
        last = None if until is None else midnight(until + timedelta(days=1))
        asked = Asked(people, case_id, None if since is None else midnight(since), last)
        found = access_lookup.looks(conn, asked, before=before, after=after)
        names = _names(conn, found)
    typed = {"who": who, "case": case_id, "since": since, "until": until}
    narrowed = {name: str(value) for name, value in typed.items() if value}
    return render_template(
        "audit/looks.html", found=found, typed=typed, narrowed=narrowed, names=names, unknown=people == ()
    )


@blueprint.get("/audit/exports")
@requires("audit")
def exports() -> str:
    asked = request.args.get("q", "").strip().lower()[:100]
    before, after = request.args.get("before", type=int), request.args.get("after", type=int)
    with reading() as conn:
        page = export_lookup.exports(conn, before=before, after=after)
        answer = _answer(conn, asked) if asked else None
    return render_template("audit/exports.html", page=page, asked=asked, answer=answer)


@blueprint.post("/audit/exports")
@requires("audit")
def find() -> Response:
    """Which export a file is: its hash is taken and the file forgotten."""
    upload = request.files.get("file")
    with reading() as conn:
        page = export_lookup.exports(conn)
        if upload is None or not upload.filename:
            body = render_template("audit/exports.html", page=page, asked="", answer=None, nothing_sent=True)
            return make_response(body, 422)
        digest = hashlib.sha256()
        with upload.stream:
            while block := upload.stream.read(CHUNK):
                digest.update(block)
        answer = _answer(conn, digest.hexdigest(), upload.filename)
    return make_response(render_template("audit/exports.html", page=page, asked="", answer=answer))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a file. `kind`: key of the sentence, `sha256`: '' when it was asked for by number.

    `attached`: (case, id, name) of attachments with this very content.
    """

    kind: str
    asked: str
    sha256: str
    exports: tuple[Export, ...]
    attached: tuple[tuple[str, str, str], ...] = ()


def _answer(conn: Connection, asked: str, name: str = "") -> Answer:
    """By number (`12`, `第12号`) or by hash, with or without spaces and colons."""
    number = asked.removeprefix("第").removesuffix("号").strip()
    if number.isascii() and number.isdigit() and len(number) < 10:
        export = export_lookup.numbered(conn, int(number))
        return Answer("number" if export else "no_number", number, "", (export,) if export else ())
    sha256 = "".join(asked.split()).replace(":", "").lower()
    if not SHA256.fullmatch(sha256):
        return Answer("unreadable", asked, "", ())
    found = export_lookup.with_hash(conn, sha256)
    attached = export_lookup.attached_with_hash(conn, sha256)
    kind = "found" if found else "attached" if attached else "no_file"
    return Answer(kind, name or sha256, sha256, found, attached)


def _names(conn: Connection, found: access_lookup.LookPage) -> Names:
    groups = {look.by_right.removeprefix("group:") for look in found.looks if look.by_right.startswith("group:")}
    return Names(conn).load({look.on_behalf_of for look in found.looks}, groups)


def by_right(look: access_lookup.Look, names: Names) -> str:
    """Why a person may see the case, in words: `职责：审计管理员`, `承办：耕地保护科`, `承办：办公室（代王芳）`."""
    kind, _, name = look.by_right.partition(":")
    if kind == "role":
        said = t("looks.by_role", role=t(f"role.{name}"))
    elif kind == "group":
        said = t("looks.by_group", group=names.group(name))
    else:
        said = t("looks.by_nothing")
    return said + (t("looks.on_behalf", name=names.person(look.on_behalf_of)) if look.on_behalf_of else "")


def _worded(family: str) -> Callable[[str], str]:
    """A filter: the sentence of the family for a name that other modules made; the name itself when there is none."""

    def word(name: str) -> str:
        key = f"{family}.{name}"
        return t(key) if key in sentences(language()) else name

    return word


def looks_url(case_id: str) -> str:
    """For the case page: who looked at it; '' for whom this is not."""
    return url_for("audit.looks", case=case_id) if allowed("audit") else ""


def _install(app: Flask) -> None:
    app.jinja_env.filters.update(by_right=by_right, look_page=_worded("look"), export_kind=_worded("export.kind"))
    app.jinja_env.globals["looks_url"] = looks_url


blueprint.record_once(lambda state: _install(state.app))  # type: ignore[arg-type]
