"""The soundness check against random diagrams: sound ones, broken ones that the kernel walks, and its own reduction."""

from __future__ import annotations

import random

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.data import Data
from engine.definitions.checks.explore import Budget, Exploration, explore
from engine.definitions.checks.net_builder import build_net
from engine.definitions.checks.soundness import verdicts
from engine.definitions.checks.thrown import foreign_signals
from engine.kernel.compile import compile_bundle
from tests.support.broken_diagrams import broken, walk
from tests.support.diagrams import document
from tests.support.nets import bundle_with
from tests.support.random_diagrams import Generator
from tests.support.random_nets import Nets, walked

WALKS = 6


def sound(seed: int) -> Bundle:
    return read_bundle({"bpmn/test.bpmn": document(p=Generator(seed, 3 + seed % 2).process())})


def check_sound(seeds: range) -> None:
    for seed in seeds:
        verdict = verdicts(sound(seed))["p"]

        assert verdict.outcome != "unsound", f"seed {seed}: {verdict.findings}"


def check_broken(seeds: range) -> dict[str, int]:
    """Walks broken diagrams; no case may stick in one that was called sound. Counts of what was seen."""
    seen = {"sound": 0, "unsound": 0, "not_decided": 0, "stuck": 0}
    for seed in seeds:
        made = broken(seed, 2 + seed % 2)
        if made is None:
            continue
        verdict = verdicts(made[1])["p"]
        chance = random.Random(seed)
        stuck = any(walk(*made, chance) == "stuck" for _ in range(WALKS))

        assert not (stuck and verdict.outcome == "sound"), f"seed {seed}: a case sticks, but the verdict is sound"
        seen[verdict.outcome] += 1
        seen["stuck"] += stuck
    return seen


def check_unstructured(seeds: range) -> dict[str, int]:
    """The same of unstructured processes with every kind of event, which mostly no reader would let pass."""
    seen = {"sound": 0, "unsound": 0, "not_decided": 0, "stuck": 0}
    for seed in seeds:
        bundle = bundle_with(Nets(seed, 4 + seed % 6).process())
        program = compile_bundle(bundle)
        verdict = verdicts(bundle)["p"]
        chance = random.Random(seed)
        stuck = any(walked(program, bundle, chance) == "stuck" for _ in range(WALKS))

        assert not (stuck and verdict.outcome == "sound"), f"seed {seed}: a case sticks, but the verdict is sound"
        seen[verdict.outcome] += 1
        seen["stuck"] += stuck
    return seen


def explored(bundle: Bundle, reduce: bool) -> Exploration:
    net = build_net(bundle.processes["p"], bundle.processes, outside=foreign_signals("p", bundle.processes))
    return explore(net, Data((), net, {}, {}), budget=Budget(2_000, 20_000), reduce=reduce)


def check_reduction(seeds: range) -> int:
    """Compares the reduced search with the full one on broken diagrams and on unstructured ones with every event; how
    many of them were wrong somehow."""
    wrong = 0
    for seed in seeds:
        made = bundle_with(Nets(seed, 4 + seed % 6).process()) if seed % 2 else (broken(seed) or (None, None))[1]
        if made is None:
            continue
        full, reduced = explored(made, False), explored(made, True)
        if not full.complete or full.dropped or not full.exact:
            continue
        deadlocks = {full.states[number].bits for number in full.stuck}

        assert {reduced.states[number].bits for number in reduced.stuck} == deadlocks, f"seed {seed}"
        assert bool(reduced.cannot_end()) == bool(full.cannot_end()), f"seed {seed}"
        if not full.cannot_end():
            assert reduced.touched == full.touched, f"seed {seed}"
        wrong += bool(full.cannot_end())
    return wrong


def test_random_sound_diagrams_are_never_called_unsound() -> None:
    check_sound(range(150))


def test_no_case_sticks_in_a_diagram_that_was_called_sound() -> None:
    seen = check_broken(range(80))

    assert seen["stuck"] >= 5
    assert seen["sound"] >= 20
    assert seen["unsound"] >= 5


def test_no_case_sticks_in_an_unstructured_process_that_was_called_sound() -> None:
    seen = check_unstructured(range(100))

    assert seen["stuck"] >= 4
    assert seen["sound"] >= 40


def test_leaving_out_orders_of_independent_steps_hides_nothing() -> None:
    assert check_reduction(range(300)) >= 30


@pytest.mark.long
def test_the_same_of_many_more() -> None:
    check_sound(range(150, 3_000))
    check_broken(range(80, 2_000))
    check_unstructured(range(100, 1_500))
    check_reduction(range(300, 4_000))
