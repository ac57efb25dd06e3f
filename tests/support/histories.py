"""Histories of released versions: what their engine wrote, kept for ever (tests/histories/VERSION.zip).

A zip holds `bundles/<version>/<path>` and `cases/<name>.jsonl`: the stored bodies of one case's entries, one a line.
`cases/<name>.parameters.json` holds parameters of a bundle without a profile. A file once committed is never written
again: a later engine that can't replay it is the one that is wrong.

Recording, once for each release, from its own checkout: every case that a test makes becomes a history.

    python -m pytest -p tests.support.histories tests/process tests/kernel --histories FOLDER
    python -m tests.support.histories FOLDER tests/histories/VERSION.zip
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.definitions.bundle import Bundle, read_bundle
from engine.journal.entry import StoredEntry, read_entry
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program
from engine.kernel.record import Loader
from engine.kernel.replay import replay

FOLDER = Path(__file__).parents[1] / "histories"


@dataclass(frozen=True, slots=True)
class History:
    """One case of a released version."""

    release: str
    name: str
    entries: tuple[StoredEntry, ...]
    load: Loader


class Histories:
    """The histories of one release; bundles are read and compiled once."""

    def __init__(self, path: Path) -> None:
        self.release = path.stem
        self._zip = zipfile.ZipFile(path)
        self._names = self._zip.namelist()
        self._bundles: dict[tuple[str, str], tuple[Program, Bundle]] = {}

    def __iter__(self) -> Iterator[History]:
        for name in sorted(n for n in self._names if n.endswith(".jsonl")):
            bodies = self._zip.read(name).splitlines()
            entries = tuple(read_entry(body, hashlib.sha256(body).hexdigest()) for body in bodies)
            stem = name.removesuffix(".jsonl")
            extra = f"{stem}.parameters.json"
            parameters = self._zip.read(extra).decode() if extra in self._names else ""
            yield History(self.release, Path(stem).name, entries, self._loader(parameters))

    def _loader(self, parameters: str) -> Loader:
        return lambda version: self._load(version, parameters)

    def _load(self, version: str, parameters: str) -> tuple[Program, Bundle]:
        if (version, parameters) not in self._bundles:
            below = f"bundles/{version}/"
            files = {n.removeprefix(below): self._zip.read(n) for n in self._names if n.startswith(below)}
            if not files:
                raise KeyError(version)
            bundle = read_bundle(files)
            if parameters:
                bundle.regulation = {**bundle.regulation, "parameters": json.loads(parameters)}
            self._bundles[version, parameters] = compile_bundle(bundle), bundle
        return self._bundles[version, parameters]


# --- recording: a pytest plugin -------------------------------------------------------------------------------------


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--histories", required=True, help="folder to write every case of the run into")


def pytest_configure(config: Any) -> None:
    from tests.support import diagrams, world

    folder = Path(config.getoption("--histories"))
    made: list[Any] = []
    config.stash_made = made
    for cls in (diagrams.Run, world.World):
        _remember(cls, made)
    folder.mkdir(parents=True, exist_ok=True)


def _remember(cls: Any, made: list[Any]) -> None:
    begin = cls.__init__

    def init(self: Any, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        made.append(self)

    cls.__init__ = init


def pytest_runtest_teardown(item: Any) -> None:
    """Before the fixtures go: what this test made, if it replays (some tests spoil their histories on purpose)."""
    made, folder = item.config.stash_made, Path(item.config.getoption("--histories"))
    for number, one in enumerate(made):
        name = f"{Path(item.fspath).stem}-{item.name}-{number}".replace("/", "_")[:150]
        if hasattr(one, "services"):
            _world(folder, name, one.services)
        elif one.entries and not one.program.played:
            bundles = {version: bundle.files for version, (_, bundle) in one.known.items()}
            _keep(folder, name, one.entries, one.load, bundles, one.bundle.parameters)
    made.clear()


def _world(folder: Path, name: str, services: Any) -> None:
    with services.journal.reading() as tx:
        for stream in tx.streams():
            if not stream.startswith("_"):
                entries = tx.read(stream)
                versions = {e.bundle for e in entries} | {e.command.get("bundle", e.bundle) for e in entries}
                files = {version: services.deployments.files(version) for version in versions}
                load = services.application.live.loader(tx)
                _keep(folder, f"{name}-{stream}", entries, load, files, None)


def _keep(folder: Path, name: str, entries: Any, load: Loader, bundles: Any, parameters: Any) -> None:
    if any(step.divergence is not None for step in replay(entries, load)):
        return
    for version, files in bundles.items():
        for path, content in files.items():
            target = folder / "bundles" / version / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    cases = folder / "cases"
    cases.mkdir(exist_ok=True)
    (cases / f"{name}.jsonl").write_bytes(b"".join(entry.body + b"\n" for entry in entries))
    if parameters is not None:
        (cases / f"{name}.parameters.json").write_text(json.dumps(parameters), encoding="utf-8")


def pack(folder: Path, target: Path) -> int:
    """Writes the zip; the same files give the same bytes. Returns how many histories it holds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "x", zipfile.ZIP_LZMA) as archive:
        for path in files:
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_LZMA)
    return sum(path.suffix == ".jsonl" for path in files)


if __name__ == "__main__":
    sys.stdout.write(f"{pack(Path(sys.argv[1]), Path(sys.argv[2]))} histories\n")
