"""Labels since: those that were renamed, merged, split or taken away by edits, and what they became."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.label_sets import exchanged, labels_apart


def renamed_since(label: str | None, edits: Iterable[Edit]) -> str | None:
    """Return an `Example.label_key` under the names that its labels got by `edits`, the oldest first."""
    for edit in edits:
        if label and edit.action == "rename_label" and edit.label in labels_apart(label):
            label = exchanged(label, edit.label, edit.to or "")
    return label


def label_since(label: str | None, edits: Sequence[Edit]) -> str | None:
    """Return what became of `label` by `edits`, the oldest first; None if it was split or taken away."""
    for edit in edits:
        if label is None or edit.label != label:
            continue
        if edit.action in ("rename_label", "merge_label"):
            label = edit.to
        elif edit.action in ("split_label", "remove_label"):
            return None
    return label


def came_of(labels: Iterable[str], edits: Sequence[Edit]) -> set[str]:
    """Return `labels`, and all that they became by `edits`, the oldest first, parts of those that were split too."""
    found = {*labels}
    for edit in edits:
        if edit.label in found and edit.to:
            found.add(edit.to)
    return found


def labels_since(labels: Iterable[str], edits: Sequence[Edit]) -> tuple[str, ...] | None:
    """Return what became of the `labels` of a row that may have several by `edits`; None if one of them was split."""
    found = list(labels)
    for edit in edits:
        if edit.label not in found:
            continue
        if edit.action in ("rename_label", "merge_label") and edit.to:
            found = list(dict.fromkeys(edit.to if label == edit.label else label for label in found))
        elif edit.action == "remove_label":
            found.remove(edit.label)
        elif edit.action == "split_label":
            return None
    return tuple(found)


def fitting_none(edits: Sequence[Edit], labels: Collection[str]) -> dict[str, Edit]:
    """Return the ids of the unlabelled rows that none of `labels` fits after `edits`, and the edits that said so.

    What was said before there was one of the labels does not count; one that another was split into was there as a
    part of it. Edits of before labels were kept with them do.
    """

    def counts(place: int, edit: Edit) -> bool:
        return not edit.none_of or {*labels} <= came_of(edit.none_of, edits[place + 1 :])

    return Decided(
        edit for place, edit in enumerate(edits) if edit.action != "fits_none" or counts(place, edit)
    ).fits_none
