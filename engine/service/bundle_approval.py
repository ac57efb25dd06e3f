"""A second pair of eyes: a draft is proposed, somebody else approves it or sends it back, then it is deployed.

Every step is an entry of the stream of deployments; while a draft is proposed or approved its files stand still.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import update

from engine.definitions.bundle import version_of
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.journal.store import SqlTransaction

from .bundle_draft_tables import APPROVED, DEPLOYED, OPEN, PROPOSED, bundle_drafts
from .bundle_drafts import Draft
from .deployments import APPROVED as APPROVED_EVENT
from .deployments import PROPOSED as PROPOSED_EVENT
from .deployments import SENT_BACK as SENT_BACK_EVENT
from .deployments import STREAM, Checked, Deployment, Origin
from .system_stream import add_entry

NO_REASON: Final = Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))


def deploy(
    services: Any, draft_id: str, actor: Actor, reason: str, command_id: str
) -> tuple[Checked, Deployment] | Rejection:
    """Deploys a draft that is open, or that was approved. Besides the refusals of `Deployments.deploy`: `conflict` when
    the live version moved on since the draft began, or it waits for approval."""
    draft = services.bundle_drafts.get(draft_id)
    if draft is None:
        return Rejection("not_found", "draft.unknown")
    if draft.state not in (OPEN, APPROVED):
        return Rejection("conflict", f"draft.still.{draft.state}")
    if draft.base_version != services.deployments.live():
        return Rejection("conflict", "draft.moved_on")
    reason = reason.strip() or (draft.reason if draft.state == APPROVED else "")
    files = services.bundle_drafts.files(draft_id)
    outcome: tuple[Checked, Deployment] | Rejection = services.deployments.deploy(
        files, actor.user_id, reason, command_id, Origin(draft_id)
    )
    if not isinstance(outcome, Rejection):
        with services.journal.writing() as tx:
            _set(tx, draft_id, state=DEPLOYED, reason=reason)
    return outcome


def propose(services: Any, draft_id: str, actor: Actor, reason: str, source: str = "") -> Draft | Rejection:
    """Asks for approval; from now on the files stand still. `source`: where they came from, for the record.

    Refused without a reason (`invalid`), with errors (`unsound`), and when there is nothing to approve or the live
    version moved on (`conflict`)."""
    reason = reason.strip()
    if not reason:
        return NO_REASON
    draft = services.bundle_drafts.get(draft_id)
    if draft is None:
        return Rejection("not_found", "draft.unknown")
    if draft.base_version != services.deployments.live():
        return Rejection("conflict", "draft.moved_on")
    files = services.bundle_drafts.files(draft_id)
    refused: Rejection | None = services.deployments.refusal(files)
    if refused is not None:
        return refused
    version = version_of(files)
    if version == draft.base_version:
        return Rejection("conflict", "bundle.is_live", {"version": version[:12]})
    changed = sorted(one.path for one in services.bundle_drafts.changes(draft))
    values = {"state": PROPOSED, "proposed_by": actor.user_id, "reason": reason, "note": ""}
    with services.journal.writing() as tx:
        if not _set(tx, draft_id, OPEN, seen=draft.revision, **values):
            return Rejection("conflict", "draft.changed_meanwhile")
        services.deployments.store(tx, version, files)
        event = {"draft": draft_id, "version": version, "base": draft.base_version, "title": draft.title}
        more = {"source": source} if source else {}
        _record(services, tx, actor, PROPOSED_EVENT, {**event, "files": changed, **more}, reason)
    return _now(services, draft_id)


def approve(services: Any, draft_id: str, actor: Actor) -> Draft | Rejection:
    """Approves what was proposed. Refused (`forbidden`) to who proposed it or changed a file of it."""
    draft = services.bundle_drafts.get(draft_id)
    if draft is None:
        return Rejection("not_found", "draft.unknown")
    if actor.user_id == draft.proposed_by:
        return Rejection("forbidden", "draft.own_proposal")
    if actor.user_id in {one.by for one in services.bundle_drafts.changes(draft)}:
        return Rejection("forbidden", "draft.own_change")
    version = version_of(services.bundle_drafts.files(draft_id))
    with services.journal.writing() as tx:
        if not _set(tx, draft_id, PROPOSED, state=APPROVED, approved_by=actor.user_id):
            return Rejection("conflict", "draft.not_proposed")
        event = {"draft": draft_id, "version": version, "proposed_by": draft.proposed_by}
        _record(services, tx, actor, APPROVED_EVENT, event, draft.reason)
    return _now(services, draft_id)


def send_back(services: Any, draft_id: str, actor: Actor, reason: str) -> Draft | Rejection:
    """Opens a proposed or approved draft again, with the reason; also how the proposer takes his proposal back."""
    reason = reason.strip()
    if not reason:
        return NO_REASON
    draft = services.bundle_drafts.get(draft_id)
    if draft is None:
        return Rejection("not_found", "draft.unknown")
    with services.journal.writing() as tx:
        if not _set(tx, draft_id, PROPOSED, APPROVED, state=OPEN, proposed_by="", approved_by="", note=reason):
            return Rejection("conflict", "draft.not_proposed")
        version = version_of(services.bundle_drafts.files(draft_id))
        event = {"draft": draft_id, "version": version, "proposed_by": draft.proposed_by}
        _record(services, tx, actor, SENT_BACK_EVENT, event, reason)
    return _now(services, draft_id)


def _now(services: Any, draft_id: str) -> Draft:
    found: Draft = services.bundle_drafts.get(draft_id)
    return found


def _set(tx: SqlTransaction, draft_id: str, *states: str, seen: int | None = None, **values: str) -> bool:
    """Changes the row of a draft that is in one of `states` (none: in any) and still of revision `seen`; whether it
    was."""
    where = bundle_drafts.c.draft_id == draft_id
    if states:
        where = where & bundle_drafts.c.state.in_(states)
    if seen is not None:
        where = where & (bundle_drafts.c.revision == seen)
    return bool(tx.connection.execute(update(bundle_drafts).where(where).values(**values)).rowcount)


def _record(services: Any, tx: SqlTransaction, actor: Actor, kind: str, facts: dict[str, Any], reason: str) -> None:
    command = {"kind": kind, "draft": facts["draft"], "version": facts["version"], "reason": reason}
    event = {"kind": kind, **facts}
    add_entry(tx, STREAM, services.clock.now(), actor.user_id, command, event, services.journal.algorithm)
