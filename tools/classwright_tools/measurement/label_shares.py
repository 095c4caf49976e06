"""Labels whose share of the rows differs between the splits of a dataset: figures on one then say little of another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from classwright_tools.domain.cards import DatasetCard
from classwright_tools.domain.example import REAL_TEXTS, Split
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.task import Task
from classwright_tools.measurement.caveats import quoted
from classwright_tools.statistics.two_shares import standard_errors_apart

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Workspace

LABELLED: tuple[Split, ...] = ("train", "validation", "test")
# A difference is told if it is large enough to move a figure, in points of share, and no chance: 3.29 standard errors
# (p < 0.001 for one label) leave 77 labels silent where two splits were drawn alike.
LEAST_DIFFERENCE = 0.05
STANDARD_ERRORS = 3.29
_LISTED = 5


class Shift(NamedTuple):
    """A label that is `share` (0 to 1) of the rows of `split`, and `other_share` of those of `other`."""

    label: str
    split: Split
    share: float
    other: Split
    other_share: float


def counts_by_split(card: DatasetCard) -> dict[Split, dict[str, int]]:
    """Return the rows of each labelled split that a dataset has, by label; none of a multi-label task.

    Shares of labels that apply together do not add up to one: they are no shares of the rows.
    """
    counts: defaultdict[Split, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for count in card.counts:
        if count.split in LABELLED and count.label is not None:
            counts[count.split][count.label] += count.rows
    return {split: dict(counts[split]) for split in LABELLED if split in counts}


def written_apart(card: DatasetCard) -> str:
    """Return the sentence about written training rows that lie in fewer than half of the labels of mostly real rows.

    It is empty where they do not. A model may then take the way of writing for a sign of these labels.
    """
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for count in card.by_label or card.counts:
        if count.split == "train" and count.label is not None:
            counts[count.origin == "written"][count.label] += count.rows
    written, real = counts[True], counts[False]
    if not written or written.total() >= real.total() or 2 * len(written) >= len(written.keys() | real.keys()):
        return ""
    return (
        f"Written rows lie in {quoted(tuple(written))} alone, and all other labels have real rows only: the "
        "way of writing can pass for a sign of these labels, and rows held out do not show it. Try fresh texts, and "
        "have ordinary texts written for every label: synthesize_examples(rows=...)."
    )


def shifts_for_model(workspace: Workspace, trained: str, measured: str, split: Split) -> str:
    """Return the sentence on labels whose shares differ between `split` of the dataset `measured` and other rows.

    They are those of `measured`, but the training rows are those of the dataset `trained`, which a model learnt from,
    under the names that their labels have beside `measured`.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.later_labels import later_names

    rows = counts_by_split(read_card(workspace, trained)).get("train", {})
    train: Counter[str] = Counter()
    for name, own in zip(later_names(workspace, rows, trained, measured), rows.values(), strict=True):
        train[name] += own
    return shifts_remark(label_shifts(counts_by_split(read_card(workspace, measured)) | {"train": train}, split))


def label_shifts(counts: Mapping[Split, Mapping[str, int]], split: Split | None = None) -> tuple[Shift, ...]:
    """Return, for each pair of splits, the label whose shares differ most, if one does; with `split` its pairs alone.

    Shares are compared by the z-test of two proportions.
    """
    pairs = [pair for pair in combinations(counts, 2) if split is None or split in pair]
    shifts = (_largest(one, counts[one], other, counts[other]) for one, other in pairs)
    return tuple(shift for shift in shifts if shift)


def _largest(one: Split, rows: Mapping[str, int], other: Split, other_rows: Mapping[str, int]) -> Shift | None:
    n, m = sum(rows.values()), sum(other_rows.values())
    found = []
    for label in {**rows, **other_rows} if n and m else ():
        here, there = rows.get(label, 0), other_rows.get(label, 0)
        difference, apart = abs(here / n - there / m), abs(standard_errors_apart(here, n, there, m))
        if difference >= LEAST_DIFFERENCE and apart >= STANDARD_ERRORS:
            found.append((difference, Shift(label, one, here / n, other, there / m)))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def shifts_remark(shifts: tuple[Shift, ...]) -> str:
    """Return a sentence that names the shifts; nothing where there is none."""
    if not shifts:
        return ""
    named = "; ".join(f"{s.label!r} is {s.share:.0%} of {s.split} and {s.other_share:.0%} of {s.other}" for s in shifts)
    return f"Labels have other shares in other splits: {named}. A figure on one split is not to be expected on another."


def calibrating_lost(task: Task, before: DatasetCard, after: DatasetCard) -> str:
    """Return that the rows of `after` do not calibrate label shares any more, as those of `before` did; else "".

    A model that decides for shares needs `LEAST_ROWS` validation rows of real texts of each label. Nothing is said
    where nobody stated shares, and no text is without a label that could tell some.
    """
    from classwright_tools.learning.training_data import counts_real_alone
    from classwright_tools.statistics.label_shift import LEAST_ROWS

    if not task.decides_for_shares or not (task.expected_shares or after.rows("unlabelled")):
        return ""
    had, has = _calibrating(before), _calibrating(after)
    short = [f"{label!r} {has[label]}" for label in task.label_names if has[label] < LEAST_ROWS]
    if not short or not had or min(had.values()) < LEAST_ROWS:
        return ""
    who = ", labelled by a person" if counts_real_alone(after.rows("validation", "real")) else ""
    return (
        "Models trained on this version take no account of how frequent each label really is (its share): for that "
        f"every label needs {LEAST_ROWS} validation rows, and there are of {listed(short, _LISTED)}. Bring some "
        f"in{who}: import_examples or annotate_examples with split='validation'."
    )


def _calibrating(card: DatasetCard) -> Counter[str]:
    """Return the validation rows that count, by label; a label that has training rows alone has 0."""
    from classwright_tools.learning.training_data import counts_real_alone

    real_alone = counts_real_alone(card.rows("validation", "real"))
    counts = Counter({one.label: 0 for one in card.counts if one.label is not None and one.split == "train"})
    for one in card.counts:
        counted = one.origin == "real" if real_alone else one.origin in REAL_TEXTS
        if one.label is not None and one.split == "validation" and counted:
            counts[one.label] += one.rows
    return counts
