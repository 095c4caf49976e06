"""The journal of a run: one JSON object a line, each on the disk before the run goes on.

It tells what was called, which job answers for it, what came back, and what was decided. A run that was killed reads
it again and repeats no finished step. The events:

    start                               the run folder is made; a run whose server did not start has no more than this
    call      step, tool, arguments     written before the server is called
    job       step, job_id              written before the job is waited for; null: what the call answered before is of
                                        no use, so it is made anew
    spent     step, job_id, usage       what a job spent that came to nothing: cancelled, failed, or of no use
    refused   step, error               a tool refused, or its job failed: subject, reason and repair
    result    step, seconds, result
    estimate  estimate                  what the writing should cost, told before it
    reply     key, calls, usage,        what a model answered that was asked for the decision `key`
              seconds
    decision  key, reason
    end       reason                    the run is complete
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from classwright_agents.errors import RunError, unwritten

FILE = "journal.jsonl"
Event = dict[str, Any]


class Journal:
    """The events of one run. Only one process writes it at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the journal in `folder`, which may not have one yet.

        Raises:
            RunError: another process is writing it, it is damaged, or the disk cannot be written.
        """
        self._run = folder.name
        try:
            self._file = (folder / FILE).open("a+b")
        except OSError as error:
            raise unwritten(self._run, "journal", error) from error
        _lock(self._file, folder.name)
        self.events = list(_events(self._file, folder.name))

    def append(self, event: str, **fields: Any) -> None:
        """Add an event, and return when it is on the disk.

        Raises:
            RunError: the disk cannot be written, such as a full one.
        """
        record = {"event": event, **fields}
        try:
            self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritten(self._run, "journal", error) from error
        self.events.append(record)

    def find(self, event: str, **fields: Any) -> Event | None:
        """Return the last event of that name whose fields have these values, or None."""
        wanted = {"event": event, **fields}
        return next((e for e in reversed(self.events) if all(e.get(k) == v for k, v in wanted.items())), None)

    def close(self) -> None:
        """Let another process write."""
        with contextlib.suppress(OSError):  # of an event whose failure was reported then
            self._file.close()


def read_events(folder: Path) -> list[Event]:
    """Return the events of a run that is perhaps being written; none if it has no journal."""
    try:
        with (folder / FILE).open("rb") as file:
            return [json.loads(line) for line in file if line.endswith(b"\n")]
    except (OSError, ValueError):
        return []


def _events(file: Any, run: str) -> Iterator[Event]:
    """Yield the events, and cut off a last line that was only half written when the process was killed."""
    file.seek(0)
    whole = 0
    for number, line in enumerate(file.read().splitlines(keepends=True), start=1):
        try:
            if not line.endswith(b"\n"):
                break
            event = json.loads(line)
        except ValueError as error:
            raise RunError(f"run {run!r}", f"line {number} of its journal is damaged", "Start a new run.") from error
        whole += len(line)
        yield event
    file.truncate(whole)


def _lock(file: Any, run: str) -> None:
    """Take the journal for this process; the lock ends with the process, however it ends."""
    with contextlib.suppress(ImportError):  # no fcntl on Windows: there two agents on one run are not noticed
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise RunError(
                f"run {run!r}", "is being built by another process", "Wait for it, or stop it first."
            ) from error
