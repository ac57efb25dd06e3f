"""The diff of two bundles in which every diagram, table and form differs, beside reading both bundles as XML alone.

`python -m bench.compare`
"""

from __future__ import annotations

import time
from collections.abc import Callable

from lxml import etree

from engine.definitions.diff import diff
from tests.support.world import shipped_files

ROUNDS = 7
AIM = 0.5
"""Seconds that issue 6 allows for two shipped bundles."""


def edited() -> dict[str, bytes]:
    """The shipped files with a change in each that holds a name, a label or a cell."""
    return {
        path: data.replace(b'name="', b'name="x').replace(b'"label": "', b'"label": "x').replace(b"<text>", b"<text>x")
        for path, data in shipped_files().items()
    }


def best(run: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        run()
        found.append(time.perf_counter() - begun)
    return min(found)


def report() -> None:
    old, new = shipped_files(), edited()
    told = diff(old, new)
    changes = sum(len(file.changes) for file in told.files)
    one = {**old, "bpmn/unit_handling.bpmn": new["bpmn/unit_handling.bpmn"]}
    xml = [data for side in (old, new) for path, data in side.items() if path.endswith((".bpmn", ".dmn"))]
    parsed = best(lambda: [etree.fromstring(data) for data in xml])
    whole, single = best(lambda: diff(old, new)), best(lambda: diff(old, one))
    print(
        f"compare, all of {len(told.files)} files differ, {changes} changes: {whole * 1000:.0f} ms (aim {AIM * 1000:.0f})"
    )
    print(
        f"compare, one file differs: {single * 1000:.1f} ms; XML of both bundles parsed by lxml: {parsed * 1000:.0f} ms"
    )


if __name__ == "__main__":
    report()
