"""The diff of two bundles in which every diagram, table and form differs, beside reading both bundles as XML alone.

`python -m bench.compare`
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from lxml import etree

from engine.definitions.diff import diff
from tests.support.world import shipped_files

ROUNDS: Final = 7
AIM: Final = 0.5
"""Seconds that issue 6 allows for two shipped bundles."""


EDITS: Final = (
    (b'isExecutable="true"', b'isExecutable="false"'),
    (b'camunda:candidateGroups="', b'camunda:candidateGroups="x'),
    (b"</bpmn:conditionExpression>", b" and true</bpmn:conditionExpression>"),
    (b"<text>", b"<text>x"),
    (b'"label": "', b'"label": "x'),
)


def edited() -> dict[str, bytes]:
    """The shipped files with every process, group, condition, cell and label changed."""
    files = {}
    for path, data in shipped_files().items():
        for before, after in EDITS:
            data = data.replace(before, after)
        files[path] = data
    return files


def best(run: Callable[[], object]) -> float:
    """Seconds of processor time: a diff waits for nothing, and other programs on the machine must not count."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    return min(found)


def report() -> None:
    old, new = shipped_files(), edited()
    told = diff(old, new)
    changes = sum(len(file.changes) for file in told.files)
    one = {**old, "bpmn/unit_handling.bpmn": new["bpmn/unit_handling.bpmn"]}
    xml = [data for side in (old, new) for path, data in side.items() if path.endswith((".bpmn", ".dmn"))]
    parsed = best(lambda: [etree.fromstring(data) for data in xml])
    whole, single = best(lambda: diff(old, new)), best(lambda: diff(old, one))
    count = f"all of {len(told.files)} files differ, {changes} changes"
    print(f"compare, {count}: {whole * 1000:.0f} ms (aim {AIM * 1000:.0f})")
    print(f"compare, one file differs: {single * 1000:.1f} ms; lxml alone, both bundles: {parsed * 1000:.0f} ms")


if __name__ == "__main__":
    report()
