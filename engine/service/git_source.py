"""Which commit a folder's bundle comes from, so that a deployment can be found again in Git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from .bundle_folder import ROOTS, Unusable, in_bundle

SECONDS: Final = 20
CHANGED: Final = " +"
"""Stands behind the commit where the folder's files are not those of the commit."""


def source_of(folder: Path) -> str:
    """`git <commit>` of the checkout that `folder` is (or lies in), with CHANGED behind it when files of the bundle
    were changed and not committed; "" for a folder that is no checkout. Raises Unusable when Git can't say."""
    root = folder.resolve()
    if not root.is_dir() or not any((one / ".git").exists() for one in (root, *root.parents)):
        return ""
    commit = _git(root, "rev-parse", "HEAD").strip()
    changed = _git(root, "status", "--porcelain", "-z", "--", *ROOTS)
    dirty = any(in_bundle(_below(line[3:])) for line in changed.split("\0") if line)
    return f"git {commit}{CHANGED if dirty else ''}"


def _below(path: str) -> str:
    """A path as Git tells it (from the top of the checkout), from the first folder of a bundle on."""
    parts = path.split("/")
    first = next((place for place, part in enumerate(parts) if part in ROOTS), 0)
    return "/".join(parts[first:])


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise Unusable("git") from error
    except subprocess.CalledProcessError as error:
        raise Unusable(f"git: {error.stderr.strip()[:200]}") from error
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"git: {SECONDS} s") from error
    return done.stdout
