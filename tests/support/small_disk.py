"""A disk of a few megabytes for one database of PostgreSQL: its tables lie on it, the server's own files do not.

A file system in memory, which only root may mount; where the tests run as another user, or root may not, there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.support.databases import execute
from tests.support.durable_postgres import DurablePostgres

MEGABYTES = 64
BLOCK = 8192
"""What PostgreSQL makes a file longer by."""


def is_possible() -> bool:
    """Whether this process may mount a file system: root may not everywhere. Leaves nothing behind."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="opinion-probe-") as place:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
            return False
        subprocess.run(["umount", "--lazy", place], check=True)
    return True


HERE = is_possible()


class SmallDisk:
    """`place`: where it is mounted. Requires that the server runs on this machine."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self, spare: int) -> None:
        """Leaves room for `spare` blocks."""
        with self._filler.open("wb") as file:
            free = shutil.disk_usage(self.place).free // BLOCK
            for _ in range(free - spare):
                file.write(b"\0" * BLOCK)

    def clear(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(server: DurablePostgres, database: str) -> Iterator[SmallDisk]:
    """The disk, with `database` moved onto it. Requires that nobody is connected to it; moves it back at the end."""
    owner = server.runner.account
    assert owner is not None, "only root has such a disk, and root's servers run as somebody else"
    place = Path(tempfile.mkdtemp(prefix="opinion-small-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)], check=True)
    try:
        data = place / "data"
        data.mkdir()
        for path in (place, data):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        url = maintenance(server)
        execute(url, f"CREATE TABLESPACE small LOCATION '{data}'", f'ALTER DATABASE "{database}" SET TABLESPACE small')
        disk = SmallDisk(place)
        yield disk
        execute(url, f'ALTER DATABASE "{database}" SET TABLESPACE pg_default', "DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def maintenance(server: DurablePostgres) -> URL:
    return make_url(server.sqlalchemy_url("postgres"))
