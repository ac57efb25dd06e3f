"""Which bundle a page or a command means: the live one, a version by its beginning, or a draft."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import select

from engine.journal.schema import bundles

LIVE: Final = "live"
DRAFT: Final = "draft:"
SHORTEST: Final = 4
"""Hex digits by which a version may be named."""
_VERSION: Final = re.compile(r"[0-9a-f]{4,64}")


def resolve(services: Any, name: str) -> tuple[str, dict[str, bytes]] | None:
    """(label, files) of a bundle; None when there is none of that name, or several begin so.

    `name`: a version or its unique beginning of at least SHORTEST digits, `live`, or `draft:<id>`. The label is short
    and can be shown: twelve digits of a version, the title of a draft.
    """
    if name.startswith(DRAFT):
        draft = services.bundle_drafts.get(name.removeprefix(DRAFT))
        return None if draft is None else (draft.title, services.bundle_drafts.files(draft.draft_id))
    version = version_named(services, name)
    return None if version is None else (version[:12], services.deployments.files(version))


def version_named(services: Any, name: str) -> str | None:
    """The version that `name` (`live`, or the beginning of one) means; None as for `resolve`."""
    if name == LIVE:
        return services.deployments.live() or None
    if not _VERSION.fullmatch(name):
        return None
    with services.engine.connect() as conn:
        found = conn.scalars(select(bundles.c.version).where(bundles.c.version.startswith(name)).distinct().limit(2))
        versions = found.all()
    return str(versions[0]) if len(versions) == 1 else None
