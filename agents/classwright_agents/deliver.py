"""The deliverables of a finished build, in its run folder: model/, dataset/, report.html, card.md and summary.json."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from classwright_agents.answers import read_as
from classwright_agents.artifacts import fetch_all, fetch_named, fetch_sample, write_whole
from classwright_agents.outcome import Outcome
from classwright_agents.report.card import card
from classwright_agents.report.held_out import HeldOutFigures
from classwright_agents.report.page import Material, render
from classwright_agents.report.words import sure_of
from classwright_agents.server import Server
from classwright_agents.summary import summary
from classwright_agents.task_file import TaskFile
from classwright_tools.contract import EvaluationReport, Refusal

# The names that the tools give to the files of their reports and datasets.
FIGURES = "report.json"
MAP = "map.svg"
REFUSED = "refused.jsonl"
SAMPLES_SHOWN = 12


async def deliver(task: TaskFile, folder: Path, outcome: Outcome, server: Server) -> dict[str, Any]:
    """Fill the run folder, and return the summary, which is written last.

    Raises:
        ServerError: a file did not arrive whole.
        RunError: the disk cannot be written.
    """
    best, export = outcome.best, outcome.export
    assert best is not None
    assert export is not None
    started = time.monotonic()
    files = await fetch_all(server, task.task, export.export, folder / "model")
    await fetch_all(server, task.task, best.dataset, folder / "dataset")
    measured = await _measured(server, task.task, outcome)
    material = Material(
        measured=measured,
        held_out=None if measured else await _held_out(server, task.task, outcome),
        map=await fetch_named(server, task.task, outcome.analysis.report, MAP) if outcome.analysis else b"",
        samples=tuple(await fetch_sample(server, task.task, best.dataset, SAMPLES_SHOWN)),
        refusals=await _refusals(server, task.task, outcome),
        files=tuple((file.name, file.bytes) for file in files),
        usage=_first_python(folder / "model" / "README.md"),
    )
    outcome.seconds["fetch"] = round(time.monotonic() - started, 3)
    facts = summary(task.task, outcome, sure_of(measured))
    write_whole(folder / "report.html", render(task, folder.name, outcome, material).encode())
    write_whole(folder / "card.md", card(task, outcome, material).encode())
    write_whole(folder / "summary.json", json.dumps(facts, indent=1, ensure_ascii=False).encode())
    return facts


async def _measured(server: Server, task: str, outcome: Outcome) -> EvaluationReport | None:
    """Return all figures of the best model's last evaluation, or None if there were no rows to measure it on."""
    assert outcome.best is not None
    evaluation = outcome.test or outcome.measured.get(outcome.best.model)
    if evaluation is None:
        return None
    report = await fetch_named(server, task, evaluation.report, FIGURES)
    return read_as(EvaluationReport, report, f"Report {evaluation.report!r}")


async def _held_out(server: Server, task: str, outcome: Outcome) -> HeldOutFigures | None:
    """Return the figures of the last error analysis, or None if there was none."""
    if outcome.analysis is None:
        return None
    report = await fetch_named(server, task, outcome.analysis.report, FIGURES)
    return read_as(HeldOutFigures, report, f"Report {outcome.analysis.report!r}")


async def _refusals(server: Server, task: str, outcome: Outcome) -> tuple[Refusal, ...]:
    """Return the refused candidates, as they lie beside the datasets."""
    lines = b""
    for written in outcome.written:
        if written.dataset and written.refused:
            lines += await fetch_named(server, task, written.dataset, REFUSED)
    return tuple(read_as(Refusal, line, f"File {REFUSED!r}") for line in lines.splitlines())


def _first_python(readme: Path) -> str:
    """Return the first lines of Python in the exported model's own description."""
    try:
        found = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    except (OSError, UnicodeDecodeError):
        return ""
    return found.group(1).strip() if found else ""
