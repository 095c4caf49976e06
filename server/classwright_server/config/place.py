"""The flags that say where a workspace is, alike for every command that opens one, and the place that they name."""

from __future__ import annotations

import argparse
from pathlib import Path

from classwright_server.config.settings import ToolSettings
from classwright_tools.errors import InvalidInput, unknown_id


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the workspace's folder and of its database."""
    add = parser.add_argument
    add("--workspace", metavar="FOLDER", help="where artifacts and jobs are kept; default: the platform's data folder")
    add("--index-url", metavar="URL", help="a PostgreSQL for index and jobs; default: SQLite in the workspace")


def add_owned_place(parser: argparse.ArgumentParser) -> None:
    """Add these flags, and that of whose workspace it is."""
    parser.add_argument("--principal", metavar="DIGEST", help="whose it is: a folder's name under principals/")
    add_place(parser)


def owned_place(options: argparse.Namespace, tool_settings: ToolSettings) -> tuple[Path, str | None, str | None]:
    """Return the workspace that `add_owned_place` names: its folder, the URL of its index and the schema there.

    It is there: a command for what is in a workspace makes none.

    Raises:
        InvalidInput: there is no workspace.
        NotFound: there is no such principal.
    """
    from classwright_server.config.workspaces import PRINCIPALS, index_place
    from classwright_tools.workspace.index import INDEX_FILE

    root = tool_settings.workspace
    if not (root.is_dir() if tool_settings.index_url else (root / INDEX_FILE).is_file()):
        reason = "is not there" if tool_settings.index_url else "has no index in it"
        repair = "Name its folder with --workspace, and its PostgreSQL, if it has one, with --index-url."
        raise InvalidInput(f"workspace {root.name!r}", reason, repair)
    principals = sorted(path.name for path in root.glob(f"{PRINCIPALS}/*"))
    if options.principal is not None and options.principal not in principals:
        raise unknown_id("principal", options.principal, principals)
    return index_place(tool_settings, options.principal)
