"""`python -m bench [NAME ...] [--full] [--database NAME]`: benchmarks one after the other, each beside its baseline.

Without names: all of them, short, as `make bench` does. Each is also a module of its own: `python -m bench.growth`.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Final

from bench import stores

ON_BOTH: Final = ("processes", "http_load", "growth", "burst", "memory", "inbox")
"""Take options; run on SQLite and PostgreSQL."""
ON_SQLITE: Final = ("whatif",)
"""Takes `--full`."""
PLAIN: Final = (
    "feel", "submissions", "evidence", "soundness", "loops", "replay", "verify", "sealing", "queueing",
    "compare",
)  # fmt: skip
EVERY: Final = (*PLAIN, *ON_SQLITE, *ON_BOTH)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EVERY))
    parser.add_argument("--full", action="store_true", help="the long figures")
    parser.add_argument("--database", choices=stores.KINDS, action="append", help="this one only; may be repeated")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.names) - {*EVERY}):
        parser.error(f"no such bench: {', '.join(unknown)}")
    options = stores.Options(chosen.full, tuple(chosen.database or stores.KINDS))
    for name in chosen.names or EVERY:
        report = importlib.import_module(f"bench.{name}").report
        report() if name in PLAIN else report(options)
        print(flush=True)
