"""The menu: which pages there are, in which order, and which action each needs. Shown only where allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import current_app, request, url_for

from engine.domain.organisation import CHIEF, LEADER

from .guards import actor_or_none, allowed


@dataclass(frozen=True, slots=True)
class Entry:
    endpoint: str
    action: str
    key: str
    icon: str
    phone: bool = False  # also in the bar at the bottom of a phone's screen
    unread: str = ""  # endpoint that counts what is new there
    also: str = ""  # another action that lets one in


@dataclass(frozen=True, slots=True)
class Item:
    """One entry as shown: `current` when the page belongs to it."""

    url: str
    key: str
    icon: str
    current: bool
    phone: bool
    unread_url: str


MENU: Final[tuple[tuple[str, tuple[Entry, ...]], ...]] = (
    (
        "nav.work",
        (
            Entry("dashboard.index", "view_case", "nav.start", "home"),
            Entry("inbox.index", "view_inbox", "nav.inbox", "inbox", phone=True, unread="inbox.unread"),
            Entry("search.index", "view_case", "nav.search", "search"),
            Entry("items.index", "view_items", "nav.items", "message"),
            Entry("registers.patrols", "view_registers", "nav.registers", "folders"),
            Entry("shared_cases.index", "view_registers", "nav.shared", "users"),
            Entry("duty.index", "view_registers", "nav.duty", "calendar"),
            Entry("feeds.index", "manage_feeds", "nav.feeds", "download"),
            Entry("topics.index", "view_all_cases", "nav.topics", "hierarchy"),
            Entry("register.index", "open_case", "nav.register", "plus", phone=True),
            Entry("cases.index", "view_case", "nav.cases", "folders", phone=True),
            Entry("clocks.index", "view_clocks_board", "nav.clocks", "clock", phone=True),
            Entry("wall.index", "view_clocks_board", "nav.wall", "clock"),
            Entry("documents.index", "view_documents", "nav.documents", "file"),
        ),
    ),
    (
        "nav.process",
        (
            Entry("studio.index", "view_bundles", "nav.studio", "edit", phone=True),
            Entry("deployments.index", "view_bundles", "nav.deployments", "route", phone=True),
            Entry("whatif.index", "view_bundles", "nav.whatif", "search"),
            Entry("migrations.index", "migrate_case", "nav.migrations", "arrow-right"),
            Entry("document_templates.index", "view_templates", "nav.templates", "edit"),
            Entry("phrases.index", "view_templates", "nav.phrases", "message"),
        ),
    ),
    (
        "nav.people",
        (
            Entry("admin.persons", "view_people", "nav.persons", "users", phone=True),
            Entry("office.units", "view_people", "nav.units", "building"),
            Entry("office.lines", "view_people", "nav.lines", "hierarchy"),
            Entry("office.absences", "view_people", "nav.absences", "calendar-off"),
            Entry("duty.index", "admin_people", "nav.duty", "calendar", also="admin_roles"),  # who has no work menu
            Entry("jobs.index", "view_jobs", "nav.jobs", "history"),
            Entry("delays.index", "view_jobs", "nav.delays", "clock"),
            Entry("api_tokens.index", "view_tokens", "nav.tokens", "key"),
            Entry("outbox.index", "view_outbox", "nav.outbox", "bell"),
            Entry("admin.roles", "view_roles", "nav.roles", "key", phone=True),
        ),
    ),
    (
        "nav.evidence",
        (
            Entry("audit.index", "audit", "nav.audit", "check", phone=True),
            Entry("evidence.index", "view_evidence", "nav.limits_evidence", "clock"),
            Entry("ledger.index", "view_evidence", "nav.ledger", "flag"),
            Entry("compliance.index", "view_evidence", "nav.compliance", "seal"),
            Entry("points.index", "view_registers", "nav.points", "flag", also="view_bundles"),
            Entry("checkpoints.index", "audit", "nav.checkpoints", "seal"),
            Entry("audit.looks", "audit", "nav.looks", "search"),
            Entry("audit.exports", "audit", "nav.exports", "download"),
            Entry("performance.index", "view_performance", "nav.performance", "route"),
            Entry("statistics.index", "view_performance", "nav.statistics", "folders"),
            Entry("unit_scores.index", "view_performance", "nav.scores", "flag"),
            Entry("agreement.index", "view_performance", "nav.agreement", "check"),
            Entry("statistics.repeated", "view_evidence", "nav.repeated", "history"),
            Entry("mining.index", "audit", "nav.mining", "download"),
            Entry("packages.index", "audit", "nav.packages", "folders"),
            Entry("admin.people_changes", "view_people_log", "nav.people_log", "history"),
            Entry("admin.security_events", "view_security_log", "nav.security_log", "shield", phone=True),
        ),
    ),
)

LEADERS_PHONE: Final = frozenset({"dashboard.index", "inbox.index", "cases.index", "clocks.index"})
"""A leader's phone has the start page in the bar, where everything that runs stands on one page, instead of 登记: that
is a button of the start page."""


def menu() -> list[tuple[str, list[Item]]]:
    """Groups of the menu for the signed-in person, empty ones left out; nothing for a stranger."""
    actor = actor_or_none()
    if actor is None:
        return []
    leads = bool(actor.acting_roles & {LEADER, CHIEF})
    here = request.endpoint or ""
    known = current_app.view_functions
    groups: list[tuple[str, list[Item]]] = []
    # Who audits works in the last group: for him it stands first.
    for title, entries in sorted(MENU, key=lambda group: allowed("audit") and group[0] != "nav.evidence"):
        offered = [entry for entry in entries if entry.endpoint in known and _open(entry)]
        exact = any(entry.endpoint == here for entry in offered)
        items = [
            _item(
                entry,
                _is_current(entry.endpoint, here, exact),
                entry.endpoint in LEADERS_PHONE if leads else entry.phone,
            )
            for entry in offered
        ]
        if items:
            groups.append((title, items))
    return groups


def phone_items(groups: list[tuple[str, list[Item]]]) -> list[Item]:
    """What fits the bar at the bottom of a phone's screen beside "more": the first four."""
    return [item for _, items in groups for item in items if item.phone][:4]


def _open(entry: Entry) -> bool:
    return allowed(entry.action) or bool(entry.also and allowed(entry.also))


def _item(entry: Entry, current: bool, phone: bool) -> Item:
    unread_url = url_for(entry.unread) if entry.unread in current_app.view_functions else ""
    return Item(url_for(entry.endpoint), entry.key, entry.icon, current, phone, unread_url)


def _is_current(endpoint: str, here: str, exact: bool) -> bool:
    """The page itself; a deeper page (`cases.show`) lights up its blueprint's list."""
    if exact:
        return endpoint == here
    blueprint, _, name = endpoint.partition(".")
    inside = here.partition(".")
    return inside[0] == blueprint and (name == "index" or inside[2].startswith(name.rstrip("s")))


def home() -> str:
    """Where a person lands after signing in: the auditor on his own start page, else the first page of the menu."""
    if allowed("audit"):
        return url_for("audit.index")
    groups = menu()
    return groups[0][1][0].url if groups else url_for("auth.account")
