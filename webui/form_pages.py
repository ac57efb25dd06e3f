"""Pages around a form of the bundle: what the viewer is given, drafts over it, and the answer to what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, make_response, render_template, request

from engine.domain.codec import JSON
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service.system import new_id

from . import submissions
from .catalogue import t
from .guards import current_actor, reading, services
from .names import Names
from .submissions import Sent


@dataclass(frozen=True, slots=True)
class FormPage:
    """What templates/work/form.html draws. `schema` None: nothing to fill in, only buttons.

    `faults`: data path -> sentences; `files`: reference -> names of files the server holds; `kept`: the same, sealed.
    `restored`: when the draft that is shown was saved, or None.
    """

    schema: Mapping[str, JSON] | None
    data: Mapping[str, JSON]
    command_id: str
    autosave: str
    faults: Mapping[str, list[str]]
    files: Mapping[str, list[dict[str, JSON]]]
    kept: str
    restored: datetime | None = None


def fresh(
    schema: Mapping[str, JSON] | None, data: Mapping[str, JSON], form: str, autosave: str, *, of: str = ""
) -> FormPage:
    """The form as it is first shown, with a draft over the case's data.

    `form`: the draft's name in Drafts, '' for none; `of`: whose, the signed-in person's by default.
    """
    user_id = of or current_actor().user_id
    draft = services().drafts.get(user_id, form) if schema is not None and form else None
    if draft is None:
        return FormPage(schema, data, new_id(), autosave, {}, {}, "")
    return _over(schema, data, draft.values, draft.files, autosave, restored=draft.saved_at)


def filled(
    schema: Mapping[str, JSON] | None,
    data: Mapping[str, JSON],
    typed: Mapping[str, JSON],
    files: Mapping[str, list[submissions.Facts]],
) -> FormPage:
    """The form with values over its data, and files that the server holds, for the person to look over; no draft."""
    return _over(schema, data, typed, files, "")


def again(
    schema: Mapping[str, JSON] | None, data: Mapping[str, JSON], sent: Sent, rejection: Rejection, autosave: str
) -> FormPage:
    """The form with what was typed and why it was refused; files that arrived are kept."""
    faults: dict[str, list[str]] = {}
    for fault in rejection.fields:
        faults.setdefault(fault.path, []).append(t(fault.key, **fault.params))
    if not faults:
        faults[""] = [t(rejection.key, **rejection.details)]
    return _over(schema, data, sent.values, sent.files, autosave, faults=faults)


def _over(
    schema: Mapping[str, JSON] | None,
    data: Mapping[str, JSON],
    typed: Mapping[str, JSON],
    files: Mapping[str, list[submissions.Facts]],
    autosave: str,
    *,
    faults: Mapping[str, list[str]] | None = None,
    restored: datetime | None = None,
) -> FormPage:
    shown = _shown_only(schema)
    return FormPage(
        schema,
        {**data, **{name: value for name, value in typed.items() if name not in shown}},
        new_id(),
        autosave,
        faults or {},
        {reference: [{"name": fact["name"]} for fact in facts] for reference, facts in files.items()},
        submissions.sealed(files, current_actor().user_id),
        restored,
    )


def components(schema: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The components whose keys are names of the form's own data: those in groups too, those in list rows not."""
    for component in (schema or {}).get("components") or ():
        yield component
        if component.get("type") == "group" and not component.get("path"):
            yield from components(component)


def _shown_only(schema: Mapping[str, Any] | None) -> set[str]:
    """Names of fields that the form shows and does not ask: the case's value counts, not what a draft remembers."""
    shown = (one for one in components(schema) if one.get("readonly") is True or one.get("disabled"))
    return {str(one.get("key") or "").partition(".")[0] for one in shown}


def save_draft(form: str) -> Response:
    """Keeps what is typed so far: 204, or 422 when it is too much. The caller has checked the access."""
    user_id = current_actor().user_id
    sent = submissions.read(request, None, user_id, uploads=False)
    if sent.faults:
        return make_response("", 422)
    outcome = services().drafts.put(user_id, form, sent.values, sent.files)
    return make_response("", 422 if isinstance(outcome, Rejection) else 204)


def keep_as_draft(form: str, sent: Sent) -> bool:
    """What was typed outlives a conflict; whether it was kept."""
    if not sent.values:
        return False
    return not isinstance(services().drafts.put(current_actor().user_id, form, sent.values, sent.files), Rejection)


def refused(
    rejection: Rejection, *, case_id: str = "", back: str = "", explained: str = "", kept: bool = False
) -> Response:
    """The page for a refusal that no field can carry: what happened, who did it, where to go on.

    `kept`: what was typed is in a draft.
    """
    with reading() as conn:
        sentence = explained or Names(conn).sentence(rejection)
    status = HTTP_STATUS[rejection.code]
    body = render_template(
        "work/refused.html",
        title=t(f"error.{status}.title"),
        sentence=sentence,
        case_id=case_id if rejection.code != "not_found" else "",
        back=back,
        kept=kept,
    )
    return make_response(body, status)
