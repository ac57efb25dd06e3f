"""Small wordings of the case pages: incidents, shares of a limit, numbers of papers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask.sansio.app import App

from engine.readmodels.clocks import LimitRow
from engine.readmodels.dossier import DocumentRow, IncidentRow
from engine.service import catalogue

from .catalogue import language, t
from .clock_text import span
from .formats import local


def said(key: str, details: Mapping[str, Any]) -> str:
    """The sentence `key`, with blanks that are sentences themselves (`reason`) in words too."""
    return catalogue.said(key, details, language())


def incident_said(incident: IncidentRow) -> str:
    """What happened."""
    return said(incident.message, incident.details)


def incident_todo(incident: IncidentRow) -> str:
    """What to do about it; a general advice for a kind that has none of its own."""
    key = f"{incident.message}.todo"
    text = said(key, incident.details)
    return t("case.incident.todo_general") if text == key else text


def outcome(value: str) -> str:
    """How a closed case ended."""
    key = f"outcome.{value}"
    return t("cases.status.closed") if t(key) == key else t(key)


def share(limit: LimitRow, now: datetime) -> int:
    """Hundredths of the limit that have passed, 0 to 100."""
    return round(100 * limit.elapsed_share(now))


def paper_number(name: str) -> str:
    """`3` of `late_report_no_3`; the name itself when it carries no number."""
    found = re.search(r"(\d+)$", name)
    return found[1] if found else name


def document_title(document: DocumentRow) -> str:
    """What the paper is called: its kind where the catalogue knows it, else the name of the step that made it."""
    key = f"document.kind.{document.document}"
    text = t(key)
    return document.title if text == key else text


def short(at: datetime | None) -> str:
    """`03-02 09:12`, for narrow columns beside the full instant elsewhere; '' for nothing."""
    return f"{local(at):%m-%d %H:%M}" if at else ""


def is_link(text: str) -> bool:
    """Whether a text typed by somebody may stand as an address: http and https only."""
    return text.startswith(("http://", "https://"))


def install(app: App) -> None:
    app.jinja_env.filters.update(
        incident_said=incident_said,
        incident_todo=incident_todo,
        outcome=outcome,
        share=share,
        paper_number=paper_number,
        is_link=is_link,
        span=lambda seconds: span(abs(seconds)),
        said=said,
        short=short,
        document_title=document_title,
    )
