"""The promise of the diff: no attribute, text or value of any file can change without a change being told of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.definitions import diff, diff_bpmn
from engine.definitions.diff_model import Change
from tests.unit.checks.bundle_edits import ROOT, shipped
from tests.unit.diff.mutations import MARK, Mutation, of_file, of_xml

SEED = 20_261_126
SAMPLED = 60
CORPUS = ROOT / "tests" / "corpus"
Place = tuple[str, Mutation]


@cache
def places() -> tuple[Place, ...]:
    """(file, mutation) for every place of every shipped file."""
    return tuple((path, one) for path, data in sorted(shipped().items()) for one in of_file(path, data))


def told(path: str, before: bytes, after: bytes) -> tuple[Change, ...]:
    return diff.diff_file(path, path, before, after).changes


def checked(chosen: Iterable[Place]) -> Iterator[tuple[str, bool, tuple[Change, ...]]]:
    """(where, whether the mark stands in the changed file, what the diff tells)."""
    files = shipped()
    for path, mutation in chosen:
        after = mutation.make()
        if after is not None:
            yield f"{path}: {mutation.what}", MARK.encode() in after, told(path, files[path], after)


def missed(chosen: Iterable[Place]) -> list[str]:
    """Where nothing is told, or not what was written there."""
    return [
        where for where, marked, changes in checked(chosen) if not changes or (marked and MARK not in repr(changes))
    ]


def test_one_of_every_kind_of_place_in_the_shipped_files_is_told():
    files = shipped()
    smallest_last = sorted(places(), key=lambda one: -len(files[one[0]]))
    kinds = {mutation.kind: (path, mutation) for path, mutation in smallest_last}

    assert len(kinds) > 250
    assert missed(kinds.values()) == []


def test_any_place_of_the_shipped_files_is_told():
    chosen = random.Random(SEED).sample(places(), SAMPLED)

    assert missed(chosen) == [], f"seed {SEED}"


@pytest.mark.long
def test_every_place_of_the_shipped_files_is_told():
    assert len(places()) > 20_000
    assert missed(places()) == []


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_place_of_diagrams_of_other_vendors_is_told(path: Path):
    before = path.read_bytes()
    made = [(one.what, one.make()) for one in of_xml(before)]

    silent = [what for what, after in made if after and not told("bpmn/other.bpmn", before, after)]

    assert silent == []


def test_a_diff_that_overlooks_texts_would_be_caught(monkeypatch: pytest.MonkeyPatch):
    """The negative control."""
    real = diff_bpmn.differences

    def blind(*given: Any, **named: Any) -> Iterator[Any]:
        return (one for one in real(*given, **named) if one[1][-1] != "#text")

    monkeypatch.setattr(diff_bpmn, "differences", blind)

    texts = [(path, one) for path, one in places() if path == "bpmn/triage.bpmn" and one.kind[1] == "text"]

    assert len(missed(texts)) > 5
