"""Starts the program again and again from one process that has imported everything before.

Each line on standard input is a command of the program (`run`, `serve`, `worker`); the process id of what was started
is answered. A restart then costs what the program does at its start, and not what Python does to import it and to read
the diagrams. When the input ends, all that was started is killed.
"""

import importlib
import os
import runpy
import signal
import sys

IMPORTED = ("webui", "waitress", "engine.service.demo", "engine.service.verify", "engine.worker.loop")


def serve(command: str) -> None:
    """In the child: exactly what the command line would run."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["engine.cli", command]
    runpy.run_module("engine.cli", run_name="__main__")


def read_bundle() -> None:
    """Reads and compiles the live bundle, and has every start of the program remember it: the same bytes give the
    same program, and that takes longer than all else that a start does."""
    from engine.service.bootstrap import build
    from engine.service.deployments import Deployments
    from engine.service.settings import Settings

    services = build(Settings.from_env(os.environ))
    with services.journal.reading() as tx:
        version = services.deployments.current_version(tx)
        known = services.deployments.load(tx, version)
    services.engine.dispose()
    plain = Deployments.__init__

    def remembering(self, *arguments, **named) -> None:
        plain(self, *arguments, **named)
        self._loaded[version] = known

    Deployments.__init__ = remembering  # type: ignore[method-assign]


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    read_bundle()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a killed server is gone at once, without being waited for
    started: list[int] = []
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
            serve(line.strip())
            os._exit(0)
        started.append(child)
        os.write(1, f"{child}\n".encode())
    for child in started:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
