"""The figures that the journal, the seal and the processes give; each reads an index or rows that are always few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from . import metrics, processes
from .proof_state import proof_state


def _seal(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    state = proof_state(conn)
    return {"waiting": float(state.waiting), "sealed": float(state.size)}


def _seal_age(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    """`checkpoint`: since the newest one; `unsealed`: of the oldest entry that waits, 0 when none does."""
    state = proof_state(conn)
    ages: dict[metrics.Labels, float] = {
        "unsealed": (now - state.oldest).total_seconds() if state.oldest is not None else 0.0
    }
    if state.at is not None:
        ages["checkpoint"] = (now - state.at).total_seconds()
    return ages


def _processes(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    counted = Counter((one.kind, one.version) for one in processes.alive(conn, now))
    return {labels: float(number) for labels, number in counted.items()}


def _workers(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    return {(): float(sum(one.fires for one in processes.alive(conn, now)))}


metrics.gauge("opinion_journal_entries", "Entries of the journal: in checkpoints, waiting", _seal, ("state",))
metrics.gauge("opinion_seal_age_seconds", "Age of the newest checkpoint, of the oldest entry", _seal_age, ("of",))
metrics.gauge("opinion_processes", "Processes that gave a sign of life lately", _processes, ("kind", "version"))
metrics.gauge("opinion_workers", "Those of them that fire timers; 0: no limit is fired by itself", _workers)
