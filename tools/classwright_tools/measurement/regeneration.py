"""What to write next: for each label the labels that it is confused with, and the cells that are still thin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import CellFinding
from classwright_tools.domain.regeneration import RegenerationItem
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.metrics import confusion_matrix

NEIGHBOURS = 3  # of a label: the ones that it is confused with most
LEAST_TEXTS, MOST_TEXTS = 6, 25  # in one request: fewer show no variety, more begin to repeat
STYLE_TEXTS = 5
CELL_SHARE = 0.25  # of the rows may go into thin cells: errors come first
# Two labels are worth contrasting from this chance on that a text of the one is taken for the other.
LEAST_CONFUSION = 0.02


def soft_confusion(found: Answers) -> npt.NDArray[np.float64]:
    """Return the mean probability (k, k) that the rows of a label (line) give to each other label (column).

    For a calibrated model it is the confusion to expect, of which the counted errors are one draw: with ten rows a
    label it ranks neighbours that no error has shown yet.
    """
    k = len(found.labels)
    sums = np.zeros((k, k))
    np.add.at(sums, found.true, found.proba)
    np.fill_diagonal(sums, 0)
    soft: npt.NDArray[np.float64] = sums / np.maximum(np.bincount(found.true, minlength=k), 1)[:, None]
    return soft


def confused_labels(sources: Sequence[Answers]) -> dict[tuple[int, int], float]:
    """Return the pairs of labels (their places) to contrast, in both directions, and how confused they are.

    A pair is here if one of its labels is among the `NEIGHBOURS` that the other is confused with most. The measure
    is the soft confusion, both directions added, and the mean taken over the `sources`: real rows tell which
    confusions matter, held-out written ones steady the ranking.
    """
    mean = np.mean([soft_confusion(found) for found in sources], axis=0)
    mutual = np.round(mean + mean.T, 9)  # a sum's last digits depend on the rows' order
    pairs = {}
    for label in range(len(mutual)):
        for other in np.argsort(-mutual[label], kind="stable")[:NEIGHBOURS].tolist():
            if mutual[label, other] >= LEAST_CONFUSION:
                pairs[label, other] = pairs[other, label] = float(mutual[label, other])
    return pairs


def plan_items(
    found: Answers, sources: Sequence[Answers], thin: Sequence[CellFinding], wanted: int, rows: int
) -> tuple[RegenerationItem, ...]:
    """Return what to write, `rows` texts or fewer in all, the most confused pairs first.

    `found` are the answers that errors were found in, `sources` what the neighbours are ranked by, `thin` the cells
    with fewer than `wanted` rows.
    """
    cells = _cell_items(thin, wanted, int(rows * CELL_SHARE))
    left = rows - sum(item.count for item in cells)
    pairs = confused_labels(sources)
    ranked = sorted(pairs, key=lambda pair: (-pairs[pair], sorted(pair), pair))[: max(1, left // LEAST_TEXTS)]
    counts = shares(np.array([pairs[pair] for pair in ranked]), left)
    soft, matrix = soft_confusion(found), confusion_matrix(found.true, found.predicted, len(found.labels))
    contrasts = [
        RegenerationItem(
            label=found.labels[label],
            contrast=found.labels[other],
            count=count,
            reason=f"{matrix[label, other]} of {matrix[label].sum()} rows of {found.labels[label]!r} were taken for "
            f"{found.labels[other]!r}, {matrix[other, label]} of {matrix[other].sum()} the other way; "
            f"the other label gets {soft[label, other]:.0%} and {soft[other, label]:.0%} of the probability.",
            style=_style(found, label, other),
        )
        for (label, other), count in zip(ranked, counts, strict=True)
    ]
    return (*contrasts, *cells)


def shares(weights: npt.NDArray[np.float64], rows: int) -> list[int]:
    """Return how many of `rows` texts each of the `weights` gets, `LEAST_TEXTS` to `MOST_TEXTS`, at most `rows` in all.

    They follow the weights' square roots: the first texts of a pair teach most.
    """
    roots = np.sqrt(weights)
    low, high = 0.0, MOST_TEXTS / max(float(roots.min(initial=1)), 1e-9)
    for _ in range(60):  # bisection for the factor that spends the rows
        middle = (low + high) / 2
        spent = np.floor(np.clip(roots * middle, LEAST_TEXTS, MOST_TEXTS)).sum()
        low, high = (middle, high) if spent <= rows else (low, middle)
    least = min(LEAST_TEXTS, rows)
    return [int(count) for count in np.floor(np.clip(roots * low, least, MOST_TEXTS))]


def _style(found: Answers, label: int, other: int) -> tuple[str, ...]:
    """Return real texts of `label`: those taken for `other` first, then other errors, the surest errors first."""
    real = [p for p in np.flatnonzero(found.true == label).tolist() if found.rows[p].origin == "real"]
    wrong = [place for place in real if found.predicted[place] != label]
    wrong.sort(key=lambda p: (found.predicted[p] != other, found.proba[p, label], found.rows[p].id))
    return tuple(found.rows[place].text for place in wrong[:STYLE_TEXTS])


def _cell_items(thin: Sequence[CellFinding], wanted: int, rows: int) -> list[RegenerationItem]:
    """Return one item for each label with thin cells, as far as `rows` reach, the emptiest cells first."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    for finding in sorted(thin, key=lambda finding: finding.rows):
        missing = wanted - finding.rows
        if missing <= rows:
            rows -= missing
            cells[finding.cell.label].append(finding.cell)
            counts[finding.cell.label] += missing
    return [
        RegenerationItem(
            label=label,
            cells=tuple(cells[label]),
            count=counts[label],
            reason=f"{len(cells[label])} cells of {label!r} have less than half of the {wanted} rows of the others.",
        )
        for label in cells
    ]
