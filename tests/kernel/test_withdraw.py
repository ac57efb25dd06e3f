"""撤回: back to the state before one's own submission."""

from datetime import timedelta

import pytest

from engine.domain.codec import to_json
from engine.domain.commands import AddComment, ClaimTask, SubmitTask, WithdrawSubmission
from engine.domain.rejection import Rejection
from engine.journal.entry import make_entry
from engine.kernel.decide import Turn
from engine.kernel.replay import rebuild, replay
from engine.kernel.withdraw import withdraw
from tests.support.diagrams import Run, Scope, bundle_of, timer


@pytest.fixture
def run() -> Run:
    s = Scope()
    s.chain(s.start(), s.user("a"), s.script("n_up", "n", "n + 1"), s.user("b"), s.end())
    s.chain(s.boundary("late_a", "a", timer("duration", "PT8H"), False), s.end("e1"))
    s.chain(s.boundary("late_b", "b", timer("duration", "PT2H"), False), s.end("e2"))
    run = Run(*bundle_of(p=s), {"n": 1})
    run.do(SubmitTask("a#1", {}), "wangfang")
    return run


def take_back(run: Run, seq: int, actor: str = "wangfang", reason: str = "填错了"):
    prior = rebuild(run.entries[: seq - 1], run.load)
    command = WithdrawSubmission(seq, reason)
    outcome = withdraw(run.case, prior, run.entries, command, Turn(run.at, actor))
    if not isinstance(outcome, Rejection):
        prior.seq += 1
        run.entries.append(
            make_entry(
                case_id="T-1", seq=prior.seq, at=run.at, actor=actor, on_behalf_of="", command_id=f"c{prior.seq}",
                command=to_json(command), bundle=run.bundle.version, engine_version="test",
                events=[to_json(e) for e in outcome], state_digest=prior.digest(), prev_hash=run.entries[-1].hash,
            )
        )  # fmt: skip
        run.case = prior
    return outcome


def test_withdrawing_restores_the_task_its_limit_and_the_data(run):
    before = rebuild(run.entries[:1], run.load)
    run.at += timedelta(minutes=5)

    events = take_back(run, 2)

    assert run.open == ["a#1"]
    assert run.case.data["n"] == 1
    assert run.case.timers["late_a#1"].due == before.timers["late_a#1"].due, "the clock never restarts"
    assert {e.kind for e in events} >= {"SubmissionWithdrawn", "TaskCancelled", "TaskCreated", "TimerArmed"}
    run.do(SubmitTask("a#1", {}))
    assert run.open == ["b#1"]


def test_a_journal_with_a_withdrawal_replays(run):
    run.do(AddComment("等等"))
    take_back(run, 2)
    run.do(SubmitTask("a#1", {}))

    assert list(replay(run.entries, run.load))[-1].divergence is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("other", "withdraw.not_yours"),
        ("acted", "withdraw.acted_on"),
        ("late", "withdraw.too_late"),
        ("open", "withdraw.no_submission"),
        ("reason", "form.refused"),
    ],
)
def test_withdrawal_is_refused(run, change, key):
    if change == "acted":
        run.do(ClaimTask("b#1"), "liqiang")
    if change == "late":
        run.at += timedelta(minutes=31)

    outcome = take_back(
        run,
        1 if change == "open" else 2,
        "liqiang" if change == "other" else "wangfang",
        "" if change == "reason" else "填错了",
    ) if change != "open" else withdraw(
        run.case, run.case, run.entries, WithdrawSubmission(1, "x"), Turn(run.at, "wangfang")
    )  # fmt: skip

    assert isinstance(outcome, Rejection)
    assert outcome.key == key
