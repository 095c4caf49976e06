"""The server over stdio: its output carries messages alone, whatever a library prints, from the start to the end."""

from __future__ import annotations

import logging
import os
import signal
import sys

from classwright_server.config.database_start import wait_for_database
from classwright_server.config.settings import ServerSettings
from classwright_server.startup_notice import stdio_notice
from classwright_tools.garbage import importing

logger = logging.getLogger("classwright")

STDOUT, STDERR = 1, 2
INTERRUPTED = 128 + signal.SIGINT
STOPPED = "stopped by Ctrl-C. Jobs that were under way go on at the next start."


def _leave(_number: int, _frame: object) -> None:
    """End at once: the thread that reads the terminal cannot be interrupted, and a kill loses nothing."""
    os.write(STDERR, f"classwright: {STOPPED}\n".encode())
    os._exit(INTERRUPTED)


def serve_stdio(settings: ServerSettings) -> None:
    """Serve until the client closes the input, is gone when an answer is written, or presses Ctrl-C.

    The SDK keeps the descriptor to itself while it serves. Before, imports may print, and afterwards what Python had
    kept back is written: both go to the log.

    Raises:
        InvalidInput: the database of the index cannot be used.
        StorageFailed: it does not answer.
    """
    signal.signal(signal.SIGINT, _leave)
    wait_for_database(settings.tool_settings)
    stdio_notice(settings)
    wire = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    with importing():
        from classwright_server.backend import Backend
        from classwright_server.mcp.app import build_server

        server = build_server(Backend(settings, tells_places=True))
    sys.stdout.flush()
    os.dup2(wire, STDOUT)
    os.close(wire)
    try:
        server.run("stdio")
    except* BrokenPipeError:
        logger.info("the client went away while an answer was on its way; its jobs go on at the next start")
    finally:
        os.dup2(STDERR, STDOUT)
