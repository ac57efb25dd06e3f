"""`python -m bench`: every benchmark, one after the other, beside its baseline."""

from __future__ import annotations

from bench import evidence, feel, inbox, loops, sealing, soundness, submissions

if __name__ == "__main__":
    feel.report()
    submissions.report()
    inbox.report()
    evidence.report()
    soundness.report()
    loops.report()
    sealing.report()
