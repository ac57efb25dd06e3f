"""The inbox (我的待办): what waits for a person, his unit and his roles, the most pressing first."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, cast

from flask import Blueprint, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from engine.domain.organisation import DISTRICTS
from engine.readmodels import inbox
from engine.service import withdrawal

from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("inbox", __name__)

TABS: Final = ("mine", "unit", "role", "cosign", "copies", "done")
GRADES: Final = ("major_negative", "ordinary_negative", "positive")
PER_PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    view: str = "mine"
    q: str = ""
    grade: str = ""
    district: str = ""
    overdue: bool = False
    page: int = 1

    @staticmethod
    def of(args: MultiDict[str, str], counts: inbox.Counts) -> Asked:
        """Without a tab in the address, the first one where something waits: a leader's tasks come by role."""
        view = args.get("view", "")
        waiting = (tab for tab in TABS[:-1] if getattr(counts, tab))
        return Asked(
            view if view in TABS else next(waiting, "mine"),
            args.get("q", "").strip()[:100],
            args.get("grade", "")[:40],
            args.get("district", "")[:40],
            bool(args.get("overdue")),
            max(1, args.get("page", 1, type=int)),
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.grade or self.district or self.overdue)

    def url(self, **changed: Any) -> str:
        """The address of the same list with something changed; back to its first page unless a page is named."""
        values = asdict(replace(self, **{"page": 1, **changed}))
        said = {name: value for name, value in values.items() if value and (name, value) != ("page", 1)}
        return url_for("inbox.index", **said)


@blueprint.get("/inbox")
@requires("view_inbox")
def index() -> str:
    actor, now = current_actor(), services().clock.now()
    with reading() as conn:
        counts = inbox.counts(conn, groups=actor.groups, user_id=actor.user_id, now=now)
        asked = Asked.of(request.args, counts)
        found = inbox.list_tasks(
            conn,
            groups=actor.groups,
            user_id=actor.user_id,
            view=cast(inbox.View, asked.view),
            now=now,
            q=asked.q,
            grade=asked.grade,
            district=asked.district,
            overdue_only=asked.overdue,
            page=asked.page,
            per_page=PER_PAGE,
        )
        named = _named(Names(conn), found.rows)
    return render_template(
        "inbox/index.html", asked=asked, tabs=TABS, counts=counts, found=found, names=named, at=now,
        grades=GRADES, districts=DISTRICTS, page_url=lambda page: asked.url(page=page),
    )  # fmt: skip


@blueprint.get("/inbox/unread")
@requires("view_inbox", keeps_alive=False)
def unread() -> dict[str, int]:
    """What the mark beside the menu's entry says; asked for by every open page once a minute."""
    actor = current_actor()
    with reading() as conn:
        counts = inbox.counts(conn, groups=actor.groups, user_id=actor.user_id, now=services().clock.now())
    return {"unread": counts.mine + counts.cosign + counts.copies}


@blueprint.app_template_test("withdrawable")
def _withdrawable(row: inbox.InboxRow) -> bool:
    """For templates: `row is withdrawable`."""
    return withdrawal.is_offered(current_actor(), row.completed_by, row.completed_at, services().clock.now())


def _named(found: Names, rows: tuple[inbox.InboxRow, ...]) -> Names:
    logins = {login for row in rows for login in (row.assignee, row.owner, row.came_from)}
    return found.load(logins, {group for row in rows for group in row.candidates})
