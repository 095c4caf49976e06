"""Labels with thresholds of their own: what each costs, beside other thresholds that it might have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np

from classwright_tools.domain.figures import LEAST_ROWS, LabelAtThreshold
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.measurement.caveats import estimate_in_words, scores_in_words
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.metrics import figures_of_label, share
from classwright_tools.statistics.multi_label import compute_figures
from classwright_tools.statistics.operating_points import WANTED
from classwright_tools.statistics.ranking import threshold_at_recall
from classwright_tools.statistics.told_thresholds import as_told

USUAL = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def at_thresholds(found: Answers, thresholds: Mapping[str, float]) -> tuple[LabelAtThreshold, ...]:
    """Return how each label in `thresholds` is found without one, from its own on, and from the `USUAL` ones on.

    The other labels keep theirs meanwhile: together they decide as `classify` does.

    Raises:
        InvalidInput: one is of no label of the model.
    """
    return tuple(
        _line(found, label, threshold, thresholds)
        for label, own in found.space.under(thresholds).own.items()
        for threshold in (None, *sorted({*USUAL, own}))
    )


def thresholds_to_find(found: Answers) -> tuple[LabelAtThreshold, ...]:
    """Return of each label how it is found as the model decides, and from the thresholds that find it as `WANTED`.

    The rows may have several labels, and `LEAST_ROWS` of them have each of these. They choose the thresholds.
    """
    table = []
    for place, label in enumerate(found.labels):
        of_label = found.true[:, place]
        if of_label.sum() >= LEAST_ROWS:
            scores = as_told(found.proba[:, place])
            wanted = {threshold_at_recall(of_label, scores, recall) for recall in WANTED}
            table += [_line(found, label, threshold, {}) for threshold in (None, *sorted(wanted))]
    return tuple(table)


def _line(found: Answers, label: str, threshold: float | None, thresholds: Mapping[str, float]) -> LabelAtThreshold:
    """Return how `label` is found from the `threshold` on, where other labels have theirs in `thresholds`."""
    place = found.labels.index(label)
    of_label = found.true[:, place] if found.several else found.true == place
    others = {name: one for name, one in thresholds.items() if name != label}
    given = found.space.under(others if threshold is None else others | {label: threshold}).gives(found.proba, label)
    figures = figures_of_label(label, of_label, given, found.queries)
    return LabelAtThreshold(
        label=label,
        threshold=threshold,
        given=int(given.sum()),
        precision=figures.precision if given.any() else None,
        recall=figures.recall if of_label.any() else None,
    )


def by_turns(table: Sequence[LabelAtThreshold], thresholds: Mapping[str, float]) -> tuple[LabelAtThreshold, ...]:
    """Return the lines of `table` so that the first ones are of each label.

    First that of its own threshold, then that without one, then others, the nearest to its own first.
    """
    by_label: dict[str, list[LabelAtThreshold]] = {}
    for one in table:
        by_label.setdefault(one.label, []).append(one)

    def place(one: LabelAtThreshold) -> tuple[int, float]:
        own = thresholds.get(one.label, 0.0)
        return (one.threshold is None, 0.0) if one.threshold in (None, own) else (2, abs(one.threshold - own))

    rounds = zip_longest(*(sorted(lines, key=place) for lines in by_label.values()))
    return tuple(one for turn in rounds for one in turn if one is not None)


def all_at_thresholds(found: Answers, thresholds: Mapping[str, float], seed: int) -> str:
    """Return the sentence on what all labels together reach with `thresholds`; nothing without any."""
    if not thresholds:
        return ""
    space = found.space.under(thresholds)
    if space.several:
        figures = compute_figures(found.true, space.decide(found.proba), found.proba, found.labels, seed=seed)
        told = scores_in_words(figures, len(found.labels))
    else:
        right = np.array(space.answers(found.proba)[0]) == np.array(found.labels)[found.true]
        told = f"accuracy {estimate_in_words(share(right, found.queries, seed=seed))}"
    return f"With these `thresholds`: {told}. All other figures are without them."


def to_find_in_words(table: Sequence[LabelAtThreshold]) -> tuple[str, ...]:
    """Return the sentence on the `thresholds_to_find`, of which `table` has the lines: an example of what they cost."""
    usual = [one for one in table if one.threshold is None and one.recall]
    if not usual:
        return ()
    worst = min(usual, key=lambda one: one.recall.value if one.recall else 1.0)
    lowest = min(
        (one for one in table if one.label == worst.label and one.recall), key=lambda one: one.threshold or 1.0
    )
    if lowest.threshold is None or not lowest.recall or not lowest.precision:
        return ()
    return (
        f"To miss few of a label pass `thresholds`: {{{lowest.label!r}: {threshold_in_words(lowest.threshold)}}} has "
        f"recall {estimate_in_words(lowest.recall)} and precision {estimate_in_words(lowest.precision)}. "
        f"`label_thresholds` has such for each label of {LEAST_ROWS} rows or more; these rows chose them, "
        "which flatters them.",
    )


def thresholds_in_words(table: tuple[LabelAtThreshold, ...], thresholds: Mapping[str, float]) -> tuple[str, ...]:
    """Return the sentences on what the `thresholds` cost, of which `at_thresholds` returned the `table`."""
    rows = {(one.label, one.threshold): one for one in table}
    told = []
    for label, own in thresholds.items():
        at, without = rows[label, own], rows[label, None]
        found = f"precision {estimate_in_words(at.precision)}" if at.precision else "no row gets it"
        recall = f"recall {estimate_in_words(at.recall)}" if at.recall else "no row has it"
        usual = f"{without.precision.value:.3f}" if without.precision else "none"
        usual += f" and {without.recall.value:.3f}" if without.recall else ""
        told.append(
            f"{label!r} from a probability of {own:g} on: {found}, {recall}; without a threshold of its own {usual}."
        )
    if not told:
        return ()
    return (
        *told,
        "Precision: of the rows that get it, the share that is right. Recall: of its own rows, the share that gets it.",
        "Pass the same `thresholds` to classify; `label_thresholds` has others.",
    )
