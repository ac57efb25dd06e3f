"""Migration by replay: the case goes on as if it had been opened on the other version, and its record still replays."""

import json
import random
import re
from collections import Counter
from datetime import timedelta

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.codec import from_json, to_json
from engine.domain.commands import COMMANDS, ClaimTask, Command, FireTimer, MigrateCase, SubmitTask, WithdrawSubmission
from engine.domain.rejection import Rejection
from engine.kernel.compile import compile_bundle
from engine.kernel.decide import Turn, next_due
from engine.kernel.program import Program
from engine.kernel.replay import rebuild, replay
from engine.kernel.rerun import Stuck, rerun
from engine.kernel.withdraw import withdraw
from tests.support.diagrams import Run, Scope, bundle_of, timer
from tests.support.random_diagrams import random_run, random_step
from tests.support.random_edits import edited

RUNS = 500
LONG_RUNS = 5_000


def twin(bundle: Bundle, chance: random.Random) -> tuple[tuple[Program, Bundle], dict[str, str], str]:
    """Another version with one random edit, what was renamed in it, and the kind of edit."""
    content, mapping, kind = edited(bundle.files["bpmn/test.bpmn"], chance)
    other = read_bundle({"bpmn/test.bpmn": content})
    program = compile_bundle(other)
    assert not [one for one in (*other.findings, *program.findings) if one.severity == "error"], kind
    return (program, other), mapping, kind


def said_anew(command: Command, mapping: dict[str, str]) -> Command:
    """The command about renamed elements, said by hand: this is what the kernel's own renaming is held against."""
    text = json.dumps(to_json(command))
    for old, new in mapping.items():
        text = re.sub(rf'(?<=["/]){old}(?=#)', new, text)
    return from_json(COMMANDS, json.loads(text))


def run_on(version: tuple[Program, Bundle], run: Run, mapping: dict[str, str]) -> Run | None:
    """A fresh case on `version`, driven by what people did in `run` at the same instants; None where it would not
    take something."""
    program, bundle = version
    fresh = Run(program, bundle, dict(run.bundle.parameters), run.entries[0].at)
    for entry in run.entries[1:]:
        command = said_anew(from_json(COMMANDS, entry.command), mapping)
        fired = command.timer if isinstance(command, FireTimer) else ""
        while (timer := next_due(fresh.case, entry.at)) is not None:
            # The timer that the record fired late, as it came; all others when they are due.
            fresh.at = entry.at if timer == fired else max(fresh.at, fresh.case.timers[timer].due)
            fresh.try_(FireTimer(timer), "system:timer")
            if timer == fired:
                break
        fresh.at = entry.at
        if isinstance(command, FireTimer | MigrateCase):
            continue
        if fresh.case.status == "closed" or isinstance(fresh.try_(command, entry.actor), Rejection):
            return None
    return fresh


def migrate_at_random(seed: int, blind: bool = False) -> str:
    """Walks a random case, moves it to a version with one edit half way, walks on to the end. Returns the kind of edit
    when it was moved, "" when it had to stay. `blind`: the mapping is kept from the kernel."""
    chance = random.Random(seed)
    run = random_run(seed)
    for _ in range(chance.randrange(0, 5)):
        if run.case.status == "open":
            random_step(run, chance)
    version, mapping, kind = twin(run.bundle, chance)
    before = run.case.digest()
    run.learn(*version)
    if run.case.status == "closed":
        return ""
    as_if = run_on(version, run, mapping)
    moved = run.try_(MigrateCase(version[1].version, "试行新版", {} if blind else mapping), "sunli")
    if isinstance(moved, Rejection):
        assert run.case.digest() == before == rebuild(run.entries, run.load).digest(), f"seed {seed}"
        assert as_if is None or as_if.case.status == "closed" or moved.key == "migrate.never_rests", f"seed {seed}"
        return ""
    assert as_if is not None and run.case.digest() == as_if.case.digest(), f"seed {seed}, {kind}"
    run.settle()
    for _ in range(400):
        if run.case.status == "closed":
            break
        random_step(run, chance)
    steps = list(replay(run.entries, run.load))
    assert steps[-1].divergence is None, f"seed {seed}: {steps[-1].divergence}"
    assert len(steps) == len(run.entries), f"seed {seed}"
    return kind


def migrate_many(seeds: range) -> Counter[str]:
    return Counter(kind for kind in map(migrate_at_random, seeds) if kind)


def test_a_migrated_random_case_is_what_it_would_be_on_the_other_version_from_the_start_and_replays():
    moved = migrate_many(range(RUNS))

    assert moved.total() > RUNS // 4
    assert set(moved) >= {"length", "condition", "insert", "rename", "remove"}, moved


def test_a_kernel_that_does_not_know_what_was_renamed_is_found_out():
    with pytest.raises(AssertionError, match="seed"):
        for seed in range(RUNS):
            migrate_at_random(seed, blind=True)


@pytest.mark.long
def test_thousands_of_migrated_random_cases_replay():
    assert migrate_many(range(LONG_RUNS)).total() > LONG_RUNS // 4


# --- a small diagram -------------------------------------------------------------------------------------------------


def diagram(hours: int, extra: bool = False) -> tuple[Program, Bundle]:
    s = Scope()
    last = ["c", s.end()] if extra else [s.end()]
    s.chain(s.start(), s.user("a"), s.user("b"), *([s.user("c")] if extra else []), last[-1])
    s.chain(s.boundary("late", "b", timer("duration", f"PT{hours}H"), False), s.end("end2"))
    return bundle_of(p=s)


def on_b(hours: int = 8) -> Run:
    run = Run(*diagram(hours))
    run.do(SubmitTask("a#1", {}))
    run.do(ClaimTask("b#1"))
    return run


def test_a_task_and_its_holder_stay_and_a_later_task_of_the_new_version_is_asked():
    run = on_b()
    version = run.learn(*diagram(8, extra=True))

    events = run.do(MigrateCase(version, "多一步"), "sunli")
    run.do(SubmitTask("b#1", {}))

    assert [e.kind for e in events] == ["CaseMigrated"]
    assert run.open == ["c#1"]
    assert {e.bundle for e in run.entries} == set(run.known)


def test_a_timer_keeps_its_beginning_and_gets_the_new_length():
    run = on_b()
    started = run.at
    run.at += timedelta(hours=2)

    run.do(MigrateCase(run.learn(*diagram(3)), "缩短"), "sunli")

    assert [t.due for t in run.case.timers.values()] == [started + timedelta(hours=3)]
    assert list(replay(run.entries, run.load))[-1].divergence is None


def test_a_timer_that_has_passed_by_the_new_length_fires_at_once_with_its_lateness():
    run = on_b()
    run.at += timedelta(hours=5)

    run.do(MigrateCase(run.learn(*diagram(3)), "缩短"), "sunli")

    (fired,) = [e for entry in run.entries for e in entry.events if e["kind"] == "TimerFired"]
    assert fired["late_seconds"] == 2 * 3600


def test_going_back_is_a_migration_too():
    run = on_b()
    first = run.bundle.version
    before = run.case.digest()

    run.do(MigrateCase(run.learn(*diagram(3, extra=True)), "试行"), "sunli")
    run.do(MigrateCase(first, "撤回试行"), "sunli")

    assert run.case.digest() == before
    assert list(replay(run.entries, run.load))[-1].divergence is None


@pytest.mark.parametrize(
    ("prepare", "reason", "key"),
    [
        (lambda run: run.bundle.version, "试行", "migrate.same_version"),
        (lambda run: "0" * 64, "试行", "bundle.unknown"),
        (lambda run: run.learn(*diagram(3)), " ", "form.refused"),
        (lambda run: run.learn(*only("b")), "试行", "migrate.refused"),
        (lambda run: run.learn(*only("a")), "试行", "migrate.would_end"),
        (lambda run: run.learn(*elsewhere()), "试行", "process.unknown"),
    ],
)
def test_what_can_not_be_migrated_stays_as_it_is(prepare, reason, key):
    run = Run(*diagram(8))
    run.do(SubmitTask("a#1", {}))
    before = run.case.digest()

    outcome = run.try_(MigrateCase(prepare(run), reason), "sunli")

    assert isinstance(outcome, Rejection) and outcome.key == key
    assert run.case.digest() == before
    assert len(run.entries) == 2


def only(task: str) -> tuple[Program, Bundle]:
    s = Scope()
    s.chain(s.start(), s.user(task), s.end())
    return bundle_of(p=s)


def elsewhere() -> tuple[Program, Bundle]:
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    return bundle_of(q=s)


def test_the_rerun_names_the_entry_that_the_other_version_refuses():
    run = on_b()

    stuck = rerun(run.entries, run.load, run.learn(*only("a")))

    assert isinstance(stuck, Stuck)
    assert (stuck.seq, stuck.params["command"]) == (3, "ClaimTask")


def test_a_submission_from_before_a_migration_can_not_be_withdrawn_after_it():
    run = on_b()
    run.do(MigrateCase(run.learn(*diagram(8, extra=True)), "多一步"), "sunli")
    prior = rebuild(run.entries[:1], run.load)

    refused = withdraw(run.case, prior, run.entries, WithdrawSubmission(2, "填错了"), Turn(run.at, "wangfang"))

    assert isinstance(refused, Rejection) and refused.key == "withdraw.acted_on"


def test_rounds_that_came_as_one_stay_one_when_the_case_is_run_again_on_another_version():
    def drawn(name: str) -> Scope:
        s = Scope()
        s.chain(s.start(), s.user("a", name=name), s.end())
        s.chain(s.boundary("t", "a", timer("cycle", "R/PT30M"), interrupting=False), s.user("reminded"), s.end("e2"))
        return s

    run = Run(*bundle_of(p=drawn("alt")))
    (name,) = run.case.timers
    run.at += timedelta(minutes=125)
    run.try_(FireTimer(name, 3, "downtime"), "system:timer")
    before = (run.open, {timer.due for timer in run.case.timers.values()})
    version = run.learn(*bundle_of(p=drawn("neu")))

    run.do(MigrateCase(version, "neu gezeichnet"), "sunli")

    assert (run.open, {timer.due for timer in run.case.timers.values()}) == before
    assert run.open == ["a#1", "reminded#1"]
