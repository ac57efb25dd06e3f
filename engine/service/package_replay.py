"""Re-runs the cases of a package from its entries and bundles alone; called by the offline verifier and the import."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from engine.definitions.bundle import Bundle, read_bundle
from engine.journal.entry import StoredEntry, read_entry
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program
from engine.kernel.replay import Diverged, Divergence, replay

from . import package_files

Read = Callable[[str], bytes]
"""Gives a file of the package by its path. Raises what opening files raises."""


def index_of(read: Read) -> dict[str, Any]:
    index: dict[str, Any] = json.loads(read(package_files.INDEX))
    return index


def bundles_of(read: Read) -> dict[str, dict[str, bytes]]:
    """version -> files of each bundle in the package."""
    return {
        bundle["version"]: {one["path"]: read(one["stored"]) for one in bundle["files"]}
        for bundle in index_of(read)["bundles"]
    }


def entries_of(read: Read, stream: dict[str, Any]) -> list[StoredEntry]:
    """The entries of a stream with the hashes that the package gives. Checks nothing."""
    bodies = read(stream["entries_file"]).split(b"\n")[:-1]
    proofs = [json.loads(line) for line in read(stream["proofs_file"]).splitlines()]
    return [read_entry(body, str(proof["hash"])) for body, proof in zip(bodies, proofs, strict=True)]


def replayed(read: Read) -> list[dict[str, Any]]:
    """For each case: `case`, `file`, `entries` re-run, and `divergence`, the first difference or None."""
    loaded: dict[str, tuple[Program, Bundle]] = {}
    files = bundles_of(read)

    def load(version: str) -> tuple[Program, Bundle]:
        if version not in loaded:
            bundle = read_bundle(files[version])
            loaded[version] = compile_bundle(bundle), bundle
        return loaded[version]

    found = []
    for stream in index_of(read)["streams"]:
        if not stream["name"].startswith("_"):
            steps = 0
            last: Divergence | None = None
            try:
                for step in replay(entries_of(read, stream), load):
                    steps, last = steps + 1, step.divergence
            except Diverged as error:
                last = error.divergence
            found.append(
                {
                    "case": stream["name"],
                    "file": stream["entries_file"],
                    "entries": steps,
                    "divergence": None if last is None else asdict(last),
                }
            )
    return found
