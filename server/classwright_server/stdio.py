"""The server over stdio: its output carries messages alone, whatever a library prints, from the start to the end."""

from __future__ import annotations

import os
import sys

from classwright_server.settings import ServerSettings

STDOUT, STDERR = 1, 2


def serve_stdio(settings: ServerSettings) -> None:
    """Serve until the client closes the input.

    The SDK keeps the descriptor to itself while it serves. Before, imports may print, and afterwards what Python had
    kept back is written: both go to the log.
    """
    wire = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    from classwright_server.app import build_server

    server = build_server(settings)
    sys.stdout.flush()
    os.dup2(wire, STDOUT)
    os.close(wire)
    try:
        server.run("stdio")
    finally:
        os.dup2(STDERR, STDOUT)
