"""A worker: runs the jobs of a workspace's servers, on this host or on others, and serves no client."""

from __future__ import annotations

import signal
import threading

from classwright_server.config.database_start import wait_for_database
from classwright_server.config.settings import ServerSettings
from classwright_server.runtime import Runtime
from classwright_server.startup_notice import print_startup_notice
from classwright_tools.errors import InvalidInput


def work(settings: ServerSettings) -> None:
    """Run jobs until the process is told to stop; those under way are then left for others.

    Raises:
        InvalidInput: there is no kind of job for it to run.
        StorageFailed: the workspace or its database cannot be used.
        KeyboardInterrupt: whoever started it pressed Ctrl-C; the worker has stopped in order.
    """
    if not settings.jobs:
        raise InvalidInput(
            "--jobs none", "leaves a worker nothing to do", 'Name "short", "long", "writing" or several.'
        )
    wait_for_database(settings.tool_settings)
    stopped, signals = threading.Event(), []

    def stop(number: int, _frame: object) -> None:
        signals.append(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    runtime = Runtime(settings)
    print_startup_notice("works for the servers of this workspace.", settings, stop="Ctrl-C.")
    stopped.wait()
    runtime.close()
    if signal.SIGINT in signals:
        raise KeyboardInterrupt
