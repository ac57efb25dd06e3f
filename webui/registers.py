"""台账: the office's registers, one form for all; what of them belongs to a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.codec import JSON, instant_text
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import promises, register_records, task_forces
from engine.service.register_records import Record
from engine.service.registers import APART, OF_CASES, REGISTERS, Register

from . import case_page, errors, patrol_coverage
from .admin import faults_of
from .catalogue import t
from .formats import local, minute, parse_local
from .guards import current_actor, reading, requires, services
from .names import Names
from .pickers import picker

blueprint = Blueprint("registers", __name__)

LISTS: Final = frozenset({"choices", "people", "units"})


@blueprint.get("/registers")
@requires("view_registers")
def patrols() -> Response:
    return _list(named("patrol"))


@blueprint.get("/registers/<register>")
@requires("view_registers")
def show(register: str) -> Response:
    return _list(named(register))


@blueprint.post("/registers/<register>")
@requires("log_patrol", "keep_registers")
def add(register: str) -> Response:
    chosen = named(register)
    if chosen.of_case:
        abort(404)
    typed = _typed(chosen)
    made = register_records.add(services(), current_actor(), register, typed)
    if isinstance(made, Rejection):
        return _refused(made) or _list(chosen, typed, made)
    flash(t("register.kept"), "success")
    return redirect(url_for("registers.show", register=register), 303)


@blueprint.get("/registers/<register>/<int:subject>")
@requires("view_registers")
def record(register: str, subject: int) -> Response:
    return _record(named(register), subject)


@blueprint.post("/registers/<register>/<int:subject>")
@requires("keep_registers")
def amend(register: str, subject: int) -> Response:
    chosen = named(register)
    with reading() as conn:
        before = register_records.current(conn, register, subject)
    if before is None:
        abort(404)
    typed = _typed(chosen)
    made = register_records.add(services(), current_actor(), register, typed, case_id=before.case_id, subject=subject)
    if isinstance(made, Rejection):
        return _refused(made) or _record(chosen, subject, typed, made)
    _told(chosen, made)
    return redirect(url_for("registers.record", register=register, subject=subject), 303)


@blueprint.get("/cases/<case_id>/registers")
@requires("view_case")
def of_case(case_id: str) -> Response:
    return _of_case(case_id)


@blueprint.post("/cases/<case_id>/registers/<register>")
@requires("keep_registers", "judge_case")
def add_of_case(case_id: str, register: str) -> Response:
    chosen = named(register)
    typed = _typed(chosen)
    made = register_records.add(services(), current_actor(), register, typed, case_id=case_id)
    if isinstance(made, Rejection):
        return _refused(made) or _of_case(case_id, chosen, typed, made)
    _told(chosen, made)
    return redirect(url_for("registers.of_case", case_id=case_id, _anchor=register), 303)


@blueprint.get("/registers/patrol/coverage")
@requires("view_registers")
def coverage() -> str:
    """R23: which unit looked at which sources, day by day, and where nobody looked."""
    return render_template("registers/coverage.html", shown=patrol_coverage.of(request.args), planned=_planned())


def _planned() -> Sequence[str]:
    """Times of day at which the office patrols, from the profile (R18)."""
    try:
        found = services().deployments.bundle().regulation.get("patrol_times")
    except KeyError:
        return ()
    return [str(one) for one in found] if isinstance(found, list) else ()


# -- pages --------------------------------------------------------------------------------------------------------
def named(name: str) -> Register:
    """The register, or the end of the request: 404 for none and for one that the person may not see."""
    register = REGISTERS.get(name)
    if register is None or name in APART or not may(current_actor(), register.see):
        abort(404)
    return register


def _told(register: Register, made: Record) -> None:
    """Says that a record is kept, after whom it names has got his copy of the case; else the worker sends it."""
    late = register.gives_access and not task_forces.given(services(), made.subject)
    flash(t("register.access_later" if late else "register.kept"), "warning" if late else "success")


def _refused(rejection: Rejection) -> Response | None:
    """The page of a refusal that no field can carry."""
    return None if rejection.fields else make_response(errors.rejected(rejection))


def _list(register: Register, typed: Mapping[str, JSON] | None = None, refused: Rejection | None = None) -> Response:
    actor, unit = current_actor(), unit_shown(register)
    page = max(1, request.args.get("page", 1, type=int))
    late = register.name == promises.REGISTER and bool(request.args.get("overdue"))
    with reading() as conn:
        where = promises.conditions(conn, _today()) if late else ()
        rows, pages = register_records.listed(conn, register.name, page, unit=unit, where=where)
        shown = _shown(conn, rows)
    body = render_template(
        "registers/list.html",
        register=register,
        offered=_offered(),
        rows=rows,
        pages=pages,
        page=page,
        page_url=lambda number: url_for(
            "registers.show", register=register.name, page=number, overdue=1 if late else None
        ),
        filters=register.name == promises.REGISTER,
        late=late,
        may_add=not register.of_case and bool(may(actor, register.add)),
        typed=_again(register, typed),
        faults=faults_of(refused),
        **shown,
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def unit_shown(register: Register) -> str:
    """The unit whose records of a register the person may list, "" for all of them; 404 for none at all."""
    actor = current_actor()
    if may(actor, "view_all_cases"):
        return ""
    if register.of_case:
        abort(404)
    # Patrols of other units are nobody's business but the office's, the leaders' and the auditor's.
    return actor.unit if register.name == "patrol" else ""


def _record(
    register: Register, subject: int, typed: Mapping[str, JSON] | None = None, refused: Rejection | None = None
) -> Response:
    actor = current_actor()
    with reading() as conn:
        records = register_records.history(conn, register.name, subject)
        if not records:
            abort(404)
        if records[0].case_id:
            case_page.visible(conn, records[0].case_id)
        elif register.name == "patrol" and records[0].unit_id != actor.unit and not may(actor, "view_all_cases"):
            abort(404)
        shown = _shown(conn, records)
    body = render_template(
        "registers/record.html",
        register=register,
        records=records[::-1],
        may_add=register.amends and bool(may(actor, register.add)),
        typed=_again(register, typed if typed is not None else records[-1].values),
        faults=faults_of(refused),
        **shown,
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def _of_case(
    case_id: str,
    wrong: Register | None = None,
    typed: Mapping[str, JSON] | None = None,
    refused: Rejection | None = None,
) -> Response:
    actor = current_actor()
    addable = {name for name in OF_CASES if may(actor, REGISTERS[name].add)}
    with reading() as conn:
        head = case_page.head(conn, case_id)
        found = register_records.of_case(conn, case_id)
        shown = _shown(conn, [one for records in found.values() for one in records])
        shown["names"].load([head.case.opened_by])
    begun = _promise(case_id, found) if promises.REGISTER in addable and head.imported is None else {}
    again = {name: typed if wrong and wrong.name == name else None for name in OF_CASES}
    if begun and again[promises.REGISTER] is None:
        again[promises.REGISTER] = begun
    body = render_template(
        "registers/case.html",
        head=head,
        tab="registers",
        tabs=case_page.TABS,
        at=services().clock.now(),
        command_id="",
        registers=[REGISTERS[name] for name in OF_CASES],
        found=found,
        addable=addable,
        begun=promises.REGISTER if begun else "",
        wrong=wrong.name if wrong else "",
        typed={name: _again(REGISTERS[name], again[name]) for name in OF_CASES},
        faults=faults_of(refused),
        own=None,
        **shown,
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def _promise(case_id: str, found: Mapping[str, list[Record]]) -> Mapping[str, JSON]:
    """What the published reply promised, for the form; {} when it promised nothing, or it is in the register."""
    said = promises.published(services(), case_id)
    return {} if said and promises.is_kept(said, found.get(promises.REGISTER, ())) else said


def _offered() -> list[Register]:
    """Registers of the office's own pages that the person may see."""
    actor = current_actor()
    whole = bool(may(actor, "view_all_cases"))
    return [
        one
        for one in REGISTERS.values()
        if one.name not in APART and may(actor, one.see) and (whole or not one.of_case)
    ]


def _shown(conn: Connection, rows: Iterable[Record]) -> dict[str, Any]:
    """Names for what the rows tell of, and what the form offers."""
    names = names_in(conn, rows)
    day = _today()
    return {
        "names": names,
        "said": lambda record, field: said(record, field, names),
        "overdue": lambda record: promises.overdue(record, day),
        "picker": picker(conn, ""),
    }


def _today() -> date:
    return promises.today(services().clock.now())


def names_in(conn: Connection, rows: Iterable[Record]) -> Names:
    """Names of the people and units that the rows tell of."""
    logins: set[str] = set()
    groups: set[str] = set()
    for one in rows:
        logins.add(one.by_user)
        groups |= {f"unit:{unit}" for unit in (one.unit_id, *one.values.get("units", ())) if unit}
        for field in REGISTERS[one.register].fields:
            value = one.values.get(field.name)
            if value and field.kind in ("person", "people"):
                logins |= {value} if isinstance(value, str) else set(value)
    return Names(conn).load(logins, groups)


def said(record: Record, name: str, names: Names) -> str:
    """A field's value for people."""
    register = REGISTERS[record.register]
    field, value = register.field(name), record.values.get(name)
    if value in (None, "", []):
        return ""
    if field.kind == "instant":
        return minute(value)
    if field.kind == "person":
        return names.person(value)
    if field.kind == "lines":
        return "；".join(value)
    if field.kind == "people":
        return "、".join(names.person(one) for one in value)
    if field.kind == "units":
        return "、".join(names.unit(one) for one in value)
    if field.kind in ("choice", "choices"):
        return "、".join(option(register.name, name, one) for one in ([value] if isinstance(value, str) else value))
    return str(value)


def option(register: str, field: str, value: str) -> str:
    """What people call an allowed value."""
    return t(f"item.source.{value}" if field == "sources" else f"register.{register}.{field}.{value}")


def _typed(register: Register) -> dict[str, JSON]:
    """The form as it was sent; instants read in Asia/Shanghai."""
    found: dict[str, JSON] = {}
    for field in register.fields:
        if field.kind in LISTS:
            found[field.name] = list(request.form.getlist(field.name))
            continue
        text = request.form.get(field.name, "").replace("\r\n", "\n").strip()[: field.most + 1]
        at = parse_local(text) if field.kind == "instant" and text else None
        found[field.name] = instant_text(at) if at is not None else text
    return found


def _again(register: Register, values: Mapping[str, JSON] | None) -> dict[str, JSON]:
    """Values for the form's inputs; a new patrol begins with the present quarter of an hour."""
    if values is None:
        now = services().clock.now()
        values = {"began_at": instant_text(now - timedelta(minutes=15)), "ended_at": instant_text(now)}
        values = values if register.name == "patrol" else {}
    return {
        field.name: _input(values.get(field.name)) if field.kind == "instant" else values.get(field.name, "")
        for field in register.fields
    }


def _input(value: JSON) -> str:
    """An instant as a datetime-local field wants it; what could not be read as it was typed."""
    if not isinstance(value, str) or not value:
        return ""
    try:
        return f"{local(value):%Y-%m-%dT%H:%M}"
    except ValueError:
        return value


def install_option(app: Any) -> None:
    app.jinja_env.globals["register_option"] = option


blueprint.record_once(lambda state: install_option(state.app))
