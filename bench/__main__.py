"""`python -m bench`: every benchmark, one after the other, beside its baseline."""

from __future__ import annotations

from bench import evidence, feel, inbox, loops, replay, sealing, soundness, submissions, verify

if __name__ == "__main__":
    feel.report()
    submissions.report()
    inbox.report()
    evidence.report()
    soundness.report()
    loops.report()
    replay.report()
    verify.report()
    sealing.report()
