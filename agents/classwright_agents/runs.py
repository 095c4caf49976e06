"""Run folders: one for each build, found again to be resumed."""

from __future__ import annotations

import time
from pathlib import Path

from classwright_agents.errors import RunError
from classwright_agents.journal import read_events

LATEST = "latest"


def new_run(runs: Path, task: str) -> Path:
    """Make and return the folder `runs`/<task>-<time>.

    Raises:
        RunError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 100):
            folder = runs / (f"{task}-{stamp}" if attempt == 1 else f"{task}-{stamp}-{attempt}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise RunError(
            f"folder {runs.name!r}", f"cannot be written: {error.strerror}", "Pass another with --runs."
        ) from error
    raise RunError(f"folder {runs.name!r}", "has 100 runs of this second", "Wait a second.")


def find_run(runs: Path, task: str, wanted: str) -> Path:
    """Return the run folder that `wanted` names: a path, a name in `runs`, or 'latest' for the newest unfinished one.

    Raises:
        RunError: there is none, or it is finished.
    """
    if wanted == LATEST:
        candidates = sorted(runs.glob(f"{task}-2*"), key=lambda folder: folder.name, reverse=True)
        for folder in candidates:
            if read_events(folder) and not is_finished(folder):
                return folder
        raise RunError(f"folder {runs.name!r}", f"has no unfinished run of {task!r}", "Start one without --resume.")
    for folder in (runs / wanted, Path(wanted)):
        if read_events(folder):
            if is_finished(folder):
                raise RunError(f"run {folder.name!r}", "is finished", "Start a new one without --resume.")
            return folder
    raise RunError(f"run {Path(wanted).name!r}", "does not exist", "Pass a folder of an earlier run, or 'latest'.")


def is_finished(folder: Path) -> bool:
    """Whether the run came to its end."""
    return any(event["event"] == "end" for event in read_events(folder))
