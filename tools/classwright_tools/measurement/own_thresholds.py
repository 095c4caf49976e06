"""Labels with thresholds of their own: what each costs, beside other thresholds that it might have."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_tools.domain.figures import LabelAtThreshold
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.measurement.caveats import estimate_in_words
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.metrics import figures_of_label

USUAL = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def at_thresholds(found: Answers, thresholds: Mapping[str, float]) -> tuple[LabelAtThreshold, ...]:
    """Return how each label in `thresholds` is found without one, from its own on, and from the `USUAL` ones on.

    The other labels keep theirs meanwhile: together they decide as `classify` does.

    Raises:
        InvalidInput: one is of no label of the model.
    """
    space = LabelSpace(found.labels, found.thresholds)
    table = []
    for label, own in space.under(thresholds).own.items():
        place = found.labels.index(label)
        of_label = found.true[:, place] if space.several else found.true == place
        for threshold in (None, *sorted({*USUAL, own})):
            others = {name: one for name, one in thresholds.items() if name != label}
            at = space.under(others if threshold is None else others | {label: threshold})
            given = at.gives(found.proba, label)
            figures = figures_of_label(label, of_label, given, found.queries)
            table.append(
                LabelAtThreshold(
                    label=label,
                    threshold=threshold,
                    given=int(given.sum()),
                    precision=figures.precision if given.any() else None,
                    recall=figures.recall if of_label.any() else None,
                )
            )
    return tuple(table)


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
