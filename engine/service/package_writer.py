"""Writes the content of a package into a bag: entries, proofs, bundles, attachments, documents, reports, verifier."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from sqlalchemy import Connection

from engine import VERSION as ENGINE_VERSION
from engine.definitions.bundle import Bundle
from engine.domain.calendar import ZONE
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry
from engine.journal.store import SqlTransaction
from engine.kernel.replay import Diverged, replay
from engine.readmodels import cases, dossier

from . import (
    package_documents,
    package_files,
    package_log,
    package_metadata,
    package_people,
    report,
    report_html,
)
from .exports import Watermark
from .package_bag import Bag
from .package_log import SealedLog
from .package_selection import Selection
from .report_words import Words

LOG_STREAMS: Final = ("_deployments", "_keys", "_imports")
"""Streams that go along: who deployed the bundles, which keys signed, where imported cases came from."""
NOTICE: Final = (
    "本报告由案件记录自动生成，便于阅读；如有出入，以归档包中的记录（data/entries）为准。内部资料，不得外传。"
)


@dataclass(slots=True)
class Writer:
    """One package being written. `font`: for the PDF reports."""

    services: Any
    selection: Selection
    mark: Watermark
    log: SealedLog
    font: Path

    def write(self, target: IO[bytes]) -> None:
        """Writes the whole zip. Reads one state of the database from beginning to end."""
        algorithms = ("sha256",) if self.log.algorithm == "sha256" else ("sha256", self.log.algorithm)
        bag = Bag(target, self.base, algorithms)
        try:
            with snapshot(self.services) as tx:
                index = self._payload(bag, tx)
            bag.text(package_files.INDEX, package_files.json_text(index))
            bag.text("README.txt", package_files.README)
            bag.add("verify.py", [package_files.VERIFIER.read_bytes()])
            bag.close(self._bag_info(str(index["issuer"])))
        except BaseException:
            bag.abandon()
            raise

    @property
    def base(self) -> str:
        """Folder in the zip and stem of its name: plain ASCII."""
        if self.selection.kind == "selection":
            return f"cases-{self.mark.number}"
        return f"{self.selection.kind}-{self.selection.subject}"

    def _payload(self, bag: Bag, tx: SqlTransaction) -> dict[str, JSON]:
        streams: list[dict[str, JSON]] = []
        versions: dict[str, None] = {}
        mentioned: set[str] = set()
        attached: dict[str, list[dict[str, JSON]]] = {}
        papers = package_documents.entries_of(tx.connection, frozenset(self.selection.cases))
        told = package_documents.listed(papers)
        for case_id in self.selection.cases:
            entries = tx.read(case_id)
            streams.append(self._stream(bag, tx, case_id, entries))
            versions.update(dict.fromkeys(entry.bundle for entry in entries))
            mentioned |= package_people.mentioned(entries)
            for sha256, names in package_files.attachments(entries).items():
                attached.setdefault(sha256, []).extend(names)
            self._readable(bag, tx, case_id, entries, [one for one in told if one["case"] == case_id])
        there = set(tx.streams())
        for stream in LOG_STREAMS:
            if stream in there:
                entries = tx.read(stream)
                streams.append(self._stream(bag, tx, stream, entries))
                mentioned |= {entry.actor for entry in entries}
        mentioned |= package_people.mentioned(papers)
        documents = package_documents.write(self.services, bag, tx.connection, papers, self.log)
        people = package_people.directory(tx.connection, mentioned)
        bag.text(package_files.PEOPLE, package_files.json_text(people))
        self._attachments(bag, attached)
        self._log(bag, tx.connection)
        return {
            "format": package_files.FORMAT,
            "version": package_files.VERSION,
            "kind": self.selection.kind,
            "period": self.selection.period,
            "cases": list(self.selection.cases),
            "issuer": self._issuer(tx, next(iter(versions))),
            "hash": self.log.algorithm,
            "log": {"origin": self.log.origin, "size": self.log.size, "sealed": bool(self.log.note)},
            "streams": streams,
            "documents": documents,
            "bundles": [self._bundle(bag, version) for version in versions],
        }

    def _stream(self, bag: Bag, tx: SqlTransaction, stream: str, entries: Sequence[StoredEntry]) -> dict[str, JSON]:
        files = {name: package_files.stream_file(name, stream) for name in ("entries", "proofs")}
        bag.add(files["entries"], package_files.entry_lines(entries))
        sealed = 0

        def lines() -> Iterator[bytes]:
            nonlocal sealed
            for proof in package_log.proofs(tx.connection, entries, self.log):
                sealed += proof["leaf"] is not None
                yield (json.dumps(proof, sort_keys=True) + "\n").encode()

        bag.add(files["proofs"], lines())
        return {
            "name": stream,
            "entries": len(entries),
            "sealed": sealed,
            "entries_file": files["entries"],
            "proofs_file": files["proofs"],
        }

    def _readable(
        self,
        bag: Bag,
        tx: SqlTransaction,
        case_id: str,
        entries: Sequence[StoredEntry],
        documents: Sequence[Mapping[str, Any]],
    ) -> None:
        conn, deployments = tx.connection, self.services.deployments
        bundles: dict[str, Bundle] = {
            version: deployments.load(tx, version)[1] for version in dict.fromkeys(entry.bundle for entry in entries)
        }
        data: dict[str, JSON] = {}
        try:
            for step in replay(entries, lambda version: deployments.load(tx, version)):
                data = dict(step.case.data)
        except Diverged:
            # Also what somebody has changed must come out, to be shown: without the data that nobody can tell.
            data = {}
        # The PDF library takes a sixth of the time that all modules need to load: only who exports waits for it.
        from . import report_pdf

        made = report.make(conn, case_id, entries, bundles, data)
        bag.text(f"data/reports/{case_id}.html", report_html.html(made, self.mark.text, NOTICE))
        bag.add(
            f"data/reports/{case_id}.pdf",
            [report_pdf.pdf(made, self.mark.text, NOTICE, self.mark.at, self.font)],
            packed=False,
        )
        row, bundle = cases.get(conn, case_id), bundles[entries[-1].bundle]
        assert row is not None
        files = dossier.files_of(conn, case_id)
        seal = {"日志": self.log.origin, "校验点时间": self.log.time, "校验点条数": str(self.log.size)}
        metadata = package_metadata.xml(
            row, bundle, entries, files, documents, data, Words(conn, bundle), seal if self.log.note else {}
        )
        bag.add(f"data/metadata/{case_id}.xml", [metadata])

    def _bundle(self, bag: Bag, version: str) -> dict[str, JSON]:
        files = self.services.deployments.files(version)
        stored = package_files.bundle_names(version, list(files))
        for path in sorted(files):
            bag.add(stored[path], [files[path]])
        return {"version": version, "files": [{"path": path, "stored": stored[path]} for path in sorted(files)]}

    def _attachments(self, bag: Bag, attached: dict[str, list[dict[str, JSON]]]) -> None:
        rows: list[dict[str, JSON]] = []
        for sha256 in sorted(attached):
            name = package_files.attachment_name(sha256, attached[sha256])
            size = int(attached[sha256][0]["size"])
            try:
                with self.services.files.open(sha256) as source:
                    packed = PurePosixPath(name).suffix in package_files.PACKED
                    bag.add(name, package_files.chunks(source), size=size, packed=packed)
            except FileNotFoundError:
                name = ""  # told in the index, and found fault with by the verifier: the evidence is not whole
            rows.append({"sha256": sha256, "size": size, "stored": name, "names": attached[sha256]})
        bag.text(package_files.ATTACHMENTS, package_files.json_text(rows))

    def _log(self, bag: Bag, conn: Connection) -> None:
        bag.text(package_files.KEYS, package_files.json_text(package_log.keys(conn, self.log.origin)))
        if self.log.note:
            bag.text(package_files.CHECKPOINT, self.log.note)
            lines = (json.dumps(one, ensure_ascii=False, sort_keys=True) for one in package_log.earlier(conn, self.log))
            bag.add(package_files.EARLIER, (f"{line}\n".encode() for line in lines))

    def _issuer(self, tx: SqlTransaction, version: str) -> str:
        bundle: Bundle = self.services.deployments.load(tx, version)[1]
        return str(bundle.regulation.get("profile", {}).get("issuer", ""))

    def _bag_info(self, issuer: str) -> list[tuple[str, str]]:
        return [
            ("Source-Organization", issuer),
            ("External-Identifier", self.selection.subject),
            ("External-Description", f"网络舆情案件归档包 {self.selection.subject}"),
            ("Bagging-Date", f"{self.mark.at.astimezone(ZONE):%Y-%m-%d}"),
            ("Bag-Software-Agent", f"opinion-cases {ENGINE_VERSION}"),
            ("Export-Watermark", self.mark.text),
        ]


@contextmanager
def snapshot(services: Any) -> Iterator[SqlTransaction]:
    """A reading transaction in which the whole package sees one state, whatever is written meanwhile."""
    engine = services.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        yield SqlTransaction(connection)
