"""Labels since: those that were renamed, merged, split or taken away by edits, and what they became."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.label_sets import exchanged, labels_apart

EXCHANGES = ("rename_label", "merge_label", "split_label", "remove_label")
"""Actions after which a label is another one, or none."""


def renamed_since(label: str | None, edits: Iterable[Edit]) -> str | None:
    """Return an `Example.label_key` under the names that its labels got by `edits`, the oldest first."""
    for edit in edits:
        if label and edit.action == "rename_label" and edit.label in labels_apart(label):
            label = exchanged(label, edit.label, edit.to or "")
    return label


def label_since(label: str | None, edits: Sequence[Edit]) -> str | None:
    """Return what became of `label` by `edits`, the oldest first; None if it was split or taken away.

    A merge, a split or a removal that was undone does not count.
    """
    found = _followed(label, edits) if label is not None else None
    return found if isinstance(found, str) else None


def came_of(labels: Iterable[str], edits: Sequence[Edit]) -> set[str]:
    """Return `labels`, and all that they became by `edits`, the oldest first, parts of those that were split too."""
    found = {*labels}
    for edit in edits:
        if edit.label in found and edit.to:
            found.add(edit.to)
    return found


def labels_since(labels: Iterable[str], edits: Sequence[Edit]) -> tuple[str, ...] | None:
    """Return what became of the `labels` of a row that may have several by `edits`; None if one of them was split."""
    found = [_followed(label, edits) for label in labels]
    if any(isinstance(one, Edit) and one.action == "split_label" for one in found):
        return None
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str)))


def _followed(label: str, edits: Sequence[Edit]) -> str | Edit:
    """Return what became of `label` by `edits`, or the edit that ended it."""
    place = 0
    while place < len(edits):
        edit = edits[place]
        place += 1
        if edit.label != label or edit.action not in EXCHANGES:
            continue
        undone = _undone_at(edits, place, edit.dataset) if edit.action != "rename_label" else None
        if undone is not None:  # the undo of a renaming renames
            place = undone
        elif edit.to and edit.action != "split_label":
            label = edit.to
        else:
            return edit
    return label


def _undone_at(edits: Sequence[Edit], place: int, version: str) -> int | None:
    """Return where in `edits`, from `place` on, the undo of what was changed in `version` begins; None if none holds.

    One that was undone itself takes nothing back.
    """
    by: dict[str | None, str] = {}
    for edit in reversed(edits[place:]):
        if edit.undoes and edit.dataset not in by:
            by.setdefault(edit.version, edit.dataset)
    undo = by.get(version)
    return next((at for at in range(place, len(edits)) if edits[at].dataset == undo and not edits[at].brought), None)


def without_partings(edits: Sequence[Edit], labels: Collection[str]) -> list[Edit]:
    """Return `edits`, the oldest first, without the splits after which the old name went on, so that it is followed.

    `labels` are the task's after them.
    """
    kept: list[Edit] = []
    came: set[str | None] = set()
    for edit in reversed(edits):
        if edit.action == "split_label" and edit.label not in came and label_since(edit.label, kept[::-1]) in labels:
            continue
        kept.append(edit)
        if edit.action in ("add_label", "rename_label", "split_label"):  # a name that came is another label before
            came.add(edit.to or edit.label)
    return kept[::-1]


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
