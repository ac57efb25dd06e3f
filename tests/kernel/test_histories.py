"""Every history of a released version replays on this engine, entry by entry, to the same events and digests."""

import pytest

from engine.journal.chain import verify_chain
from engine.kernel.replay import replay
from tests.support.histories import FOLDER, Histories

RELEASES = {
    "0.1.0-a": 231,  # the regulation, before all of BPMN was read
    "0.1.0-b": 486,
}
"""Release -> how many histories it left. A file in tests/histories is never written again."""


def test_no_release_has_lost_its_histories():
    assert {path.stem for path in FOLDER.glob("*.zip")} == RELEASES.keys()


@pytest.mark.parametrize("release", sorted(RELEASES))
def test_histories_of_a_release_replay_for_ever(release):
    seen = 0

    for history in Histories(FOLDER / f"{release}.zip"):
        steps = list(replay(history.entries, history.load))
        assert steps[-1].divergence is None, f"{history.name}: {steps[-1].divergence}"
        assert len(steps) == len(history.entries), history.name
        assert verify_chain(history.entries) == [], history.name
        seen += 1

    assert seen == RELEASES[release]


def test_a_history_changed_by_one_value_does_not_replay():
    """Negative control: the check above can fail."""
    history = next(h for h in Histories(FOLDER / "0.1.0-b.zip") if len(h.entries) > 5)
    first = history.entries[0]
    changed = type(first)(**{**{f: getattr(first, f) for f in first.__slots__}, "state_digest": "0" * 64})

    steps = list(replay([changed, *history.entries[1:]], history.load))

    assert [(s.divergence.seq, s.divergence.what) for s in steps if s.divergence] == [(1, "digest")]
