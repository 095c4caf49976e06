"""The command `classwright export`: the rows of a dataset in files, with where each came from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from classwright_server.config.place import add_owned_place, owned_place
from classwright_server.config.settings import ToolSettings
from classwright_server.users_files import follow_umask, system_told
from classwright_tools.domain.excerpt import counted


def add_export(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = "write the rows of a dataset into a folder, a file a split; import_examples takes them back without loss"
    parser = commands.add_parser("export", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    add = parser.add_argument
    add("dataset", metavar="DATASET", help="the id of a dataset in the workspace")
    add("folder", metavar="FOLDER", type=Path, help="a new folder")
    add(
        "--format",
        metavar="FORM",
        choices=["csv", "jsonl", "parquet"],
        default="csv",
        help="csv (default), jsonl or parquet",
    )
    add_owned_place(parser)


def run_export(options: argparse.Namespace, tool_settings: ToolSettings) -> int:
    """Run the command and return its exit code.

    Raises:
        NotFound: there is no such dataset, or no such principal.
        InvalidInput: the folder holds something already, the id is that of something else, or there is no workspace.
        StorageFailed: the disk is full, or the folder cannot be made.
    """
    from classwright_tools.export.dataset_files import export_rows
    from classwright_tools.workspace.workspace import Workspace

    made = [folder for folder in (options.folder, *options.folder.parents) if not folder.exists()]
    workspace = Workspace(*owned_place(options, tool_settings))
    with system_told(options.folder):
        written = export_rows(workspace, options.dataset, options.folder, options.format)
    follow_umask([*made, *options.folder.iterdir()], options.umask)
    for name, rows in written.items():
        print(f"{options.folder / name}: {counted(rows, 'row')}")  # noqa: T201  # what the command is for
    return 0
