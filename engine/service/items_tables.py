"""Tables of what comes in: items, their topics, and where they come from. No row of an item or a topic can be deleted,
and what an item said when it came can't be changed: the database itself refuses (R06: nothing is suppressed).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from engine.journal.append_only import POSTGRESQL_REFUSAL, after_create, sqlite_no_replacing
from engine.journal.schema import metadata

SOURCE_TYPES: Final = (
    "portal", "forum", "weibo", "wechat", "hotline", "news_comment", "short_video", "leader_board", "superior", "other",
)  # fmt: skip
"""R16 names the first six and says "等"; the same values as in forms/register.form."""
ROUTES: Final = ("manual", "hotline", "bookmarklet", "csv", "xlsx", "api", "feed", "mail")
"""How an item came in."""
STATES: Final = ("new", "linked", "opened", "irrelevant")
INSTANTS: Final = ("published_at", "captured_at", "discovered_at", "delivered_at", "signed_at")
KINDS: Final = ("appeal", "opinion", "suggestion", "inquiry", "tip_off", "publicity")
"""诉求、意见、建议、咨询、举报、宣传 (R19)."""
OFFER_STATES: Final = ("offered", "confirmed", "rejected", "split")
EDIT_STATES: Final = ("proposed", "accepted", "refused")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"{column}_known")


topics = Table(
    "topics",
    metadata,
    Column("topic_id", Integer, primary_key=True, comment="running number"),
    Column("title", Text, nullable=False, comment="of its first item; people may word it anew"),
    Column("case_id", Text, nullable=False, comment="its one case, '' before there is one"),
    Column("created_at", Text, nullable=False, comment="instant, UTC"),
    Column("created_by", Text, nullable=False, comment="login of who confirmed that two items are of one event"),
    Column("told_criterion", Text, nullable=False, comment="criterion last proposed for a higher grade (R48), or ''"),
    Column("told_at", Text, nullable=False, comment="instant of that proposal, UTC, or ''"),
    Index(
        "topics_one_case",
        "case_id",
        unique=True,
        sqlite_where=text("case_id <> ''"),
        postgresql_where=text("case_id <> ''"),
    ),
    comment="Items of one event, as people confirmed; one case a topic",
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    metadata,
    Column("item_id", Integer, primary_key=True, comment="running number"),
    Column(
        "identity", Text, nullable=False, unique=True, comment="hash of source and address, else of source and text"
    ),
    Column("content_hash", Text, nullable=False, index=True, comment="sha256 of the words of title and body: repeats"),
    Column("source_type", Text, nullable=False, comment="R16"),
    _one_of("source_type", SOURCE_TYPES),
    Column("source_name", Text, nullable=False, comment="site, account or hotline"),
    Column("url", Text, nullable=False, comment="address, '' for none"),
    Column("title", Text, nullable=False, comment="as it came, or its first words"),
    Column("body", Text, nullable=False, comment="as it came"),
    Column("author", Text, nullable=False, comment="name there, '' when unknown; masked in lists"),
    Column("contact", Text, nullable=False, comment="caller's number, ''; masked but for who handles the item"),
    Column("callback", Integer, nullable=False, comment="1: the caller wants to be called back"),
    Column("item_kind", Text, nullable=False, comment="appeal, opinion ... (R19), '' when not said"),
    Column("district", Text, nullable=False, comment="as said by the source or person, '' when not said"),
    Column("parent_id", Integer, ForeignKey("items.item_id"), index=True, comment="the item it comments on (R04)"),
    Column("published_at", Text, nullable=False, comment="instant, UTC; '' when unknown"),
    Column("captured_at", Text, nullable=False, comment="instant a vendor or feed took it, UTC; ''"),
    Column("discovered_at", Text, nullable=False, comment="instant somebody here, or our feed, saw it, UTC; ''"),
    Column("delivered_at", Text, nullable=False, comment="instant it was handed to who decides, UTC; ''"),
    Column("signed_at", Text, nullable=False, comment="instant that person first decided on it, UTC; ''"),
    Column("received_at", Text, nullable=False, comment="instant of this row, UTC"),
    Column("route", Text, nullable=False, comment="how it came in"),
    _one_of("route", ROUTES),
    Column("entered_by", Text, nullable=False, comment="login, token:<n>, feed:<n> or system:mail"),
    Column("unit", Text, nullable=False, comment="unit of who entered it, '' for machines"),
    Column("attachments", Text, nullable=False, comment="JSON list of file facts (id, name, size, sha256, media_type)"),
    Column("state", Text, nullable=False, comment="new until a person decides"),
    _one_of("state", STATES),
    Column("reason", Text, nullable=False, comment="of the decision, in words; ''"),
    Column("decided_by", Text, nullable=False, comment="login of who decided last, ''"),
    Column("decided_at", Text, nullable=False, comment="instant, UTC; ''"),
    Column("own_reply", Integer, nullable=False, comment="1: an echo of our own reply; linked, never opened"),
    Column("topic_id", Integer, ForeignKey(topics.c.topic_id), index=True, comment="as a person confirmed"),
    Column("case_id", Text, nullable=False, index=True, comment="case opened of it or linked to, ''"),
    Column("opening", Text, nullable=False, comment="id of the command that is about to open a case of it, ''"),
    Column("opening_at", Text, nullable=False, comment="instant, UTC; ''"),
    Column("assessed_at", Text, nullable=False, comment="instant of triage, UTC; '' while it waits"),
    Column("assessment", Text, nullable=False, comment="JSON: relevance, grade, criteria, words, subject, route; ''"),
    Column("grade_hint", Text, nullable=False, comment="suggested grade, unsure, or '' before triage"),
    Column("relevance_hint", Text, nullable=False, comment="relevant, irrelevant, unsure, or ''"),
    Index("items_inbox", "state", "item_id"),
    Index(
        "items_unassessed", "item_id", sqlite_where=text("assessed_at = ''"), postgresql_where=text("assessed_at = ''")
    ),
    Index("items_by_discovery", "discovered_at"),
    comment="Posts, calls, letters and comments as they came in. Never deleted; their words never change",
    sqlite_autoincrement=True,
)

item_offers = Table(
    "item_offers",
    metadata,
    Column("item_id", Integer, ForeignKey(items.c.item_id), primary_key=True, comment="which may be of the same event"),
    Column("target", Text, primary_key=True, comment="t:<topic> or i:<item without topic>"),
    Column("score", Float, nullable=False, comment="0 to 1"),
    Column("reasons", Text, nullable=False, comment="JSON list of words why"),
    Column("state", Text, nullable=False, comment="offered until a person decides"),
    _one_of("state", OFFER_STATES),
    Column("offered_at", Text, nullable=False, comment="instant, UTC"),
    Column("decided_by", Text, nullable=False, comment="login, ''"),
    Column("decided_at", Text, nullable=False, comment="instant, UTC; ''"),
    Column("reason", Text, nullable=False, comment="in words; ''"),
    Index("item_offers_of_target", "target"),
    comment="Topics offered for items. A rejection stays and is not offered again",
)

item_instant_edits = Table(
    "item_instant_edits",
    metadata,
    Column("edit_id", Integer, primary_key=True, comment="running number"),
    Column("item_id", Integer, ForeignKey(items.c.item_id), nullable=False, index=True, comment="of which item"),
    Column("instant", Text, nullable=False, comment="which of the five"),
    _one_of("instant", INSTANTS),
    Column("old", Text, nullable=False, comment="instant before, UTC; ''"),
    Column("new", Text, nullable=False, comment="instant wanted, UTC; '' to say it is unknown"),
    Column("reason", Text, nullable=False, comment="in words"),
    Column("proposed_by", Text, nullable=False, comment="login"),
    Column("proposed_at", Text, nullable=False, comment="instant, UTC"),
    Column("state", Text, nullable=False, comment="accepted changes the item"),
    _one_of("state", EDIT_STATES),
    Column("decided_by", Text, nullable=False, comment="login of a second person, ''"),
    Column("decided_at", Text, nullable=False, comment="instant, UTC; ''"),
    CheckConstraint("decided_by = '' OR decided_by <> proposed_by", name="item_instant_edits_two_people"),
    comment="Corrections of the five instants: a reason and a second person each",
    sqlite_autoincrement=True,
)

item_imports = Table(
    "item_imports",
    metadata,
    Column("import_id", Text, primary_key=True, comment="random"),
    Column("sha256", Text, nullable=False, comment="of the file, in the store"),
    Column("name", Text, nullable=False, comment="of the file, as shown"),
    Column("form", Text, nullable=False, comment="csv or xlsx"),
    Column("encoding", Text, nullable=False, comment="of a CSV file, ''"),
    Column("mapping", Text, nullable=False, comment="JSON object: field of an item -> number of its column"),
    Column("defaults", Text, nullable=False, comment="JSON object: field -> value where the file has none"),
    Column("asked_by", Text, nullable=False, comment="login"),
    Column("asked_at", Text, nullable=False, comment="instant, UTC"),
    Column("job", Text, nullable=False, comment="long job that carries it out, '' before"),
    Column("bad_sha256", Text, nullable=False, comment="of the refused rows (JSON lines), in the store; '' for none"),
    Index("item_imports_newest", "asked_at"),
    comment="Files of items that somebody brought in",
)

feeds = Table(
    "feeds",
    metadata,
    Column("feed_id", Integer, primary_key=True, comment="running number"),
    Column("name", Text, nullable=False, comment="for people; source name of its items"),
    Column("url", Text, nullable=False, unique=True, comment="http or https"),
    Column("source_type", Text, nullable=False, comment="of its items"),
    Column("every_minutes", Integer, nullable=False, comment="between two looks, 5 to 1440"),
    Column("active", Integer, nullable=False, comment="0: not looked at"),
    Column("etag", Text, nullable=False, comment="of the last answer, ''"),
    Column("modified", Text, nullable=False, comment="Last-Modified of the last answer, ''"),
    Column("looked_at", Text, nullable=False, comment="instant of the last look, UTC; ''"),
    Column("next_at", Text, nullable=False, index=True, comment="instant of the next look, UTC"),
    Column("failures", Integer, nullable=False, comment="looks in a row that failed"),
    Column("error", Text, nullable=False, comment="catalogue key of why the last look failed, ''"),
    Column("detail", Text, nullable=False, comment="what was said, ''"),
    Column("taken", Integer, nullable=False, comment="items that came of it in all"),
    Column("created_by", Text, nullable=False, comment="login"),
    Column("created_at", Text, nullable=False, comment="instant, UTC"),
    comment="RSS and Atom feeds that are read",
    sqlite_autoincrement=True,
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", Integer, primary_key=True, comment="running number"),
    Column("name", Text, nullable=False, comment="who uses it, e.g. a vendor or 12345"),
    Column("hash", Text, nullable=False, unique=True, comment="sha256 of the token, hex; the token itself is not kept"),
    Column("hint", Text, nullable=False, comment="its first characters, to tell tokens apart"),
    Column("source_type", Text, nullable=False, comment="of items that name none"),
    Column("per_minute", Integer, nullable=False, comment="requests a minute"),
    Column("created_by", Text, nullable=False, comment="login of the system admin"),
    Column("created_at", Text, nullable=False, comment="instant, UTC"),
    Column("expires_at", Text, nullable=False, comment="instant, UTC"),
    Column("revoked_by", Text, nullable=False, comment="login, ''"),
    Column("revoked_at", Text, nullable=False, comment="instant, UTC; ''"),
    Column("used_at", Text, nullable=False, comment="instant of the last request, to the minute, UTC; ''"),
    comment="Who may send items over HTTP. A token writes items and reads what became of its own; nothing of cases",
    sqlite_autoincrement=True,
)

api_answers = Table(
    "api_answers",
    metadata,
    Column("token_id", Integer, ForeignKey(api_tokens.c.token_id), primary_key=True, comment="whose"),
    Column("key", Text, primary_key=True, comment="Idempotency-Key of the request"),
    Column("request_hash", Text, nullable=False, comment="sha256 of the body"),
    Column("status", Integer, nullable=False, comment="HTTP status answered"),
    Column("answer", Text, nullable=False, comment="JSON body answered"),
    Column("at", Text, nullable=False, index=True, comment="instant, UTC; kept for seven days"),
    comment="First answers to requests with a key, given again when they come again",
)

api_calls = Table(
    "api_calls",
    metadata,
    Column("token_id", Integer, ForeignKey(api_tokens.c.token_id), primary_key=True, comment="whose"),
    Column("minute", Integer, primary_key=True, autoincrement=False, comment="minutes since 1970"),
    Column("calls", Integer, nullable=False, comment="requests in it"),
    comment="Requests a minute and token, over all processes; the last hours only",
)

SETTLED: Final = (
    "identity", "content_hash", "source_type", "source_name", "url", "title", "body", "author", "received_at", "route",
    "entered_by", "attachments",
)  # fmt: skip
"""Columns of an item that never change once it is in."""
_KEPT: Final = ("items", "topics", "item_offers", "item_instant_edits")
_SAID: Final = "items are kept as they came (R06)"

SQLITE_GUARDS: Final = (
    *(
        f"CREATE TRIGGER IF NOT EXISTS {table}_kept BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
        for table in _KEPT
    ),
    f"CREATE TRIGGER IF NOT EXISTS items_settled BEFORE UPDATE OF {', '.join(SETTLED)} ON items"
    f" BEGIN SELECT RAISE(ABORT, '{_SAID}'); END",
    sqlite_no_replacing("items", ["item_id"], said=_SAID),
    sqlite_no_replacing("topics", ["topic_id"], said=_SAID),
)
POSTGRESQL_GUARDS: Final = (
    POSTGRESQL_REFUSAL,
    *(
        f"CREATE OR REPLACE TRIGGER {table}_kept BEFORE DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to('{_SAID}')"
        for table in _KEPT
    ),
    f"CREATE OR REPLACE TRIGGER items_settled BEFORE UPDATE OF {', '.join(SETTLED)} ON items"
    f" FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to('{_SAID}')",
)

after_create("sqlite", SQLITE_GUARDS)
after_create("postgresql", POSTGRESQL_GUARDS)
