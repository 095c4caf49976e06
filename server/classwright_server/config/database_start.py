"""The start of a process whose index is in a PostgreSQL: it waits a while for the database, and ends without it."""

from __future__ import annotations

import logging
import time

from classwright_server.config.settings import ToolSettings
from classwright_tools.errors import StorageFailed

logger = logging.getLogger("classwright")

PAUSES_SECONDS = (1, 2, 4, 8, 15)
"""Half a minute in all: a database that is started beside a server needs some seconds, and its own restart more."""


def wait_for_database(tool_settings: ToolSettings) -> None:
    """Return once the database of the index answers; at once where the index is in the workspace.

    Raises:
        InvalidInput: it cannot be used.
        StorageFailed: it does not answer. A service manager is then to start the process again.
    """
    if tool_settings.index_url is None:
        return
    from classwright_tools.workspace.database import check_database

    for pause in PAUSES_SECONDS:
        try:
            check_database(tool_settings.index_url)
        except StorageFailed:
            logger.warning("waiting for the database of --index-url; the next try is in %s s", pause)
            time.sleep(pause)
        else:
            return
    check_database(tool_settings.index_url)
