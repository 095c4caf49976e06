"""The view of a running build: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live

from classwright_agents.errors import OutputClosed
from classwright_agents.figures import Round, Spent, chosen_by
from classwright_agents.picture import Picture, StageName
from classwright_agents.plain import plain
from classwright_agents.task_file import METRIC_NAMES, Metric, TaskFile

REFRESHES_A_SECOND = 4


class View(Protocol):
    """The audience of a build: it is shown each step."""

    def __enter__(self) -> View: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stage(self, name: StageName, round_: int | None, spent: Spent) -> None:
        """Take that a stage begins, of a round or of the whole build, and what was spent before it."""
        ...

    def progress(self, fraction: float | None, message: str) -> None:
        """Take the current job's progress from 0 to 1 (None if unknown) and its message."""
        ...

    def round_done(self, latest: Round) -> None:
        """Take a round's figures."""
        ...

    def say(self, message: str) -> None:
        """Take a sentence worth keeping."""
        ...


class LiveView:
    """Draws the build again and again in one place of the terminal."""

    def __init__(self, task: TaskFile, run: str, console: Console) -> None:
        self._picture = Picture(task, run)
        self._live = Live(get_renderable=lambda: self._picture, console=console, refresh_per_second=REFRESHES_A_SECOND)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._picture.progress(None, "")
        self._picture.end(complete=kind is None)
        self._live.stop()

    def stage(self, name: StageName, round_: int | None, spent: Spent) -> None:
        """Show that a stage begins."""
        self._picture.begin(name, round_, spent)

    def progress(self, fraction: float | None, message: str) -> None:
        """Move the current job's bar."""
        self._picture.progress(fraction, plain(message))

    def round_done(self, latest: Round) -> None:
        """Add a round to the learning curve."""
        self._picture.rounds.append(latest)

    def say(self, message: str) -> None:
        """Show a sentence among the last ones; those before them stay above the picture."""
        if gone := self._picture.say(plain(message)):
            self._live.console.print(gone)


class PlainView:
    """Writes a line for each event: for logs, pipes and screen readers."""

    def __init__(self, metric: Metric, out: TextIO) -> None:
        self._metric = metric
        self._out = out
        self._started = time.monotonic()
        self._last = ("", -1)

    def __enter__(self) -> PlainView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to write: each line was written at once."""

    def stage(self, name: StageName, round_: int | None, spent: Spent) -> None:  # noqa: ARG002  # shown at the end
        """Write that a stage begins."""
        self._last = ("", -1)
        self.say(name if round_ is None else f"round {round_}: {name}")

    def progress(self, fraction: float | None, message: str) -> None:
        """Write the job's progress when its message or its tenth changes."""
        mark = (message.partition(";")[0], int((fraction or 0) * 10))  # the time left is another at each look
        if message and mark != self._last:
            self._last = mark
            self.say(f"  {message}" if fraction is None else f"  {fraction:4.0%} {message}")

    def round_done(self, latest: Round) -> None:
        """Write a round's figure."""
        reached, measured_on = latest.figure(self._metric), f"{latest.data} {chosen_by(latest.data)} rows"
        self.say(
            f"round {latest.round}: {latest.rows} rows, {latest.method}: {METRIC_NAMES[self._metric]} "
            f"{reached.value:.3f} ({reached.low:.3f} to {reached.high:.3f}) on {measured_on}"
        )

    def say(self, message: str) -> None:
        """Write a line with the time since the start.

        Raises:
            OutputClosed: the output was closed.
        """
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        try:
            print(f"{minutes:02d}:{seconds:02d} {plain(message)}", file=self._out, flush=True)
        except BrokenPipeError as error:
            with suppress(OSError):  # what Python has kept back goes nowhere when it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
            raise OutputClosed from error


def make_view(task: TaskFile, run: str, *, plain: bool, out: TextIO) -> View:
    """Return the live view on a terminal, unless plain lines were asked for."""
    console = Console(file=out)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return PlainView(task.target.metric, out)
    return LiveView(task, run, console)
