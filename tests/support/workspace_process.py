"""What the other processes of the workspace's tests do: `python workspace_process.py ACTION ROOT INDEX ...`.

INDEX is the URL of the index, or empty for SQLite.
"""

from __future__ import annotations

import importlib
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from classwright_tools.domain.example import Example, make_example
from classwright_tools.errors import StorageFailed
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Artifact, Workspace

ROWS = 300


def rows_of(run_key: str) -> Iterator[Example]:
    """Yield the rows that the run `run_key` saves."""
    for number in range(ROWS):
        yield make_example(f"row {number} of run {run_key}", "refund")


def save(workspace: Workspace, run_key: str, rows: Iterator[Example] | None = None) -> Artifact:
    """Save the rows of the run `run_key` as a dataset."""
    examples = rows or rows_of(run_key)
    return save_dataset(workspace, "support", {"train": examples}, parent=None, run_key=run_key, made_by="test")


def incompressible_rows() -> Iterator[Example]:
    """Yield 20 MB of rows."""
    rng = random.Random(0)
    for _ in range(2_000):
        yield make_example(rng.randbytes(5_000).hex(), "refund")


def say(line: object) -> None:
    """Write a line to whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(action: str, root: str, index_url: str, *arguments: str) -> None:
    """Do one of the actions."""
    workspace = Workspace(Path(root), index_url or None)
    if action == "fill-disk":  # a file may have 1 MB, so writing fails in the middle of the rows
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            save(workspace, "too much", incompressible_rows())
        except StorageFailed as failure:
            say(failure)
        return
    importlib.import_module("pyarrow.parquet")  # slow: from here on it is writing that takes the time
    say("ready")
    sys.stdin.readline()
    for run_key in arguments:
        say(save(workspace, run_key).id)


if __name__ == "__main__":
    main(*sys.argv[1:])
