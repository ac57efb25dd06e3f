"""Random edits of the shipped bundle: the diff names exactly these, and backwards the same the other way round."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from engine.definitions.diff import diff
from engine.definitions.diff_model import BundleDiff
from tests.unit.checks.bundle_edits import shipped
from tests.unit.diff.edits import EDITS, Bench, Edit, Expected, edited

ROUNDS = 8
LONG_ROUNDS = 1_500


def told(found: BundleDiff) -> Counter[Expected]:
    return Counter(
        (file.path, change.kind, change.subject.id, change.path) for file in found.files for change in file.changes
    )


def check_rounds(seeds: range) -> int:
    """Edits that were checked; each seed is a bundle with up to 12 of them."""
    before, count = shipped(), 0
    for seed in seeds:
        after, expected = edited(before, seed, 1 + seed % 12)
        forward, backward = diff(before, after), diff(after, before)

        assert told(forward) == Counter(expected), f"seed {seed}"
        assert backward == forward.mirrored(), f"seed {seed}"
        assert not diff(after, after), f"seed {seed}"
        count += len(expected)
    return count


def test_the_diff_names_exactly_the_edits():
    assert check_rounds(range(ROUNDS)) > 3 * ROUNDS


@pytest.mark.long
def test_the_diff_names_exactly_the_edits_of_many_bundles():
    assert check_rounds(range(1_000, 1_000 + LONG_ROUNDS)) > 3 * LONG_ROUNDS


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_each_kind_of_edit_is_told_and_nothing_else(edit: Edit):
    before = shipped()
    seen = 0
    for seed in range(30):
        bench = Bench(dict(before), random.Random(seed))
        expected = edit(bench)
        if bench.files == before:
            continue
        seen += 1
        assert told(diff(before, bench.files)) == Counter(expected), f"seed {seed}"
        if seen == 3:
            break
    assert seen


def test_an_edit_that_is_not_named_is_noticed():
    """The negative control: the comparison fails for a list that lacks one edit, and for one too many."""
    before = shipped()
    after, expected = edited(before, 7, 8)

    assert told(diff(before, after)) != Counter(expected[1:])
    assert told(diff(before, after)) != Counter([*expected, expected[0]])


def test_a_version_does_not_differ_from_itself():
    found = diff(shipped(), shipped())

    assert not found
    assert found.files == ()
