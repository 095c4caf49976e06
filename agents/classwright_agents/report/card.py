"""The card of a run: the same facts as the report's, as Markdown."""

from __future__ import annotations

import re
from html import escape

from classwright_agents.outcome import Outcome
from classwright_agents.report import words
from classwright_agents.report.page import Material
from classwright_agents.task_file import TaskFile


def card(task: TaskFile, outcome: Outcome, material: Material) -> str:
    """Return the card of a finished build."""
    best = outcome.best
    assert best is not None
    method = _inline(best.method)
    chosen = words.chosen_by(outcome)
    lines = [
        f"# {task.task}",
        "",
        f"{words.headline(task, outcome)} {words.source(outcome)}",
        "",
        f"Task: {_inline(task.instruction)}",
        "",
        "| figure | |",
        "|---|---|",
        *(f"| {_inline(fact.name)} | {_inline(fact.value)} |" for fact in words.facts(task, outcome)),
        "",
        "## Limits of the figures",
        "",
        *(f"- {_inline(remark)}" for remark in words.remarks(task, outcome, material.measured)),
        "",
        "## Labels",
        "",
        *(f"- `{_code(label.name)}`: {_inline(label.description)}" for label in task.labels),
        "",
        "## Rounds",
        "",
        f"| round | training rows | method | accuracy on {chosen} rows | macro-F1 on them |",
        "|---|---|---|---|---|",
        *(
            f"| {words.training_name(r, outcome)} | {r.rows} | {_inline(r.method)} | {r.scores.accuracy.value:.3f} | "
            f"{r.scores.macro_f1.value:.3f} |"
            for r in outcome.trainings
        ),
        "",
        words.terms(task, outcome),
        "",
        f"The model kept is `{best.model}`, of round {best.round}, trained by {method} on `{best.dataset}`.",
        "",
    ]
    if material.usage:
        lines += ["## Use", "", "In the folder `model/`:", "", "```python", material.usage, "```", ""]
    if task.credit:
        lines += ["## Credit", "", _inline(task.credit), ""]
    return "\n".join(lines)


# What Markdown takes for markup inside a line, and what it makes a link of by itself.
_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_ADDRESS = re.compile(r"\b(https?|ftp|www)([:.])", re.IGNORECASE)


def _inline(text: str) -> str:
    """Return `text` on one line, so that it cannot open a block of its own, with no HTML, no link and no image."""
    inert = _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
    return escape(_ADDRESS.sub(r"\1\\\2", inert), quote=False)


def _code(text: str) -> str:
    """Return `text` as it may stand between backticks, where nothing is HTML."""
    return " ".join(text.split()).replace("`", "'")
