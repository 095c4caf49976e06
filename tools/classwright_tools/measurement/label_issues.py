"""Rows whose given label is probably wrong, by confident learning (Northcutt et al. 2021, JAIR 70)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from cleanlab.filter import find_label_issues

from classwright_tools.domain.analysis import LabelIssue
from classwright_tools.measurement.held_out import Answers


def label_issues(found: Answers, validation: Collection[str] = ()) -> tuple[LabelIssue, ...]:
    """Return the rows whose label cleanlab doubts and the answers contradict: real rows first, then the most doubtful.

    A row is doubted if its label is among the least likely of that label, and its margin among the lowest of its cell
    of the noise matrix (pruning by class and by noise rate, section 3.2), as many as wrong labels are estimated.
    The answers must come from classifiers that were not trained on the rows: one that was has learnt their errors.
    Rows with an id in `validation` are said to be validation rows, the others training rows.
    """
    present, true = np.unique(found.true, return_inverse=True)
    if len(present) < 2:
        return ()
    proba = found.proba[:, present] + 1e-12  # cleanlab wants every class to occur
    proba /= proba.sum(axis=1, keepdims=True)
    doubted = find_label_issues(true, proba, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1)
    contradicted = [place for place in doubted.tolist() if found.predicted[place] != found.true[place]]
    return tuple(
        LabelIssue(
            example=found.rows[place].id,
            split="validation" if found.rows[place].id in validation else "train",
            text=found.rows[place].shown,
            given=found.labels[found.true[place]],
            suggested=found.labels[found.predicted[place]],
            given_probability=float(min(1.0, found.proba[place, found.true[place]])),
            suggested_probability=float(min(1.0, found.proba[place, found.predicted[place]])),
        )
        for place in sorted(contradicted, key=lambda place: found.rows[place].origin != "real")
    )
