"""What a step costs early and late in a loop: SpiffWorkflow's own tree grows with every round, ours must not."""

from __future__ import annotations

from tests.support.rounds import WINDOW, play_rounds

ROUNDS = 5_000


def report() -> None:
    played = play_rounds(ROUNDS)
    assert not played.wrong, played.wrong
    print(
        f"a loop of {ROUNDS:,} rounds with boundary timers, processor time of a round (median of {WINDOW}); aim: x 2.0"
    )
    base = played.cost(10)
    for first in (10, 1_000, ROUNDS - WINDOW):
        print(f"  from round {first:>5,}  {played.cost(first) * 1e3:6.2f} ms  x {played.cost(first) / base:4.2f}")


if __name__ == "__main__":
    report()
