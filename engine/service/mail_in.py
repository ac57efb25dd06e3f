"""A mail that a mail server hands over, as an item: subject, text, attachments. One message, one item; the same message
again changes nothing."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Final, cast

from engine.domain.codec import JSON
from engine.domain.rejection import Rejection

from . import item_fields, items
from .feed_reader import text_of
from .item_fields import NewItem
from .items import Added
from .transactions import writing

MOST_BYTES: Final = 25 * 1024 * 1024
MOST_FILES: Final = 10
ENTERED_BY: Final = "system:mail"


def take(services: Any, message: bytes, source_type: str, source_name: str = "") -> Added | Rejection:
    """Keeps the message. `source_name`: "" for the sender's name. Refused (`invalid`): no words in it, or too large."""
    if len(message) > MOST_BYTES:
        return Rejection("invalid", "sheet.too_large", {"limit": MOST_BYTES // 1024 // 1024})
    mail = email.message_from_bytes(message, policy=email.policy.default)
    now = services.clock.now()
    name, address = parseaddr(_header(mail, "From"))
    files, refused = _files(services, mail)
    body = _body(mail)
    if refused:
        body = f"{body}\n（未保存的附件：{'、'.join(refused)}）"
    values = {
        "title": _header(mail, "Subject")[:200], "body": body[:20_000], "source_type": source_type,
        "source_name": (source_name or name or address)[:100], "author": (name or address)[:100],
        "published_at": _sent(mail, now) or "",
    }  # fmt: skip
    made = item_fields.checked(values, now, route="mail", entered_by=ENTERED_BY)
    if isinstance(made, Rejection):
        return made
    new = NewItem(**{**{one: getattr(made, one) for one in NewItem.__dataclass_fields__}, "attachments": files})
    with writing(services.engine) as conn:
        added = items.add(conn, now, new)
        if not added.repeated:
            items.ask_for_triage(services, conn)
    return added


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # malformed headers of strangers
        return ""


def _sent(mail: EmailMessage, now: datetime) -> datetime | None:
    """When it says it was sent; None where it says nothing usable."""
    try:
        at = mail["Date"].datetime if mail["Date"] is not None else None
    except (AttributeError, ValueError, IndexError, OverflowError):
        return None
    if at is None:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if at <= now else None


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    text = _text(cast(EmailMessage, part))
    return text_of(text) if part.get_content_subtype() == "html" else text.strip()


def _text(part: EmailMessage) -> str:
    """The part's text; a wrong or unknown charset is read as UTF-8, then GB 18030, as Chinese mailers often mean."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "gb18030"):
        try:
            return raw.decode("gb18030" if charset.lower() in ("gb2312", "gbk") else charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("utf-8", "replace")


def _files(services: Any, mail: EmailMessage) -> tuple[tuple[Mapping[str, JSON], ...], list[str]]:
    """Facts of the stored attachments, and the names of those that are of no allowed type or too many."""
    kept: list[Mapping[str, JSON]] = []
    refused: list[str] = []
    for name, content in _attached(mail):
        fact = services.files.save(io.BytesIO(content), name) if len(kept) < MOST_FILES else None
        if fact is None or isinstance(fact, Rejection):
            refused.append(name[:60])
        else:
            kept.append(fact)
    return tuple(kept), refused


def _attached(mail: EmailMessage) -> Iterator[tuple[str, bytes]]:
    for part in mail.iter_attachments():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            yield part.get_filename() or "attachment", content
