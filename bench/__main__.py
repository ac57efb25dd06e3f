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
PLAIN: Final = (
    "feel", "submissions", "evidence", "soundness", "loops", "replay", "verify", "sealing", "queueing",
    "compare", "whatif",
)  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*PLAIN, *ON_BOTH)))
    parser.add_argument("--full", action="store_true", help="the long figures")
    parser.add_argument("--database", choices=stores.KINDS, action="append", help="this one only; may be repeated")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.names) - {*PLAIN, *ON_BOTH}):
        parser.error(f"no such bench: {', '.join(unknown)}")
    options = stores.Options(chosen.full, tuple(chosen.database or stores.KINDS))
    for name in chosen.names or (*PLAIN, *ON_BOTH):
        report = importlib.import_module(f"bench.{name}").report
        report(options) if name in ON_BOTH else report()
        print(flush=True)
