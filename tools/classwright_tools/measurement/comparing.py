"""One model against another on the same rows, each as it decides."""

from __future__ import annotations

from classwright_tools.domain.figures import Comparison
from classwright_tools.learning.model import Model
from classwright_tools.learning.prior import moved
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.multi_label import compare as compare_several
from classwright_tools.statistics.paired import compare
from classwright_tools.statistics.paired_at_shares import compare_at_shares


def compared(found: Answers, theirs: Answers, model: Model, other: Model, against: str, seed: int) -> Comparison:
    """Return how the answers `found` of `model` stand against `theirs`, of `other`, to the same rows.

    The other model is called `against`.

    If label shares are known, both models decide for the same ones, the own ones of the model that is measured, and
    each label's rows count for its share: models that decide for different shares are not comparable by plain counts.
    """
    columns = [other.labels.index(label) for label in found.labels]  # the labels' order may have changed since
    mismatch = found.labels.index(other.card.mismatch) if other.card.mismatch else None
    proba = theirs.proba[:, columns]
    if found.thresholds:
        return compare_several(found.true, found.predicted, theirs.predicted[:, columns], against, seed)
    shares = model.card.known_shares or other.card.known_shares
    if shares and mismatch is None:
        wanted = shares.of(found.labels)
        own, its = (
            moved(given, found.labels, one.card.shares, wanted) for given, one in ((found.proba, model), (proba, other))
        )
        at_shares = compare_at_shares(found.true, own, its, against, wanted, found.queries, seed=seed)
        if at_shares:
            return at_shares
    return compare(found.true, found.proba, proba, against, seed, mismatch, found.queries)
