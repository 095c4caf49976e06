"""The answers of a model to texts, one `Classified` each, as callers get them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classwright_tools.domain.classified import Classified
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.learning.model import Model

MOST_LIKELY = 3
"""Labels that are told with their probabilities, or as many as apply."""


def results_of(
    model: Model, space: LabelSpace, proba: np.ndarray, foreign: np.ndarray, threshold: float
) -> tuple[tuple[Classified, ...], int]:
    """Return the answers of `model` at the probabilities (n, k) to texts, and how many are below their threshold.

    Some of the texts are `foreign` (n,) to the model.
    """
    judged = space.judge(proba, foreign, threshold)
    trusted: Sequence[tuple[str, ...] | None] = [None] * len(proba)
    if space.several:
        trusted = model.sure_labels(judged, proba, foreign)
    ranked = (-proba).argsort(axis=1, kind="stable").tolist()
    columns = [known.tolist() for known in (judged.right, judged.sure, foreign)]
    answers = zip(proba.tolist(), judged.answers, *columns, trusted, ranked, strict=True)
    found = tuple(
        Classified(
            label=own if is_sure and isinstance(own, str) else None,
            labels=None if isinstance(own, str) else own,
            sure=is_sure,
            sure_labels=by_itself,
            out_of_scope=is_foreign,
            probability=min(1.0, certain),
            likeliest=tuple(
                (space.labels[place], min(1.0, row[place]))
                for place in order[: max(MOST_LIKELY, len(own) if space.several else 1)]
            ),
        )
        for row, own, certain, is_sure, is_foreign, by_itself, order in answers
    )
    return found, judged.below
