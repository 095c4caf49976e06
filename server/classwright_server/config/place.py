"""The flags that say where a workspace is, alike for every command that opens one."""

from __future__ import annotations

import argparse


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the workspace's folder and of its database."""
    add = parser.add_argument
    add("--workspace", metavar="FOLDER", help="where artifacts and jobs are kept; default: the platform's data folder")
    add("--index-url", metavar="URL", help="a PostgreSQL for index and jobs; default: SQLite in the workspace")
