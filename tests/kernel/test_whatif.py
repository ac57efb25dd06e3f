"""What-if: the same version changes nothing, other ones are told truly, and the short cut never says otherwise."""

import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.definitions.bundle import read_bundle
from engine.domain.commands import MigrateCase, SubmitTask
from engine.kernel import unaffected
from engine.kernel.compile import compile_bundle
from engine.kernel.unaffected import Changes, changes
from engine.kernel.whatif import what_if
from tests.kernel.test_migrate import diagram
from tests.support.diagrams import Run, Scope, bundle_of, timer
from tests.support.random_diagrams import random_run, random_step

RUNS = 100
LONG_RUNS = 3_000
TIMER = re.compile(r"(<bpmn:time(?:Duration|Date)>)PT(\d)H(</)")


def walked(seed: int) -> Run:
    """A random case of a random diagram, some way along."""
    chance = random.Random(seed)
    run = random_run(seed)
    for _ in range(chance.randrange(1, 12)):
        if run.case.status == "open":
            random_step(run, chance)
    return run


def edited(run: Run, chance: random.Random) -> str:
    """Learns a version with one thing changed, and returns it: a timer's length, a condition, a script or a form."""
    text = run.bundle.files["bpmn/test.bpmn"].decode()
    kind = chance.choice(["timer", "timer", "condition", "script"])
    spots = {
        "timer": list(TIMER.finditer(text)),
        "condition": list(re.finditer(r"(\+ )(\d)(, \d\) = 0</)", text)),
        "script": list(re.finditer(r"(then )(\d+)( else)", text)),
    }[kind]
    if spots:
        spot = chance.choice(spots)
        other = f"PT{chance.choice([20, 240, 600])}M" if kind == "timer" else str(int(spot[2]) + 1)
        text = text[: spot.start()] + spot[1] + other + spot[3] + text[spot.end() :]
    other_bundle = read_bundle({"bpmn/test.bpmn": text.replace("</bpmn:definitions>", "<!-- 2 --></bpmn:def"
                                                               "initions>").encode()})  # fmt: skip
    return run.learn(compile_bundle(other_bundle), other_bundle)


def test_a_case_goes_the_same_way_on_its_own_version():
    for seed in range(RUNS):
        run = walked(seed)

        outcome = what_if(run.entries, run.load, run.bundle.version, run.at)

        assert (outcome.verdict, outcome.step, outcome.spared) == ("same", 0, ()), f"seed {seed}: {outcome}"
        assert outcome.carried_out


def compare_short_cut(seed: int, weaken=None) -> bool:
    """Whether the short cut took the case for untouched. Carried out from end to end, it must come to the same."""
    chance = random.Random(seed)
    run = walked(seed)
    version = edited(run, chance)
    made = changes(run.load(run.entries[0].bundle), run.load(version))
    if weaken is not None:
        made = weaken(made)
    quick = what_if(run.entries, run.load, version, run.at, made)
    full = what_if(run.entries, run.load, version, run.at)
    assert replace(quick, carried_out=True) == full, f"seed {seed}: {quick} {full}"
    return not quick.carried_out


def test_what_the_short_cut_takes_for_untouched_goes_the_same_way_when_carried_out():
    untouched = sum(compare_short_cut(seed) for seed in range(RUNS))

    assert RUNS // 10 < untouched < RUNS


@pytest.mark.long
def test_the_short_cut_holds_for_thousands_of_random_cases():
    assert sum(compare_short_cut(seed) for seed in range(LONG_RUNS)) > LONG_RUNS // 10


def test_a_short_cut_that_overlooks_changed_elements_is_found_out():
    with pytest.raises(AssertionError, match="seed"):
        for seed in range(RUNS):
            compare_short_cut(seed, lambda made: replace(made, elements=set()))


def test_a_short_cut_that_overlooks_the_length_of_timers_is_found_out(monkeypatch):
    monkeypatch.setattr(unaffected, "_shift", lambda *_: timedelta(0))

    with pytest.raises(AssertionError, match="seed"):
        for seed in range(4 * RUNS):
            compare_short_cut(seed)


def limited(hours: int) -> tuple:
    """A task with a limit that breaks; whoever is told afterwards has a task of his own."""
    s = Scope()
    s.chain(s.start(), s.user("work"), s.end())
    known = {"limit": "eight_hours", "breach": "true", "unit": '="gengbao"'}
    s.chain(
        s.boundary("late", "work", timer("duration", f"PT{hours}H"), False, properties=known),
        s.user("explain"),
        s.end("end2"),
    )
    return bundle_of(p=s)


def after(hours: float, drawn: int = 8) -> Run:
    """A case whose work was done so many hours after it began."""
    run = Run(*limited(drawn))
    run.at += timedelta(hours=hours)
    run.do(SubmitTask("work#1", {}))
    return run


@pytest.mark.parametrize(
    ("hours", "drawn", "verdict", "would", "spared"),
    [(5, 6, "same", [], []), (7, 6, "breach", ["eight_hours"], []), (9, 6, "same", [], []),
     (9, 10, "other", [], ["eight_hours"]), (6, 6, "breach", ["eight_hours"], [])],
)  # fmt: skip
def test_a_limit_drawn_shorter_or_longer_is_broken_or_kept_as_its_hours_say(hours, drawn, verdict, would, spared):
    run = after(hours)
    version = run.learn(*limited(drawn))

    outcome = what_if(run.entries, run.load, version, run.at)
    quick = what_if(run.entries, run.load, version, run.at, changes(run.load(run.bundle.version), run.load(version)))

    assert outcome.verdict == verdict
    assert ([one.limit for one in outcome.would], [one.limit for one in outcome.spared]) == (would, spared)
    assert replace(quick, carried_out=True) == outcome


def test_a_timer_that_fires_only_on_the_other_version_is_the_reason_told():
    run = after(7)

    outcome = what_if(run.entries, run.load, run.learn(*limited(6)), run.at)

    assert (outcome.step, outcome.reason, dict(outcome.params)) == (1, "timer_only_there", {"element": "late"})
    assert outcome.would[0].unit == "gengbao"


def test_the_timer_of_the_other_version_fires_at_its_own_due_even_where_the_record_fired_it_later():
    run = after(9)

    outcome = what_if(run.entries, run.load, run.learn(*limited(6)), run.at)

    assert outcome.would == () and outcome.step == 0  # broken on both, only earlier


def test_a_running_case_is_judged_up_to_the_present():
    run = Run(*limited(8))
    version = run.learn(*limited(6))

    soon = what_if(run.entries, run.load, version, run.at + timedelta(hours=5))
    later = what_if(run.entries, run.load, version, run.at + timedelta(hours=7))

    assert (soon.verdict, later.verdict) == ("same", "breach")


def test_the_entry_that_can_not_be_followed_is_named_with_its_element():
    run = Run(*diagram(8))
    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())

    outcome = what_if(run.entries, run.load, run.learn(*bundle_of(p=s)), run.at)

    assert outcome.verdict == "stuck" and outcome.stuck is not None
    assert (outcome.stuck.seq, outcome.stuck.params["element"]) == (3, "b")
    assert (outcome.step, outcome.reason) == (2, "elsewhere")
    assert outcome.params == {"now": ["end"], "then": ["b"]}


def test_a_renamed_element_is_the_same_way_for_who_knows_its_name():
    def drawn(name: str) -> tuple:
        s = Scope()
        s.chain(s.start(), s.user(name), s.user("b"), s.end())
        return bundle_of(p=s)

    run = Run(*drawn("a"))
    run.do(SubmitTask("a#1", {}))
    version = run.learn(*drawn("renamed"))

    blind = what_if(run.entries, run.load, version, run.at)
    told = what_if(run.entries, run.load, version, run.at, mapping={"a": "renamed"})

    assert (blind.verdict, told.verdict) == ("stuck", "same")


def test_a_case_that_was_moved_before_is_compared_with_what_its_last_version_makes_of_it():
    run = after(7)
    assert run.open == []
    run = Run(*limited(8))
    middle = run.learn(*limited(6))
    run.at += timedelta(hours=2)
    run.do(MigrateCase(middle, "试行"), "sunli")
    run.at += timedelta(hours=5)
    run.do(SubmitTask("work#1", {}))

    again = what_if(run.entries, run.load, middle, run.at)
    back = what_if(run.entries, run.load, run.bundle.version, run.at)

    assert (again.verdict, again.would, again.spared) == ("same", (), ())
    assert [one.limit for one in back.spared] == ["eight_hours"]


def test_a_change_of_the_numbers_that_every_case_reads_touches_every_case():
    program, bundle = limited(8)
    other = replace(bundle, regulation={"parameters": {"m5_outlets": 7}})

    made = changes((program, bundle), (program, other))

    assert made.everything
    assert changes((program, bundle), (program, bundle)) == Changes()


def offered_to(groups: str) -> tuple:
    """One task, offered to these groups."""
    s = Scope()
    s.chain(s.start(), s.user("work", camunda_candidateGroups=groups), s.end())
    return bundle_of(p=s)


@pytest.mark.parametrize(
    ("groups", "now"),
    [
        ("supervision", ["supervision"]),
        ("user:liqiang", ["user:liqiang"]),
        ("supervision, office", []),
        ("user:wangfang", []),
    ],
)
def test_a_step_that_would_have_been_asked_of_others_is_told_with_both(groups, now):
    run = Run(*offered_to("office"))
    run.do(SubmitTask("work#1", {}))
    program, bundle = offered_to(groups)
    version = run.learn(program, bundle)

    full = what_if(run.entries, run.load, version)
    quick = what_if(run.entries, run.load, version, None, changes(run.load(run.bundle.version), (program, bundle)))

    assert full == quick
    if now:
        assert (full.verdict, full.step, full.reason) == ("other", 2, "people")
        assert full.params == {"element": "work", "then": ["office"], "now": now}
    else:
        assert (full.verdict, full.step) == ("same", 0)
