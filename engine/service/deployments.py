"""Bundles in the database: check, deploy, load, download. New cases run on the live one, running cases stay."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select

from engine import VERSION
from engine.definitions.bundle import SCENARIO, Bundle, read_bundle, version_of
from engine.domain.clock import Clock
from engine.domain.codec import canonical, instant_text
from engine.domain.rejection import FieldFault, Rejection
from engine.journal.entry import GENESIS, make_entry
from engine.journal.schema import bundle_files, bundles, deployments
from engine.journal.store import SqlJournal, SqlTransaction
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program

from . import scenarios
from .bundle_check import Checked, check

__all__ = ["Checked", "Deployment", "Deployments", "check"]

STREAM = "_deployments"
"""Journal stream that keeps who deployed what and why."""

DEPLOYED: Final = "BundleDeployed"
PROPOSED: Final = "BundleProposed"
APPROVED: Final = "BundleApproved"
SENT_BACK: Final = "BundleSentBack"
"""Kinds of events in the stream; the last three are of drafts, see bundle_approval."""

REMEMBERED: Final = 4
"""Checks kept: process owners at work at the same time."""

_FILES = (
    select(bundles.c.path, bundle_files.c.content)
    .join(bundle_files, bundle_files.c.sha256 == bundles.c.sha256)
    .where(bundles.c.version == bindparam("version"))
)
_LIVE = select(deployments.c.version).order_by(deployments.c.number.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Deployment:
    number: int
    version: str
    at: str
    actor: str
    reason: str
    findings: tuple[dict[str, Any], ...]
    approved_by: str = ""
    source: str = ""
    """Where the files came from, "" for a page or a folder: `git <commit>`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What else is recorded of a deployment: the draft it was, "" for none; where its files came from."""

    draft_id: str = ""
    source: str = ""


class Deployments:
    """`two_approvers`: nothing but the very first bundle is deployed without somebody else's approval."""

    def __init__(self, journal: SqlJournal, clock: Clock, *, two_approvers: bool = False) -> None:
        self._journal = journal
        self._clock = clock
        self.two_approvers = two_approvers
        self._loaded: dict[str, tuple[Program, Bundle]] = {}
        self._checked: dict[str, Checked] = {}
        self._checking: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def load(self, tx: SqlTransaction, version: str) -> tuple[Program, Bundle]:
        """The compiled bundle of a version; kept in memory. Raises KeyError for an unknown version."""
        with self._guard:
            if version in self._loaded:
                return self._loaded[version]
        files = self._files(tx, version)
        bundle = read_bundle(files)
        loaded = compile_bundle(bundle), bundle
        with self._guard:
            return self._loaded.setdefault(version, loaded)

    def checked(self, files: Mapping[str, bytes]) -> Checked:
        """`check` of a set of files; the last few are remembered, because a page that shows findings is asked for again
        and again while they are mended, and proofs take their time."""
        version = version_of(files)
        with self._guard:
            known = self._checked.get(version)
            alone = self._checking.setdefault(version, threading.Lock())
        if known is not None:
            return known
        with alone:  # who asks meanwhile waits for the same answer
            with self._guard:
                known = self._checked.get(version)
            if known is None:
                known = check(files)
            with self._guard:
                while len(self._checked) >= REMEMBERED:
                    self._checked.pop(next(iter(self._checked)))
                self._checked[version] = known
                self._checking.pop(version, None)
        return known

    def current_version(self, tx: SqlTransaction) -> str:
        """The live version. Raises KeyError when nothing is deployed."""
        version = tx.connection.scalar(_LIVE)
        if version is None:
            raise KeyError("no deployment")
        return str(version)

    def live(self) -> str:
        """The live version, "" when nothing is deployed."""
        with self._journal.reading() as tx:
            return str(tx.connection.scalar(_LIVE) or "")

    def files(self, version: str) -> dict[str, bytes]:
        """Every file of a version, byte for byte. Raises KeyError for an unknown version."""
        with self._journal.reading() as tx:
            return self._files(tx, version)

    def bundle(self, version: str = "") -> Bundle:
        """The bundle of a version, or the live one. Raises KeyError when there is none."""
        with self._journal.reading() as tx:
            return self.load(tx, version or self.current_version(tx))[1]

    def _files(self, tx: SqlTransaction, version: str) -> dict[str, bytes]:
        found = {row.path: bytes(row.content) for row in tx.connection.execute(_FILES, {"version": version})}
        if not found:
            raise KeyError(version)
        return found

    def history(self) -> list[Deployment]:
        """All deployments, the live one first."""
        with self._journal.reading() as tx:
            rows = tx.connection.execute(select(deployments).order_by(deployments.c.number.desc())).all()
            told = {entry.events[0].get("number"): entry.events[0] for entry in tx.read(STREAM)}
            return [
                Deployment(
                    r.number,
                    r.version,
                    r.at,
                    r.actor,
                    r.reason,
                    tuple(json.loads(r.findings)),
                    told.get(r.number, {}).get("approved_by", ""),
                    told.get(r.number, {}).get("source", ""),
                )
                for r in rows
            ]

    def deploy(
        self, files: Mapping[str, bytes], actor: str, reason: str, command_id: str, origin: Origin = Origin()
    ) -> tuple[Checked, Deployment] | Rejection:
        """Stores a bundle and makes it the live one. Refused (`invalid`) without a reason, (`unsound`) with errors,
        (`conflict`) when it is the live one already, (`forbidden`) where a second person must have approved it and
        nobody has. Requires that the caller checked the right to deploy."""
        if not reason.strip():
            return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
        refused = self.refusal(files)
        if refused is not None:
            return refused
        checked = self.checked(files)
        version = checked.bundle.version
        now = self._clock.now()
        with self._journal.writing() as tx:
            live = tx.connection.scalar(_LIVE)
            if live == version:
                return Rejection("conflict", "bundle.is_live", {"version": version[:12]})
            approved_by = approver(tx, origin.draft_id, version)
            if self.two_approvers and live is not None and not approved_by:
                return Rejection("forbidden", "bundle.needs_approval")
            self.store(tx, version, files)
            number = (tx.connection.scalar(select(func.max(deployments.c.number))) or 0) + 1
            findings = tuple(asdict(f) for f in checked.findings)
            deployment = Deployment(
                number, version, instant_text(now), actor, reason.strip(), findings, approved_by, origin.source
            )
            tx.connection.execute(
                insert(deployments).values(
                    number=number,
                    version=version,
                    at=deployment.at,
                    actor=actor,
                    reason=deployment.reason,
                    findings=json.dumps(findings, ensure_ascii=False, default=str),
                )
            )
            head = tx.head(STREAM)
            command = {"kind": "DeployBundle", "version": version, "reason": deployment.reason}
            event: dict[str, Any] = {"kind": DEPLOYED, "number": number, "version": version, "files": sorted(files)}
            event["scenarios"] = len(scenarios.results(checked))
            more = {"draft": origin.draft_id, "source": origin.source, "approved_by": approved_by}
            event.update({name: value for name, value in more.items() if value})
            tx.append(
                make_entry(
                    case_id=STREAM,
                    seq=1 if head is None else head.seq + 1,
                    at=now,
                    actor=actor,
                    on_behalf_of="",
                    command_id=command_id,
                    command=command,
                    bundle=version,
                    engine_version=VERSION,
                    events=[event],
                    state_digest=hashlib.sha256(canonical(event)).hexdigest(),
                    prev_hash=GENESIS if head is None else head.hash,
                    algorithm=self._journal.algorithm,
                )
            )
        return checked, deployment

    def refusal(self, files: Mapping[str, bytes]) -> Rejection | None:
        """Why these files can't be deployed as they are (`unsound`): errors, or scenarios of theirs that fail; None
        when they can."""
        checked = self.checked(files)
        if checked.blocked:
            errors = sum(f.severity == "error" for f in checked.findings)
            return Rejection("unsound", "bundle.blocked", {"errors": errors})
        return scenarios.refusal(checked)

    def alike(self, version: str, files: Mapping[str, bytes]) -> bool:
        """Whether a stored version is these files but for scenarios: cases go the same way on both."""
        with self._journal.reading() as tx:
            rows = tx.connection.execute(select(bundles.c.path, bundles.c.sha256).where(bundles.c.version == version))
            stored = {row.path: row.sha256 for row in rows if not row.path.endswith(SCENARIO)}
        wanted = {path: content for path, content in files.items() if not path.endswith(SCENARIO)}
        return stored == {path: hashlib.sha256(content).hexdigest() for path, content in wanted.items()}

    def store(self, tx: SqlTransaction, version: str, files: Mapping[str, bytes]) -> None:
        """Keeps the files of a version, without making it live; does nothing when they are here."""
        if tx.connection.scalar(select(bundles.c.path).where(bundles.c.version == version).limit(1)) is not None:
            return
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        known = set(
            tx.connection.scalars(select(bundle_files.c.sha256).where(bundle_files.c.sha256.in_(set(hashes.values()))))
        )
        fresh = {hashes[path]: content for path, content in files.items() if hashes[path] not in known}
        if fresh:
            tx.connection.execute(insert(bundle_files), [{"sha256": h, "content": c} for h, c in fresh.items()])
        tx.connection.execute(
            insert(bundles), [{"version": version, "path": p, "sha256": h} for p, h in sorted(hashes.items())]
        )


def approver(tx: SqlTransaction, draft_id: str, version: str) -> str:
    """Login of who approved this version of the draft, by the journal; "" when nobody did or it was sent back since."""
    found = ""
    for entry in tx.read(STREAM) if draft_id else ():
        event = entry.events[0]
        if event.get("draft") == draft_id:
            found = entry.actor if event["kind"] == APPROVED and event["version"] == version else ""
    return found
