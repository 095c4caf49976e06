"""Facts of an export about itself in `labels.json`, for a service to log and a person to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classwright import __version__
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.figures import Scores
from classwright_tools.learning.exports.export import LABELS
from classwright_tools.learning.model import Model
from classwright_tools.measurement.unlike_measured import usual_of
from classwright_tools.workspace.workspace import write_json


def say_what_it_is(folder: Path, model: Model, tested: EvaluationReport | None) -> None:
    """Write what `about` and `usual` of a `Classifier` have into the export in `folder`, if it has a program."""
    path = folder / LABELS
    if not path.is_file():
        return
    card = model.card
    about = {
        "model": model.id,
        "task": card.task,
        "dataset": card.dataset,
        "encoder": Path(card.encoder.name).name,
        "classwright": __version__,
        "validation": _figures(card.validation, card.validation.data),
        "test": _figures(tested.figures, tested.data) if tested else None,
    }
    facts = {"about": about, "usual": usual_of(card).model_dump()}
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | facts)


def _figures(scores: Scores, data: str) -> dict[str, Any]:
    accuracy = scores.accuracy
    figures = {"accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high}
    figures |= {"macro_f1": scores.macro_f1.value}
    beside = {"micro_f1": scores.micro_f1, "average_precision": scores.average_precision}
    figures |= {name: found.value for name, found in beside.items() if found}
    return {**{name: round(value, 4) for name, value in figures.items()}, "rows": scores.rows, "data": data}
