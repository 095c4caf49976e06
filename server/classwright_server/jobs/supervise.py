"""A supervisor of one program: it ends the program, and all that it started, as soon as its own input closes.

`python -m classwright_server.jobs.supervise PROGRAM ARGUMENT...`: a parent that is killed leaves nothing behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the program of the command line; when it ends, end what it left behind."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_hold, daemon=True).start()
    sys.stderr.write(f"{sys.argv[1]} ended with code {program.wait()}\n")
    os.killpg(0, signal.SIGKILL)


def _hold() -> None:
    """Wait for the end of the input, then end the whole group."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
