"""The shares of the labels among texts that were drawn at random and labelled, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from classwright_tools.annotation.in_words import of_source
from classwright_tools.annotation.random_rows import LEAST_LABELLED
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.task import Task
from classwright_tools.statistics.share_interval import wilson

MOST_LABELS = 30
"""In a sentence; many more than are named elsewhere, as it is often a rare one that is asked for."""


def random_shares(
    annotation: Annotation, given: Collection[Answer], ended: int, task: Task, unseen: Collection[str]
) -> str:
    """Return how frequent each label of `task` is among the texts of an annotation, which were drawn at random.

    "" where they are no fair sample: rows had been picked as hard before, or too few of the answers `given` say which
    labels apply, so that the others may be of some labels rather than of all: so many that `ended` are of some.
    Or there were none of the labels `unseen` when the first were answered. The intervals are Wilson's.
    """
    told = [answer for answer in given if answer.key(task) is not None or answer.fits_none(task)]
    if annotation.order != "random" or annotation.picked_before or unseen:
        return ""
    if len(told) < max(1, LEAST_LABELLED * (len(given) + ended)):
        return ""
    counts = Counter(label for answer in told for label in labels_apart(answer.key(task) or ""))
    shares = [(label, wilson(counts[label], len(told))) for label in task.label_names]
    shares.sort(key=lambda one: -one[1].value)
    parts = [f"{label!r} {share.value:.0%} ({share.low:.0%} to {share.high:.0%})" for label, share in shares]
    texts = f"{counted(len(told), 'random text')}{of_source(annotation.source)}"
    return f" Labels of {texts}: {listed(parts, MOST_LABELS)}."
