"""The live picture of a build: stages, the current job, the learning curve, what was spent, the last messages."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from classwright_agents.figures import Round, Spent, chosen_by, kept_round
from classwright_agents.plain import plain
from classwright_agents.task_file import METRIC_NAMES, TaskFile
from classwright_tools.contract import Estimate

StageName = Literal[
    "topics", "real rows", "write", "train", "measure", "decide", "analyse", "test", "explain", "deliver"
]
BEFORE: tuple[StageName, ...] = ("topics", "real rows")
IN_ROUND: tuple[StageName, ...] = ("analyse", "write", "train", "measure")
AFTER: tuple[StageName, ...] = ("test", "explain", "deliver")
AXIS_CHARS = 30
MESSAGES = 4
BRAND = "#2f6f8f"
GOOD = "#2e8b57"


class Picture:
    """The build as it stands; rich draws it."""

    def __init__(self, task: TaskFile, run: str) -> None:
        self.task = task
        self.run = run
        self.rounds: list[Round] = []
        self.messages: deque[str] = deque()
        self._is_over = False
        self._is_complete = False
        self._stage: StageName | None = None
        self._round: int | None = None
        self._fraction: float | None = None
        self._message = ""
        self._spent = Spent()
        self._began = time.monotonic()
        self._spinner = Spinner("dots", style=BRAND)

    def begin(self, name: StageName, round_: int | None, spent: Spent) -> None:
        """Enter a stage, before which so much was spent."""
        self._stage, self._round, self._spent = name, round_, spent
        self._began = time.monotonic()
        self.progress(None, "")

    def end(self, *, complete: bool) -> None:
        """Stop moving; if the build is `complete`, its last stage is done too."""
        self._is_over, self._is_complete = True, complete

    def progress(self, fraction: float | None, message: str) -> None:
        """Take the current job's progress."""
        self._fraction, self._message = fraction, message

    def say(self, message: str) -> Table | None:
        """Show a message among the last ones; return the one that goes for it, as it was shown."""
        self.messages.append(message)
        return self._line(self.messages.popleft()) if len(self.messages) > MESSAGES else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts: list[RenderableType] = [self._stages(), self._job()]
        if self.rounds:
            parts.append(Padding(self._curve(), (1, 0, 0, 0)))
        parts.append(Padding(self._budget(), (1, 0, 0, 0)))
        if self.messages:
            parts.append(Padding(Group(*(self._line(text) for text in self.messages)), (1, 0, 0, 0)))
        yield Panel(
            Group(*parts),
            title=Text.assemble(("Classwright ", f"bold {BRAND}"), (self.task.task, "bold")),
            title_align="left",
            subtitle=Text(self.run, style="dim"),
            subtitle_align="right",
            border_style=BRAND,
            padding=(1, 2),
            width=min(options.max_width, 100),
        )

    def _stages(self) -> Table:
        """Return the stages in two lines: the build's, and the current round's."""
        table = Table.grid(padding=(0, 2))
        table.add_row(Text("build", style="dim"), self._row_of(self._build_stages()))
        if self._round is not None or self.rounds:
            round_ = self._round if self._round is not None else self.rounds[-1].round
            stages = (IN_ROUND if round_ else IN_ROUND[1:]) + (("decide",) if self.task.driver else ())
            table.add_row(Text(f"round {round_}", style="dim"), self._row_of(stages, over=self._round is None))
        return table

    def _build_stages(self) -> tuple[str, ...]:
        return (*BEFORE, "rounds", *(("final",) if self.task.final_method else ()), *AFTER)

    def _row_of(self, stages: tuple[str, ...], *, over: bool = False) -> Columns:
        """Return `stages` in a row, or in as many as they need: done ones ticked, the current one marked."""
        current: str | None = self._stage
        if "rounds" in stages and self._round is not None:
            current = "rounds"
        elif "final" in stages and self._stage in IN_ROUND:  # the final method is trained and measured in no round
            current = "final"
        at = len(stages) if over or self._is_complete else stages.index(current) if current in stages else -1
        row = []
        for index, name in enumerate(stages):
            if index < at:
                row.append(Text(f"✓ {name}", style=GOOD))
            elif index == at:
                row.append(Text(f"● {name}", style=f"bold {BRAND}"))
            else:
                row.append(Text(f"○ {name}", style="dim"))
        return Columns(row, padding=(0, 2))

    def _job(self) -> Padding:
        """Return the current job's bar and message."""
        bar: ProgressBar | Spinner | Text = Text("")
        if self._fraction is not None:
            bar = ProgressBar(total=1, completed=self._fraction, width=24, complete_style=BRAND, finished_style=GOOD)
        elif not self._is_over:
            bar = self._spinner
        table = Table.grid(padding=(0, 1))
        percent = Text("" if self._fraction is None else f"{self._fraction:4.0%}")
        table.add_row(bar, percent, Text(self._message, no_wrap=True, overflow="ellipsis"))
        return Padding(table, (1, 0, 0, 0))

    def _curve(self) -> Table:
        """Return a line for each round: its figure and interval, in numbers and on an axis."""
        metric = self.task.target.metric
        low = min(0.5, *(r.figure(metric).low for r in self.rounds))
        table = Table.grid(padding=(0, 2))
        # Without " training" the line has room in 80 columns.
        name = f"{chosen_by(self.rounds[-1].data).removesuffix(' training')} {METRIC_NAMES[metric]}"
        table.add_row("", "", Text("rows", style="dim"), Text(name, style="dim"), axis(low))
        kept = kept_round(self.rounds, metric)
        for item in self.rounds:
            figure = item.figure(metric)
            style = f"bold {GOOD}" if item is kept else ""
            table.add_row(
                f"round {item.round}",
                Text(plain(item.method), style="dim"),
                Text(f"{item.rows:,}", justify="right"),
                Text(f"{figure.value:.3f}  [{figure.low:.2f} {figure.high:.2f}]", style=style),
                whisker(figure, low, style or BRAND),
            )
        return table

    def _budget(self) -> Text:
        """Return what was used, of what may be."""
        budget = self.task.budget
        spent = self._spent
        minutes = (spent.seconds + time.monotonic() - self._began) / 60
        parts = [f"{minutes:.1f}{f' of {budget.minutes:g}' if budget.minutes else ''} min"]
        parts.append(f"{spent.tokens:,}{f' of {budget.tokens:,}' if budget.tokens else ''} tokens")
        if budget.dollars or spent.dollars:
            parts.append(f"${spent.dollars:.2f}{f' of ${budget.dollars:.2f}' if budget.dollars else ''}")
        target = self.task.target
        parts.append(f"target {target.metric.replace('_', '-')} {target.value:.2f}")
        return Text("  ·  ".join(parts), style="dim")

    @staticmethod
    def _line(message: str) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text("·", style=BRAND), Text(message))
        return grid


def axis(low: float) -> Text:
    """Return the axis above the whiskers: its ends in numbers."""
    left = f"{low:.2f}"
    return Text(left + "1.00".rjust(AXIS_CHARS - len(left)), style="dim")


def whisker(figure: Estimate, low: float, style: str) -> Text:
    """Return a figure with its interval as a mark on an axis from `low` to 1: `──●───`."""

    def place(value: float) -> int:
        return round((max(value, low) - low) / (1 - low or 1) * (AXIS_CHARS - 1))

    start, mark, end = place(figure.low), place(figure.value), place(figure.high)
    line = [" "] * start + ["─"] * (end - start + 1)
    line[mark] = "●"
    return Text("".join(line), style=style)
