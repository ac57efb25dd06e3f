"""录入信息: by hand, from a call to the hotline, or from a page in the browser (bookmarklet)."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import FieldFault, Rejection
from engine.service import item_fields, items
from engine.service.item_fields import NewItem
from engine.service.items import Item

from . import item_words, submissions
from . import items as item_pages
from .catalogue import t
from .formats import local
from .guards import allowed, current_actor, reading, requires, services, writing

blueprint = Blueprint("item_entry", __name__)

WAYS: Final = {"hotline": "hotline", "page": "bookmarklet"}
"""`kind` of the page -> route of the items entered there; by hand for every other."""
BOOKMARK: Final = (
    "javascript:(()=>{const s=String(getSelection()).slice(0,5000);open(TARGET+'#'+encodeURIComponent(JSON.stringify("
    "{title:document.title.slice(0,200),url:location.href.slice(0,1000),body:s})),'_blank','noopener')})()"
)
"""It runs on the page that is looked at; the policy of our own pages lets no such address run."""
FILES: Final = "files"
MOST_FILES: Final = 10


@blueprint.get("/items/new")
@requires("add_item")
def new() -> Response:
    now = local(services().clock.now()).strftime("%Y-%m-%d %H:%M")
    typed = {"discovered_at": now, "source_type": "hotline" if _kind() == "hotline" else ""}
    if _kind() == "hotline":
        typed |= {"source_name": t("item.hotline_name"), "published_at": now}
    return _page(typed, {}, {})


@blueprint.post("/items/new")
@requires("add_item")
def add() -> Response:
    actor, kind = current_actor(), _kind()
    typed = {name: request.form.get(name, "") for name in item_fields.FIELDS}
    files, faults = _files()
    checked = item_fields.checked(
        typed, services().clock.now(), route=WAYS.get(kind, "manual"), entered_by=actor.user_id, unit=actor.unit
    )
    if isinstance(checked, Rejection):
        faults = [*checked.fields, *faults]
    if kind == "hotline" and not typed["contact"].strip() and typed["callback"]:
        faults.append(FieldFault("contact", "item.fault.no_number"))
    if faults or isinstance(checked, Rejection):
        return _page(typed, {fault.path: t(fault.key, **fault.params) for fault in faults}, files)
    return _keep(checked, files)


@blueprint.get("/items/bookmarklet")
@requires("add_item")
def bookmarklet() -> str:
    """A page with the bookmark that opens the entry form with title, address and selected text of any page. They come
    behind the #, which no browser sends to a server: they are in no log."""
    target = services().settings.url + url_for("item_entry.new", kind="page")
    return render_template("items/bookmarklet.html", code=BOOKMARK.replace("TARGET", json.dumps(target)))


def _keep(checked: NewItem, files: dict[str, list[submissions.Facts]]) -> Response:
    parent = _parent()
    kept = files.get(FILES, [])
    made = NewItem(**{**_values(checked), "parent_id": parent.item_id if parent else None, "attachments": tuple(kept)})
    with writing() as conn:
        added = items.add(conn, services().clock.now(), made)
        if not added.repeated:
            items.ask_for_triage(services(), conn)
        seen = items.get(conn, added.item_id)
    assert seen is not None
    if not added.repeated:
        flash(t("item.done.added", item=added.item_id), "success")
    else:
        flash(t("item.done.repeated", item=added.item_id), "warning")
    visible = allowed("view_items") and items.visible(seen, current_actor())
    return redirect(url_for("items.show", item_id=added.item_id) if visible else url_for("items.index"), 303)


def _values(new: NewItem) -> dict[str, Any]:
    return {name: getattr(new, name) for name in NewItem.__dataclass_fields__}


def _files() -> tuple[dict[str, list[submissions.Facts]], list[FieldFault]]:
    """Files that came now, with those of an earlier try, and what was refused of them."""
    kept = submissions.unsealed(request.form.get("kept", ""), current_actor().user_id)
    files = {FILES: list(kept.get(FILES, []))}
    faults: list[FieldFault] = []
    for upload in request.files.getlist(FILES):
        if not upload.filename:
            continue
        if len(files[FILES]) >= MOST_FILES:
            faults.append(FieldFault(FILES, "file.too_many", {"limit": MOST_FILES}))
            break
        saved = services().files.save(upload.stream, upload.filename)
        if isinstance(saved, Rejection):
            faults.append(FieldFault(FILES, saved.key, saved.details))
        else:
            files[FILES].append(saved)
    return files, faults


def _kind() -> str:
    kind = request.args.get("kind", "")
    return kind if kind in WAYS else ""


def _parent() -> Item | None:
    """The item that is commented on, as the address says; the request ends for one that may not be seen."""
    number = request.args.get("parent", 0, type=int)
    if not number:
        return None
    with reading() as conn:
        return item_pages.seen(conn, number)


def _page(typed: dict[str, str], faults: dict[str, str], files: dict[str, list[submissions.Facts]]) -> Response:
    body = render_template(
        "items/new.html",
        kind=_kind(),
        parent=_parent(),
        typed=typed,
        faults=faults,
        files=files.get(FILES, []),
        kept=submissions.sealed(files, current_actor().user_id) if files.get(FILES) else "",
        source_types=item_words.source_types(),
        kinds=item_words.kinds(),
        districts=[(one, one) for one in item_words.districts()],
        megabytes=services().settings.upload_max_bytes // 1024 // 1024,
    )
    return make_response(body, 422 if faults else 200)
