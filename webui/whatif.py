"""试算: past cases run over a draft or another version; the list of what would have gone otherwise; side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service import long_jobs, people, whatif, whatif_labels, whatif_replay, whatif_simulation
from engine.service.bundle_draft_tables import LISTED
from engine.service.replays import diagrams, moved_in

from . import replay, sample
from .case_words import said
from .catalogue import t
from .guards import current_actor, reading, requires, services, writing
from .names import Names

blueprint = Blueprint("whatif", __name__, url_prefix="/whatif")
SIZES: Final = {"100": 100, "1000": 1_000, "10000": 10_000}
"""Choices of "only the newest so many"."""
GONE: Final = "task.gone"
"""Why a recorded step is refused where the case has not come to it; people are told to look at their inbox again."""
PEOPLE: Final = "people"
"""Reason of a case in which a step went to others; its blanks hold groups."""


@blueprint.get("")
@requires("view_bundles")
def index() -> Response:
    return _index(sample.read(request.args, {}), {})


@blueprint.post("")
@requires("deploy_bundle")
def start() -> Response:
    """Begins a run over recorded cases."""
    with reading() as conn:
        units = {unit.unit_id for unit in people.all_units(conn)}
        limits = dict(whatif_labels.limits(conn))
    known = {"grade": sample.GRADES, "unit": units, "status": sample.STATUSES, "limit": limits, "most": SIZES}
    asked = sample.read(request.form, known)
    if asked.faults:
        return _index(asked, asked.faults, 422)
    found = whatif.candidate(services(), _name())
    if isinstance(found, Rejection):
        return _index(asked, {"to": said(found.key, found.details)}, _status(found))
    with writing() as conn:
        run = whatif.start(services(), conn, current_actor().user_id, *found, {**asked.filters, whatif.OF: _name()})
    return redirect(url_for("whatif.show", run=run), 303)


@blueprint.post("/simulation")
@requires("deploy_bundle")
def simulate() -> Response:
    """Begins a simulation of new cases on the candidate and the live version."""
    known = {"days": whatif_simulation.DAYS, "size": whatif_simulation.SIZES}
    asked = sample.read(request.form, known)
    if asked.faults or not asked.typed["days"] or not asked.typed["size"]:
        return _index(asked, asked.faults or {"days": t("sample.unknown")}, 422)
    found = whatif.candidate(services(), _name())
    if isinstance(found, Rejection):
        return _index(asked, {"to": said(found.key, found.details)}, _status(found))
    with writing() as conn:
        filters = {**asked.filters, whatif.OF: _name()}
        run = whatif_simulation.start(services(), conn, current_actor().user_id, *found, filters)
    return redirect(url_for("whatif.show", run=run), 303)


@blueprint.get("/<run>")
@requires("view_bundles")
def show(run: str) -> str:
    found = _run(run)
    asked = {name: request.args.get(name, "") for name in ("verdict", "grade", "unit")}
    page = request.args.get("page", "1")
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    with reading() as conn:
        verdict = asked["verdict"] if asked["verdict"] in whatif.VERDICTS else ""
        rows, pages = whatif.listed(conn, run, verdict, asked["grade"], asked["unit"], number)
        names = Names(conn).load([found.actor], ["unit:x", *(one for row in rows for one in _asked_of(row))])
        limits = dict(whatif_labels.limits(conn))
    labels = _labels(found)
    return render_template(
        "whatif/simulated.html" if found.kind == whatif_simulation.SIMULATED else "whatif/show.html",
        run=found,
        job=found.job,
        asked=asked,
        rows=rows,
        pages=pages,
        page=min(max(number, 1), pages),
        paged=lambda to: url_for("whatif.show", run=run, **{**asked, "page": to}),
        narrowed=lambda **change: url_for("whatif.show", run=run, **{**asked, **change}),
        verdicts=whatif.VERDICTS,
        names=names,
        limits=limits,
        asked_for=sample.worded(found.filters, names.units, limits),
        why=lambda row: why(row.outcome, labels, limits, names),
        **_draft_of(found),
    )


def _draft_of(run: whatif.Run) -> dict[str, Any]:
    """`draft`: what was tried out, where it is a draft that is still worked on, else None; `moved_on`: it was changed
    since."""
    kind, _, draft_id = str(run.filters.get(whatif.OF, "")).partition(":")
    draft = services().bundle_drafts.get(draft_id) if kind == "draft" else None
    if draft is None or draft.state not in LISTED:
        return {"draft": None, "moved_on": False}
    same = services().deployments.alike(run.version, services().bundle_drafts.files(draft_id))
    return {"draft": draft, "moved_on": not same}


@blueprint.get("/<run>/progress")
@requires("view_bundles", keeps_alive=False)
def progress(run: str) -> Response:
    """The bar; the page asks for it every second, and is loaded anew when the work is over."""
    found = _run(run)
    response = make_response(render_template("whatif/progress.html", run=found, job=found.job))
    if not found.under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.post("/<run>/cancel")
@requires("deploy_bundle")
def cancel(run: str) -> Response:
    found = _run(run)
    if found.job is not None:
        with writing() as conn:
            long_jobs.cancel(services(), conn, found.job.id)
    return redirect(url_for("whatif.show", run=run), 303)


@blueprint.get("/<run>/cases/<case_id>")
@requires("view_bundles")
def side_by_side(run: str, case_id: str) -> str:
    """Recorded and candidate, act by act. Ways, tasks and limits are shown, not what people filled in: who may choose
    a version need not be one who may read the case (R71)."""
    found = _run(run)
    with reading() as conn:
        row = whatif.case(conn, run, case_id)
    both = whatif_replay.pair(services(), found, case_id) if row is not None else None
    if row is None or both is None:
        abort(404)
    asked = request.args.get("act", "")
    # Where only the people are others the ways are the same; the run says at which entry.
    first = both.first_difference or next((n for n, act in enumerate(both.acts, 1) if act.seq == row.step), 0)
    wanted = int(asked) if asked.isdecimal() and len(asked) < 6 else first or 1
    place = min(max(wanted, 1), len(both.acts))
    labels = _labels(found)
    with reading() as conn:
        limits = dict(whatif_labels.limits(conn))
        names = Names(conn).load((), ["unit:x", *_asked_of(row)])
        sides = [_side(both.then, both.acts, place, "then", names), _side(both.now, both.acts, place, "now", names)]
    return render_template(
        "whatif/case.html",
        run=found,
        row=row,
        both=both,
        place=place,
        sides=sides,
        acts=[_act(both, act, labels) for act in both.acts],
        first=first,
        names=names,
        why=why(row.outcome, labels, limits, names),
    )


def _side(side: Any, acts: Any, place: int, which: str, names: Names) -> dict[str, Any] | None:
    """One side as it stood after an act: its last step up to there, drawn. None before it has any."""
    steps = [step for act in acts[:place] for step in getattr(act, which)]
    if not steps:
        return None
    frame = side.frames[steps[-1] - 1]
    drawn = diagrams(side, steps[-1])
    moved = moved_in(drawn, frame)
    shown = next(one for one in drawn if one.scope == moved)
    drawing = replay.drawing(shown, frame, names, lambda scope: "")
    return {"which": which, "frame": frame, "drawing": {**drawing, "links": {}}, "at": frame.entry.at}


def _act(both: whatif_replay.Pair, act: whatif_replay.Act, labels: Mapping[str, str]) -> dict[str, Any]:
    """A row of the list: who did what, and where it led on either side."""
    first = both.then.frames[act.then[0] - 1] if act.then else both.now.frames[act.now[0] - 1]
    command = first.entry.command
    element = whatif_labels.element_of(command)
    return {
        "same": act.same,
        "at": act.at,
        "title": labels.get(element, element) if element else t("whatif.act." + whatif_labels.kind_of(command)),
        "then": _led_to(both.then, act.then, labels),
        "now": _led_to(both.now, act.now, labels),
    }


def _led_to(side: Any, steps: Any, labels: Mapping[str, str]) -> dict[str, list[str]]:
    frames = [side.frames[step - 1] for step in steps]
    # What nobody has named is of use to who draws, not to who reads.
    entered = [
        element
        for frame in frames
        for _, element, action in frame.steps
        if action == "entered" and labels.get(element, element) != element
    ]
    broken = [str(event["element"]) for frame in frames for event in frame.breaches]
    return {
        "ways": list(dict.fromkeys(labels.get(one, one) for one in entered)),
        "broken": list(dict.fromkeys(labels.get(one, one) for one in broken)),
    }


def why(outcome: Mapping[str, Any], labels: Mapping[str, str], limits: Mapping[str, str], names: Names) -> list[str]:
    """The sentences about one case: limits, where the way parts and why, where it can't go on."""
    found = []
    for side in ("would", "spared"):
        kinds = list(dict.fromkeys(limits.get(one["limit"], one["limit"]) for one in outcome[side]))
        if kinds:
            found.append(t(f"whatif.{side}", limits="、".join(kinds)))
    params = outcome["params"]
    if outcome["reason"]:
        named: dict[str, Any] = {"seq": outcome["step"], "element": "", "then": "", "now": ""}
        for name, value in params.items():
            several = value if isinstance(value, list) else [value]
            if outcome["reason"] == PEOPLE and name != "element":
                texts = [names.group(str(one)) for one in several]
            else:
                texts = [
                    labels.get(str(one), str(one)) if name == "element" or value is several else one for one in several
                ]
            named[name] = "、".join(str(one) for one in texts) or t("whatif.nowhere")
        found.append(t(f"whatif.reason.{outcome['reason']}", **named))
    stuck = outcome["stuck"]
    if stuck:
        element = str(stuck["params"].get("element", ""))
        key = str(stuck["params"].get("reason", stuck["key"]))
        reason = t("whatif.not_come_to") if key == GONE else said(key, stuck["params"])
        found.append(t("whatif.stuck", seq=stuck["seq"], element=labels.get(element, element), reason=reason))
    return found


def _asked_of(row: whatif.RunCase) -> list[str]:
    """Groups that the reason of a case names, for their names."""
    params = row.outcome["params"] if row.outcome["reason"] == PEOPLE else {}
    return [str(one) for side in ("then", "now") for one in params.get(side, [])]


def _labels(run: whatif.Run) -> Mapping[str, str]:
    """What the elements are called, on either version; the candidate's name first."""
    return whatif_labels.elements(services(), (run.live, run.version))


def _run(run: str) -> whatif.Run:
    with reading() as conn:
        found = whatif.get(conn, run)
    if found is None:
        abort(404)
    return found


def _name() -> str:
    return request.values.get("to", "").strip()[:100]


def _status(refused: Rejection) -> int:
    return 422 if refused.code == "not_found" else HTTP_STATUS[refused.code]


def _choices() -> list[tuple[str, str]]:
    """What can be tried out: open drafts, then deployed versions."""
    drafts = [(f"draft:{one.draft_id}", t("whatif.draft", title=one.title)) for one in services().bundle_drafts.all()]
    versions: dict[str, str] = {}
    for one in services().deployments.history():
        versions.setdefault(one.version, t("performance.version", number=one.number, version=one.version[:8]))
    return drafts + list(versions.items())


def _index(asked: sample.Sample, faults: Mapping[str, str], status: int = 200) -> Response:
    choices, wanted = _choices(), _name()
    if wanted and wanted not in dict(choices):
        longer = [value for value, _ in choices if value.startswith(wanted)]
        if longer:
            wanted = longer[0]
        else:
            choices.insert(0, (wanted, wanted))
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
        done = whatif.newest(conn)
        names = Names(conn).load(run.actor for run in done)
        limits = whatif_labels.limits(conn)
    body = render_template(
        "whatif/index.html",
        choices=choices,
        wanted=wanted,
        units=units,
        limits=limits,
        grades=sample.GRADES,
        statuses=sample.STATUSES,
        sizes=SIZES,
        days=whatif_simulation.DAYS,
        volumes=whatif_simulation.SIZES,
        asked=asked.typed,
        faults=faults,
        done=done,
        names=names,
        owner=bool(may(current_actor(), "deploy_bundle")),
    )
    return make_response(body, status)
