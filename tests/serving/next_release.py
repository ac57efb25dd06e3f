"""The program as a later release would be: another version, and read models that must be projected anew.

`python -m tests.serving.next_release COMMAND ...` is what `python -m engine.cli` would be in that release.
"""

from __future__ import annotations

import runpy
import sys

import engine

VERSION = "0.1.0+next"


def main() -> None:
    engine.VERSION = VERSION  # before anything takes it from there
    from engine.readmodels import version

    version.PROJECTION += 1
    sys.argv[0] = "engine.cli"
    runpy.run_module("engine.cli", run_name="__main__")


if __name__ == "__main__":
    main()
