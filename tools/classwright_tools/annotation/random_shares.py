"""The shares of the labels among texts that were drawn at random and labelled, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from classwright_tools.annotation.random_rows import LEAST_LABELLED
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.task import Task
from classwright_tools.statistics.share_interval import wilson

MOST_LABELS = 12
"""In a sentence; more than are named elsewhere, as it is often a rare one that is asked for."""


def random_shares(annotation: Annotation, given: Collection[Answer], task: Task) -> str:
    """Return how frequent each label of `task` is among the texts of an annotation, which were drawn at random.

    "" where they are no fair sample: rows had been picked as hard before, or too few of the answers `given` say which
    labels apply, so that the others may be of some labels rather than of all. The intervals are Wilson's.
    """
    told = [answer for answer in given if answer.key(task) is not None or answer.fits_none(task)]
    if annotation.order != "random" or annotation.picked_before or len(told) < max(1, LEAST_LABELLED * len(given)):
        return ""
    counts = Counter(label for answer in told for label in labels_apart(answer.key(task) or ""))
    shares = [(label, wilson(counts[label], len(told))) for label in task.label_names]
    shares.sort(key=lambda one: -one[1].value)
    parts = [f"{label!r} {share.value:.0%} ({share.low:.0%} to {share.high:.0%})" for label, share in shares]
    source = f" of {annotation.source!r}" if annotation.source else ""
    return f"Labels of {counted(len(told), 'random text')}{source}: {listed(parts, MOST_LABELS)}."
