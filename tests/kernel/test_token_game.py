"""The kernel does what an independent token game, written from the BPMN standard alone, says it must do.

Each seed is a random diagram and a random way through it; after every command all that shows is compared (open tasks,
armed timers with their instants, awaited messages, signals and conditions, kept messages, data, the trail in order,
incidents, whether the case is closed), and at the end the journal is replayed. What the game covers and why it is
independent: tests/support/game.
"""

from datetime import timedelta

import pytest

from tests.support.game import activities, coverage, events, joins, play, throwing, timers, undoing

RUNS = 1_000
LONG_RUNS = 20_000
CHUNK = 2_000
SOON = 300
"""Diagrams in which a wrong rule of the game must show; most do in the first ten."""


@pytest.fixture(scope="module")
def tally():
    return coverage.play(range(RUNS))


def test_a_thousand_random_diagrams_run_as_the_token_game_says(tally):
    assert not tally.differences, "\n\n".join(tally.differences)
    assert tally.played == RUNS
    assert tally.endless < RUNS * 0.02, "diagrams that run round and round test nothing"


def test_the_random_diagrams_put_every_construct_to_the_test(tally):
    rare = {name: tally.turns[name] for name in tally.diagrams if tally.turns[name] < 5}

    assert not rare, tally.table()
    assert len(tally.diagrams) >= 75, tally.table()
    assert tally.closed > RUNS * 0.6, tally.table()


@pytest.mark.long
@pytest.mark.parametrize("first", range(RUNS, RUNS + LONG_RUNS, CHUNK))
def test_twenty_thousand_random_diagrams_run_as_the_token_game_says(first):
    tally = coverage.play(range(first, first + CHUNK))

    assert not tally.differences, "\n\n".join(tally.differences)
    assert tally.played == CHUNK


def one_late(timer, now, right=timers.instants):
    return [at + timedelta(minutes=1) for at in right(timer, now)]


def first_done_first(done, activity="", memo=None, right=undoing.jobs):
    return right(done, activity, memo)[::-1]


def without_the_exception(place, join):
    incoming = place.graph.into(join.id)
    full = {f.id for f in incoming if place.parked.get(f.id)}
    empty = {f.id for f in incoming} - full
    reached = [joins.reachable(place.graph, first, join.id) for first in joins.token_flows(place)]
    return bool(full) and len(incoming) > 1 and not any(found & empty for found in reached)


def through_the_join(graph, first, join, right=joins.reachable):
    return right(graph, first, "")


WRONG = {
    "an inclusive join fires with the first token": (joins, "enabled", lambda place, join: bool(
        len(place.graph.into(join.id)) > 1 and any(place.parked.get(f.id) for f in place.graph.into(join.id)))),
    "an inclusive join waits for tokens that come by a flow that is full": (joins, "enabled", without_the_exception),
    "a path to an inclusive join may lead through the join": (joins, "reachable", through_the_join),
    "a parallel join fires with the first token": (joins, "try_parallel", joins.activate),
    "timers are a minute late": (events, "instants", one_late),
    "what was done first is undone first": (undoing, "jobs", first_done_first),
    "boundary events never interrupt": (activities, "abort", lambda game, work: None),
    "a place ends with its handlers forgotten": (events, "forget", lambda game, watches: None),
    "event sub-processes do not wait": (events, "watch_starts", lambda game, place: None),
    "errors are caught by nobody": (throwing, "catcher", lambda place, kind, code, own: None),
    "conditions are never looked at": (events, "settle", lambda game: False),
    "handlers are not remembered": (activities, "remember", lambda work: None),
    "default flows are taken beside others": (play.Game, "depart", lambda game, place, node: [
        (game.note(place, f.id, "taken"), game.arrive(place, place.graph.nodes[f.target], f))
        for f in place.graph.out_of(node.id)]),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_rule_in_the_game_is_found_out_soon(wrong, monkeypatch):
    monkeypatch.setattr(*WRONG[wrong])

    assert coverage.seeds_until_caught(range(SOON)) is not None
