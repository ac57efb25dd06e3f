"""The aims on labelled items: one half was tuned on, the other written after the rules and only measured."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.service import triage_command
from tests.support.triage_measure import LABELS, labelled, measure, run

HALVES = ("tuned", "measured")


@pytest.mark.parametrize("half", HALVES)
def test_topics_grades_and_subjects_meet_the_aims(half: str, tmp_path: Path):
    items = labelled(half)

    found = measure(tmp_path, items)

    assert len(items) >= 75
    assert found.repeats >= 15
    assert found.found >= 0.80, found
    assert found.acceptable >= 0.85, found.wrong
    assert found.right / found.items >= 0.60, f"{found.unsure} of {found.items} are unsure: that helps nobody"
    assert found.lost_majors == []
    assert found.subject >= 0.90, found
    assert found.longest_list <= 5


@pytest.mark.parametrize("half", HALVES)
def test_the_aims_hold_without_a_district_from_the_source(half: str, tmp_path: Path):
    items = [{**item, "district": ""} for item in labelled(half)]

    found = measure(tmp_path, items)

    assert found.found >= 0.80, found
    assert found.acceptable >= 0.85, found.wrong
    assert found.lost_majors == []


def test_labels_do_not_change_a_word_of_the_output(tmp_path: Path):
    items = labelled("tuned")[:60]
    bare = [{name: value for name, value in item.items() if name not in LABELS} for item in items]
    lying = [
        {**item, "group": "same", "relevant": False, "grade": "positive", "response_subject": ["none"], "reason": "谎"}
        for item in items
    ]

    told, untold, lied = run(tmp_path, items), run(tmp_path, bare), run(tmp_path, lying)

    assert told == untold == lied


def test_nothing_is_merged_that_nobody_confirmed_and_confirmed_ones_are(tmp_path: Path):
    items = [item for item in labelled("tuned") if item["group"] in ("a1", "a4")]

    alone = run(tmp_path, items)
    confirmed = run(tmp_path, items, confirm="group")

    assert all(one["items"] == [one["topic"]] for line in alone for one in line["candidates"])
    last = [line for line in confirmed if line["id"] == "A004"][0]["candidates"][0]
    assert last["topic"] == "group:a1"
    assert sorted(last["items"]) == ["A001", "A002", "A003"]


def test_an_item_is_compared_with_those_before_it_only(tmp_path: Path):
    items = labelled("measured")

    lines = run(tmp_path, list(reversed(items)))

    order = {line["id"]: place for place, line in enumerate(lines)}
    discovered = {item["id"]: item["discovered_at"] for item in items}
    assert [line["id"] for line in lines] == sorted(discovered, key=lambda ident: discovered[ident])
    assert all(order[one] < order[line["id"]] for line in lines for c in line["candidates"] for one in c["items"])


def test_two_hundred_items_take_a_fifth_of_the_time_that_a_thousand_may(tmp_path: Path):
    items = [{**item, "id": f"{item['id']}-{copy}"} for copy in "ab" for item in labelled("tuned")][:200]
    bundle = triage_command._bundle(None)
    assert bundle.decisions
    started = time.process_time()

    lines = run(tmp_path, items)

    assert len(lines) == 200
    assert time.process_time() - started < 4  # 1 s on an idle machine; a loaded one lends its time dearly


@pytest.mark.long
def test_a_thousand_items_take_less_than_ten_seconds(tmp_path: Path):
    items = [{**item, "id": f"{item['id']}-{copy}"} for copy in range(7) for item in labelled("tuned")][:1000]
    started = time.process_time()

    lines = run(tmp_path, items)

    assert len(lines) == 1000
    assert time.process_time() - started < 10
