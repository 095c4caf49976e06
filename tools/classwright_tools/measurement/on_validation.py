"""Models that learn from validation rows too: the call that trains one, and what it means to measure one on these."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.learning.model import Model


def last_training(card: ModelCard) -> str:
    """Return the call that trains what the model of `card` is, from the validation rows too."""
    return (
        f"train_classifier(task={card.task!r}, dataset={card.dataset!r}, method={card.method!r}, "
        "train_on_validation=true)"
    )


def learnt_from_validation(models: Sequence[Model], report: EvaluationReport) -> str:
    """Return that the `models` learnt from most of the validation rows, so that the `report` tells nothing; else ""."""
    learnt = [one.id for one in models if one.card.validation_rows_learnt]
    if report.split != "validation" or not learnt or report.left_out <= report.figures.rows:
        return ""
    left = counted(report.figures.rows, "row of them that is left tells", "rows of them that are left tell")
    return (
        f"{listed(learnt, len(learnt))} learnt from the validation rows too (train_on_validation): the {left} nothing. "
        "Measure on test rows."
    )
