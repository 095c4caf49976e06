"""Rows of labels that a model does not know: how many it answers surely, and so wrongly, and how many it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.learning.model import Model
from classwright_tools.measurement.comparing import rows_of_labels
from classwright_tools.measurement.held_out import given_to
from classwright_tools.measurement.trained_rows import unseen
from classwright_tools.workspace.workspace import Workspace

_LISTED = 5


def unknown_label_remarks(
    workspace: Workspace, rows: Sequence[Example], model: Model, other: Model | None, progress: Callable[[float], None]
) -> Iterator[str]:
    """Yield what `model` does with those of the `rows` that have labels it does not know, and what the `other` does.

    Rows that either trained on do not count; nothing is said where none is left. The rows are left out of the figures
    of `model`. `progress` is told the share done, and may stop the work.
    """
    models = [model, other] if other and other.id != model.id else [model]
    for one in models:
        knows = {row.id for row in rows_of_labels(rows, one.labels)}
        asked = unseen(
            workspace,
            [each.card for each in models],
            [row for row in rows if row.id not in knows],
            lambda: progress(0.0),
        )
        if asked:
            beside = [each for each in models if each is not one]
            yield _told(asked, one, beside, progress, left_out=one is model)


def _told(
    rows: Sequence[Example], model: Model, beside: Sequence[Model], progress: Callable[[float], None], *, left_out: bool
) -> str:
    """Return the sentences on `rows` of labels that `model` does not know, with the models `beside` that do."""
    names = Counter(name for row in rows for name in (row.labels or (row.label,)) if name not in model.labels)
    which = listed((f"{name!r} {n}" for name, n in names.most_common()), _LISTED)
    sure, foreign, _ = _answered(rows, model, progress)
    are = counted(len(rows), "row is", "rows are") + " left out:" if left_out else "Of the rows"
    has = "it has" if len(rows) == 1 and left_out else "they have" if left_out else f"{len(rows):,} have"
    told = [
        f"{are} {has} labels that {model.id} does not know ({which}). {_wrong(sure)}, and it leaves {len(rows) - sure} "
        f"to a person, {foreign} of them as out of scope."
    ]
    for one in beside:
        known = rows_of_labels(rows, one.labels)
        if known:
            its, _, right = _answered(known, one, progress)
            told.append(f"{one.id}, which knows {len(known)} of them, has {right} right and is sure of {its}.")
    if left_out:
        told.append(
            "The figures are of the other rows: where texts of these labels come too, it gets none of them right."
        )
    return " ".join(told)


def _wrong(sure: int) -> str:
    """Return of how many of the rows the model is sure, each of which is an error."""
    return f"It is sure of {sure} of these, each an error" if sure else "It is sure of none of these"


def _answered(rows: Sequence[Example], model: Model, progress: Callable[[float], None]) -> tuple[int, int, int]:
    """Return of how many of the `rows` the model is sure, how many it leaves as out of scope, how many it has right."""
    given = given_to(rows, model, progress)
    foreign = np.array([one.out_of_scope for one in given])
    judged = model.space.judge(np.stack([one.proba for one in given]), foreign, model.threshold)
    hits = sum(
        answer == row.label if isinstance(answer, str) else {*answer} == {*(row.labels or ())}
        for answer, row in zip(judged.answers, rows, strict=True)
    )
    return int(judged.sure.sum()), int((foreign & ~judged.sure).sum()), hits
