"""The command `whatif`: the sums of a run and each case that would have gone otherwise. Nothing of it is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.domain.codec import JSON
from engine.domain.rejection import Rejection

from . import whatif, whatif_labels, whatif_sample
from .bootstrap import Services
from .catalogue import said, sentence


def run(services: Services, target: str, filters: Mapping[str, str], as_json: bool, out: Callable[[str], Any]) -> int:
    """The exit code: 0 every case goes the same way, 1 some do not, 2 there is no such bundle or it can't be run."""
    found = whatif.candidate(services, target)
    if isinstance(found, Rejection):
        out(said(found.key, found.details))
        return 2
    version, label = found
    with services.engine.connect() as conn:
        numbers = whatif.chosen(conn, filters)
        limits = dict(whatif_labels.limits(conn))
    counted, others = whatif.Counted(), list[JSON]()

    def keep(rows: list[JSON]) -> None:
        for row in rows:
            counted.add(row)
            if row["verdict"] != "same" or row["outcome"]["spared"]:
                others.append(row)

    began = time.monotonic()
    url, algorithm = services.settings.database_url, services.journal.algorithm
    task = whatif_sample.Task(url, algorithm, version, services.clock.now())
    processes = whatif_sample.over(task, numbers, services.engine, keep) if numbers else 0
    summary = counted.summary(time.monotonic() - began, processes)
    others.sort(key=lambda row: str(row["case_id"]))
    if as_json:
        told = {"schema": 1, "version": version, "label": label, **summary, "differ": others}
        out(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        for row in others:
            out(_line(row, limits))
        verdicts = " ".join(f"{_word(name)} {count}" for name, count in summary["verdicts"].items())
        out(f"{label}: {verdicts} ({summary['cases']} 件, {summary['entries']} 条记录, {summary['seconds']} 秒)")
    return 1 if others else 0


def _line(row: JSON, limits: Mapping[str, str]) -> str:
    outcome = row["outcome"]
    said_of = [
        f"{mark}{limits.get(one['limit'], one['limit'])}"
        for side, mark in (("would", "+"), ("spared", "-"))
        for one in outcome[side]
    ]
    at = outcome["stuck"]["seq"] if outcome["stuck"] else outcome["step"]
    return "  ".join([row["case_id"], _word(row["verdict"]), *([f"#{at}"] if at else []), *said_of])


def _word(verdict: str) -> str:
    return sentence(f"whatif.verdict.{verdict}", {})
