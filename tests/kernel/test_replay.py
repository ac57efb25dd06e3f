"""replay(journal) == live, and where it is not, the first difference is named."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.commands import ClaimTask, SubmitTask
from engine.journal.chain import verify_chain
from engine.kernel.replay import rebuild, replay
from tests.support.diagrams import Run, Scope, bundle_of, timer
from tests.support.random_diagrams import random_run, random_step

RUNS = 1_000
LONG_RUNS = 10_000


def walk(seed: int, check_each_step: bool = False) -> Run:
    """A random case from start to end; the seed is in the message of every failed assertion."""
    run, chance = random_run(seed), random.Random(seed)
    for _ in range(400):
        if run.case.status == "closed":
            break
        assert run.open or run.case.messages or run.case.timers, f"seed {seed}: nothing can ever move again"
        random_step(run, chance)
        if check_each_step:
            assert rebuild(run.entries, run.load).digest() == run.case.digest(), f"seed {seed}"
    assert run.case.status == "closed", f"seed {seed}: did not end"
    return run


def assert_replays(seed: int, run: Run) -> None:
    steps = list(replay(run.entries, run.load))
    assert steps[-1].divergence is None, f"seed {seed}: {steps[-1].divergence}"
    assert len(steps) == len(run.entries), f"seed {seed}"
    left = run.case
    leftovers = (left.timers, left.messages, left.signals, left.locals, left.workflow.subprocesses, left.tasks)
    assert not any(leftovers), f"seed {seed}: {leftovers}"
    assert len(left.workflow.tasks) == 1, f"seed {seed}"
    assert verify_chain(run.entries) == [], f"seed {seed}"


def test_every_random_diagram_ends_and_replays_after_every_step_to_the_same_events_and_digests():
    """The replay compares its state after each entry with what the live case was then: its digest in the entry."""
    for seed in range(RUNS):
        assert_replays(seed, walk(seed))


def test_replay_equals_live_after_every_single_step():
    for seed in range(RUNS, RUNS + 60):
        walk(seed, check_each_step=True)


@pytest.mark.long
def test_ten_thousand_random_diagrams_replay():
    for seed in range(LONG_RUNS):
        assert_replays(seed, walk(seed))


def recorded() -> Run:
    s = Scope()
    s.chain(s.start(), s.user("a"), s.script("up", "n", "n + 1"), s.user("b"), s.end())
    s.chain(s.boundary("late", "a", timer("duration", "PT1H"), False), s.end("end2"))
    run = Run(*bundle_of(p=s), {"n": 1})
    run.do(ClaimTask("a#1"))
    run.do(SubmitTask("a#1", {}))
    return run


def test_a_changed_event_is_the_first_divergence():
    run = recorded()
    entry = run.entries[2]
    events = tuple({**e, "values": {"n": 99}} if e["kind"] == "DataWritten" else e for e in entry.events)

    steps = list(replay([*run.entries[:2], replace(entry, events=events)], run.load))

    divergence = steps[-1].divergence
    assert divergence is not None
    assert (divergence.seq, divergence.what) == (3, "events")
    assert "99" in divergence.expected
    assert "2" in divergence.got


def test_a_changed_digest_is_a_divergence():
    run = recorded()

    steps = list(replay([*run.entries[:2], replace(run.entries[2], state_digest="0" * 64)], run.load))

    assert steps[-1].divergence is not None
    assert steps[-1].divergence.what == "digest"


def test_a_command_that_would_be_refused_now_is_a_divergence():
    run = recorded()

    steps = list(replay([run.entries[0], replace(run.entries[2], seq=2), run.entries[1]], run.load))

    assert steps[-1].divergence is not None


def test_the_same_case_gives_the_same_bytes_in_every_process():
    """Hash randomisation changes the order of sets; nothing recorded may depend on it."""
    program = (
        "from tests.kernel.test_replay import walk;"
        "import json;"
        "print(json.dumps([[e.hash for e in walk(seed).entries] for seed in range(12)]))"
    )
    seen = set()
    for hash_seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        json.loads(done.stdout)
        seen.add(done.stdout)
    assert len(seen) == 1
