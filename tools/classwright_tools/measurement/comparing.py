"""One model against another on the same rows, each as it decides, in the labels that both know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.gains import EveryRowAlike
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.later_labels import beside
from classwright_tools.learning.model import Model, load_model
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.multi_label import compare as compare_several
from classwright_tools.statistics.paired_at_shares import compare_at_shares
from classwright_tools.statistics.paired_rare import compared_by_rows, rare_gain, with_rare
from classwright_tools.workspace.workspace import Workspace

_LISTED = 5


def other_model(workspace: Workspace, against: str, model: Model, dataset: str) -> Model:
    """Return the model `against` to compare `model` with; its labels are followed to their names in `dataset`.

    Raises:
        NotFound: there is no such model.
        InvalidInput: it is of another task.
        DamagedArtifact: it does not read back.
    """
    id_ = workspace.resolve(against, "model", model.card.task).id
    return beside(workspace, load_model(workspace, id_), dataset)


def differ_in_labels(model: Model, other: Model) -> bool:
    """Return whether one of the two has a label that the other has not."""
    return {*model.labels} != {*other.labels}


def check_same_labels(model: Model, other: Model) -> None:
    """Return if both have the same labels, without which their training rows cannot be compared.

    Raises:
        InvalidInput: they have not.
    """
    differing = sorted({*other.labels} ^ {*model.labels})
    if differing:
        raise InvalidInput(
            f"model {other.id!r}",
            f"has other labels than {model.id!r} ({listed(map(repr, differing), _LISTED)}), and no validation rows are "
            "there to compare the two on",
            "Bring rows in with import_examples(split='validation'): they are compared by the labels that both have.",
        )


def countable(found: Answers, other: Model) -> npt.NDArray[np.bool_]:
    """Return which of the rows `found` (n,) have a label that the `other` model knows; all of rows with several."""
    shared = [place for place, label in enumerate(found.labels) if label in other.labels]
    return np.full(len(found.rows), bool(shared)) if found.several else np.isin(found.true, shared)


def compared(
    found: Answers,
    theirs: npt.NDArray[np.float64],
    model: Model,
    other: Model,
    seed: int,
    among: npt.NDArray[np.bool_] | None = None,
) -> Comparison:
    """Return how the answers `found` of `model` stand against the probabilities `theirs` (n, k) of the `other` one.

    Each is compared by what it answers. If label shares are known, the own ones of the model that is measured before
    those of the other, each label's rows count for its share, and what every row counting alike shows stands beside.

    Where the labels differ, the rows of those that both have are compared: a label that is one model's alone is a wrong
    answer there. Where rows have several labels, all rows are compared in the shared labels.
    Of the rows only those `among` (n,) count, if that is given.

    Raises:
        InvalidInput: no row has a label that both have.
    """
    shared = [place for place, label in enumerate(found.labels) if label in other.labels]
    counted = countable(found, other) if among is None else countable(found, other) & among
    if not counted.any():
        raise InvalidInput(
            f"model {other.id!r}",
            f"has none of the labels that the rows have: it has {listed(map(repr, other.labels), _LISTED)}",
            f"Measure each by itself: evaluate(model={other.id!r}), and {model.id!r} without `against`.",
        )
    comparison = (
        _of_several(found, theirs, other, shared, counted, seed)
        if found.several
        else _of_one(found, theirs, model, other, counted, seed)
    )
    if among is not None:
        comparison = comparison.model_copy(update={"rows": int(counted.sum())})
    if not differ_in_labels(model, other):
        return comparison
    labels = tuple(found.labels[place] for place in shared)
    return comparison.model_copy(update={"shared_labels": labels, "rows": int(counted.sum())})


def _of_several(
    found: Answers,
    theirs: npt.NDArray[np.float64],
    other: Model,
    shared: list[int],
    counted: npt.NDArray[np.bool_],
    seed: int,
) -> Comparison:
    decided = other.space.decide(theirs)
    given = _gathered(decided, other.labels, found.labels)
    true, own = found.true[counted][:, shared], found.predicted[counted][:, shared]
    return compare_several(true, own, given[counted][:, shared] > 0, other.id, seed)


def _of_one(
    found: Answers,
    theirs: npt.NDArray[np.float64],
    model: Model,
    other: Model,
    counted: npt.NDArray[np.bool_],
    seed: int,
) -> Comparison:
    labels = (*found.labels, *dict.fromkeys(name for name in other.labels if name not in found.labels))
    proba = _gathered(theirs, other.labels, labels)[counted]
    own = np.pad(found.proba, ((0, 0), (0, len(labels) - len(found.labels))))[counted]
    true = found.true[counted]
    queries = None if found.queries is None else np.unique(found.queries[counted], return_inverse=True)[1]
    card, its = model.card, other.card
    alike = compared_by_rows(true, own, proba, labels, other.id, card.mismatch, queries, seed=seed)
    shares = card.known_shares or its.known_shares
    if shares is None or card.mismatch or differ_in_labels(model, other):
        return alike
    wanted = shares.of(labels)
    at_shares = compare_at_shares(true, own, proba, other.id, wanted, queries, seed=seed)
    if at_shares is None:
        return alike
    beside = {
        "shares_of": _deciding(model, other, wanted),
        "shares_from": shares.source,
        "every_row_alike": EveryRowAlike(
            accuracy_gain=alike.accuracy_gain, test=alike.test, p=alike.p, significant=alike.significant
        ),
    }
    rare = rare_gain(true, own, proba, wanted, labels, queries, seed=seed)
    return with_rare(at_shares.model_copy(update=beside), rare)


def _deciding(model: Model, other: Model, shares: Sequence[float]) -> Literal["both", "this", "other"]:
    """Return which of the two decides for the `shares` (k,) of the labels of `model`; one of them does."""
    this, that = (one.card.shares is not None and one.card.shares.of(model.labels) == shares for one in (model, other))
    if this and that:
        return "both"
    return "this" if this else "other"


def _gathered(values: npt.NDArray[Any], names: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the columns of `values` (n, k), which `names` are called, as those of `labels`; others are left out."""
    found = np.zeros((len(values), len(labels)))
    for column, name in enumerate(names):
        if name in labels:
            found[:, labels.index(name)] = values[:, column]
    return found


def rows_of_labels(rows: Sequence[Example], labels: Collection[str]) -> list[Example]:
    """Return those of the `rows` that have no label but `labels`."""
    return [row for row in rows if {row.label, *(row.labels or ())} - {None} <= {*labels}]


def shares_remark(comparison: Comparison | None, model: Model, other: Model | None) -> str:
    """Return which of the two alone decides for label shares, where gains are not at these; "" where that is none."""
    if not comparison or not other or comparison.at_shares or bool(model.card.shares) == bool(other.card.shares):
        return ""
    decides = model.id if model.card.shares else other.id
    return (
        f"{decides} alone decides for label shares, which moves its answers to frequent labels; this comparison counts "
        "the rows as they are."
    )


def labels_remark(comparison: Comparison | None, model: Model, other: Model | None) -> str:
    """Return the sentence on what counts where `model` has other labels than the `other`; else nothing."""
    if not comparison or not other or comparison.shared_labels is None:
        return ""
    only = {
        model.id: [repr(name) for name in model.labels if name not in other.labels],
        other.id: [repr(name) for name in other.labels if name not in model.labels],
    }
    told = " and ".join(f"{id_} alone has {listed(names, _LISTED)}" for id_, names in only.items() if names)
    return (
        f"The two have other labels ({told}): they are compared on {counted(comparison.rows or 0, 'row')}, by the "
        f"{counted(len(comparison.shared_labels), 'label')} that both have."
    )
