"""Thousands of rounds of a loop with boundary timers: still right, and no dearer than the first ones."""

import random
from datetime import timedelta

from engine.domain.commands import OpenCase, SubmitTask
from tests.support.game.diagram import Diagram, Event, Expr, Timer
from tests.support.game.match import Match
from tests.support.game.sketch import Pen, Sketch
from tests.support.rounds import LATE_EVERY, play_rounds

ROUNDS = 5_000


def test_five_thousand_rounds_with_a_boundary_timer_are_right_and_the_thousandth_costs_like_the_tenth():
    played = play_rounds(ROUNDS)

    assert not played.wrong
    assert played.run.case.status == "closed"
    assert (played.run.case.data["n"], played.run.case.data["late"]) == (ROUNDS, ROUNDS // LATE_EVERY)
    assert not played.run.case.timers
    assert len(played.run.case.workflow.tasks) == 1, "finished tokens leave the tree"
    for late in (1_000, ROUNDS - 50):
        if played.cost(late) > 2 * played.cost(10):
            again = play_rounds(late + 50)  # a busy machine slows one window; a growing cost shows twice
            assert again.cost(late) <= 2 * again.cost(10), (again.cost(late), again.cost(10))


def test_a_thousand_rounds_are_round_by_round_what_the_token_game_says():
    s = Sketch(Pen(random.Random(0)))
    step, counter = s.counter()
    merge, choice, user = s.add("exclusiveGateway"), s.add("exclusiveGateway"), s.user()
    s.chain(s.add("startEvent"), merge, user, step, choice)
    s.flow(choice, merge, s.below(counter, 1_000))
    s.graph.nodes[choice].default = s.flow(choice, s.end())
    hour = Event("timer", timer=Timer("duration", "PT1H", timedelta(hours=1)))
    late = s.add("boundaryEvent", event=hour, attached_to=user, interrupting=False)
    s.chain(late, s.script("late", Expr("late + 1", lambda d: d["late"] + 1)), s.end())
    match = Match(Diagram({"p": s.graph}, {"late": 0}))
    match.do(OpenCase("p", {}))

    for number in range(1, 1_001):
        match.at += timedelta(minutes=61 if number % 10 == 0 else 1)
        match.settle()
        match.do(SubmitTask(f"{user}#{number}", {}))
        match.side.entries.clear()

    assert match.case.status == "closed"
    assert match.case.data["late"] == 100
