"""Dumps of a PostgreSQL database by the client programs of this machine: one consistent moment while others write."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url


class NoClient(Exception):
    """A program of PostgreSQL's client is missing on this machine; the text names it."""


class Failed(Exception):
    """The client program ended with an error; the text is what it said."""


def dump(url: str, target: Path) -> None:
    """Writes the whole database to `target` in pg_dump's custom format. Owners and rights are left out: a restore
    belongs to who restores."""
    _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def restore(url: str, source: Path) -> None:
    """Fills an empty database from a dump, all or nothing."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", url, [*options, str(source)], "-d")


def _run(program: str, url: str, arguments: Sequence[str], before_database: str = "") -> None:
    found = shutil.which(program)
    if found is None:
        raise NoClient(program)
    parsed = make_url(url)
    plain = parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    # The password goes by the environment: arguments can be read by everybody on the machine.
    environment = {**os.environ, **({"PGPASSWORD": str(parsed.password)} if parsed.password else {})}
    command = [found, *arguments, *([before_database] if before_database else []), plain]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise Failed(f"{program}: {done.stderr.strip()}")
