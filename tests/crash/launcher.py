"""Runs `python -m engine.cli run` again and again from one process that has imported everything before.

Each line on standard input starts a server; its process id is answered. A restart then costs what the program does at
its start and not what Python does to import it. When the input ends, the last server is killed.
"""

import importlib
import os
import runpy
import signal
import sys

IMPORTED = ("webui", "waitress", "engine.service.demo", "engine.service.verify", "engine.worker.loop")


def serve() -> None:
    """In the child: exactly what the command line would run."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["engine.cli", "run"]
    runpy.run_module("engine.cli", run_name="__main__")


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a killed server is gone at once, without being waited for
    started = 0
    for _ in sys.stdin:
        started = os.fork()
        if not started:
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
            serve()
            os._exit(0)
        os.write(1, f"{started}\n".encode())
    if started:
        try:
            os.kill(started, signal.SIGKILL)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    main()
