"""An export's folder: the files that its model's method writes, and the card beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from classwright_tools.context import ToolContext
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.task import Task
from classwright_tools.export.about import say_what_it_is
from classwright_tools.export.baked_thresholds import bake_thresholds
from classwright_tools.export.card import export_card
from classwright_tools.export.quantised import CheckRows, quantised
from classwright_tools.export.student import add_student
from classwright_tools.learning.encoder_digest import file_sha256
from classwright_tools.learning.exports.export import LABELS, Export
from classwright_tools.learning.model import Model
from classwright_tools.workspace.datasets import read_card

CARD = "README.md"


def save_export(
    folder: Path,
    export: Export,
    model: Model,
    task: Task,
    tested: EvaluationReport | None,
    check: CheckRows,
    teach: Sequence[str],
    thresholds: Mapping[str, float],
    context: ToolContext,
) -> None:
    """Write the `export` of `model`, which was trained for `task` and `tested` if it was, into the empty `folder`.

    Its graph is written in whole numbers too, if that loses little of the accuracy on the rows to `check` by. A student
    is taught on the texts to `teach`, if there are any. Its program uses the `thresholds` of labels by default.
    """
    export.write(folder)
    context.progress(0.3, "measuring a graph of whole numbers" if (folder / LABELS).is_file() else "writing the card")
    graph_remark = quantised(folder, check)
    if teach:

        def tell(done: float) -> None:
            context.progress(0.5 + 0.4 * done, f"teaching a student on {len(teach):,} texts")

        graph_remark += f"\n\n{add_student(folder, model, teach, check, context.seed, tell)}"
    bake_thresholds(folder, model.card.method, thresholds)
    say_what_it_is(folder, model, tested)
    rows = read_card(context.workspace, model.card.dataset).files
    card = export_card(model, export, task, tested, thresholds, graph_remark, rows)
    (folder / CARD).write_text(card, encoding="utf-8")


def open_to_all(folder: Path) -> None:
    """Let every user read the export in `folder`: it is made to be copied, and what it is in is the server's alone."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


def exported_files(folder: Path) -> list[tuple[str, int, str]]:
    """Return the (name with '/', bytes, SHA-256) of every file in `folder`, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)) for path in paths]
