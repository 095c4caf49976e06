"""The other processes of the workspace's tests: forked from one that has imported, which takes a second."""

from __future__ import annotations

import contextlib
import random
import resource
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow.parquet  # noqa: F401  # slow: once a process is ready, it is writing that takes the time

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


class Other:
    """A process with a workspace open, which saves the rows of one run after the other once it is let go."""

    def __init__(self, root: Path, index_url: str | None, *run_keys: str) -> None:
        self._ours, theirs = FORKING.Pipe()
        self.process: BaseProcess = FORKING.Process(target=_save_all, args=(theirs, root, index_url, run_keys))
        self.process.start()
        theirs.close()
        assert self._ours.recv() == "ready"

    def let_go(self) -> None:
        """Let it begin."""
        self._ours.send("go")

    def next_id(self) -> str:
        """Wait for a dataset to be saved, and return its id."""
        return str(self._ours.recv())

    def finished(self) -> list[str]:
        """Return the ids of all that it saves from now on, once it has ended well."""
        made = []
        with contextlib.suppress(EOFError):
            while True:
                made.append(self.next_id())
        self.process.join(120)
        assert self.process.exitcode == 0
        return made

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join()


def refused_by_a_full_disk(root: Path) -> str:
    """Return what a process says whose files may have 1 MB, so that writing fails in the middle of the rows."""
    ours, theirs = FORKING.Pipe()
    process = FORKING.Process(target=_save_too_much, args=(theirs, root))
    process.start()
    theirs.close()
    told = str(ours.recv())
    process.join()
    return told


FORKING = get_context("forkserver")
# Packages that are installed: what forks has not the tests' own paths, and passes over what it cannot import.
FORKING.set_forkserver_preload(
    [
        "pandas",  # which pyarrow looks for at its first array
        "psycopg",
        "pyarrow.parquet",
        "pytest",
        "classwright_tools.submit_examples",
        "classwright_tools.workspace.datasets",
    ]
)


def _save_all(pipe: Connection, root: Path, index_url: str | None, run_keys: tuple[str, ...]) -> None:
    workspace = Workspace(root, index_url)
    pipe.send("ready")
    pipe.recv()
    for run_key in run_keys:
        pipe.send(save(workspace, run_key).id)


def _save_too_much(pipe: Connection, root: Path) -> None:
    workspace = Workspace(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    try:
        save(workspace, "too much", incompressible_rows())
    except StorageFailed as failure:
        pipe.send(str(failure))
