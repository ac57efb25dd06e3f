"""`verify` as a long job: asked for on the page of checkpoints, its report kept as the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import func, select

from engine.domain.codec import JSON
from engine.journal.schema import entries

from .bootstrap import Services
from .long_jobs import Progress
from .verify import verify

KIND: Final = "verify"
LOOKS_PER_ENTRY: Final = 4
"""How often each entry is looked at, about: in its chain, the tree, its replay, the read models."""


def work(services: Services, args: Mapping[str, JSON], progress: Progress) -> JSON:
    """The report of docs/verify.md as an object; `faults_in_all` of a part: how many, those not listed included."""
    with services.engine.connect() as conn:
        total = (conn.scalar(select(func.count()).select_from(entries)) or 0) * LOOKS_PER_ENTRY
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    progress(0, total)
    report: JSON = json.loads(verify(services, tick=tick).as_json())
    for part in report["parts"]:
        part["faults_in_all"] = len(part["faults"]) + part["more"]
    return report
