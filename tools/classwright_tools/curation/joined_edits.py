"""Decisions of a version beside this one: those that come along where the two are joined, and those that cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from classwright_tools.curation.brought_edits import Edits
from classwright_tools.curation.row_changes import RowState, states
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.label_sets import joined_labels, labels_apart
from classwright_tools.domain.labels_since import came_of, label_since, labels_since
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace

IDS_LISTED = 3
ENDS = ("rename_label", "merge_label")  # a label goes on under another name


class _Side(NamedTuple):
    """A version: its rows by their ids, and all that was decided about them."""

    rows: Mapping[str, RowState]
    edits: Edits
    decided: Decided


def to_join(workspace: Workspace, other: str, onto: str, splits: Sequence[Split]) -> tuple[Edits, str]:
    """Return the edits that a version of `onto` gets where `splits` of the dataset `other` join it, and the sentences.

    What was decided about a row comes along where the row has the same label then, and `onto` has no decision of its
    own on it. What does not come is told by the rows' ids; changes of labels by what they are.

    Raises:
        DamagedArtifact: a dataset does not read back.
    """
    theirs, ours = (_side(workspace, version) for version in (other, onto))
    own, since = edits_apart(theirs.edits, ours.edits)
    touched = {id_ for edit in since for id_ in edit.rows}
    coming: dict[str, None] = {}
    fails: dict[str, dict[str, None]] = {"otherwise": {}, "absent": {}, "removed": {}}
    edits = []
    for edit in own:
        rows = {}
        for id_, before in edit.rows.items():
            if not _holds(edit, id_, theirs.decided) or _is_so(id_, theirs, ours, since):
                continue
            why_not = _why_not(edit, id_, before, theirs, ours, since, touched, splits)
            if why_not:
                fails[why_not][id_] = None
                continue
            rows[id_] = before if edit.action == "rewrite" else _called(before, since) or ""
            coming[id_] = None
        if rows:
            called = {
                "label": _called(edit.label, since),
                "labels": edit.labels and labels_since(edit.labels, since),
                "added": labels_since(edit.added, since) or (),
                "taken": labels_since(edit.taken, since) or (),
                "none_of": tuple(sorted(came_of(edit.none_of, since))),
            }
            edits.append(edit.model_copy(update={**called, "rows": rows, "test_rows": 0, "brought": True}))
    labels = [f"{edit.action} {edit.label!r}" for edit in own if edit.action.endswith("_label")]
    return tuple(edits), _in_words(other, len(coming), fails, labels)


def names_since(workspace: Workspace, other: str, onto: str) -> dict[str, str]:
    """Return what labels of the dataset `other` are called in `onto`, where they were renamed or merged since."""
    _, since = edits_apart(read_edits(workspace, other), read_edits(workspace, onto))
    ended = {edit.label: since[place:] for place, edit in enumerate(since) if edit.action in ENDS and edit.label}
    names = {label: label_since(label, edits) for label, edits in ended.items()}
    return {label: name for label, name in names.items() if name and name != label}


def _side(workspace: Workspace, dataset: str) -> _Side:
    edits = read_edits(workspace, dataset)
    return _Side(states(read_table(workspace, dataset)), edits, Decided(edits))


def _holds(edit: Edit, id_: str, decided: Decided) -> bool:
    """Whether what `edit` said of a row holds still."""
    if edit.action == "remove":
        return id_ in decided.removed
    vouched = edit in (decided.by_person.get(id_), decided.fits_none.get(id_))
    marked = (edit.action == "good_example" and id_ in decided.good_examples) or (
        edit.action == "flag" and id_ in decided.flagged
    )
    return vouched or marked or (edit.gives_labels and edit.by == "model" and id_ in decided.by_model)


def _is_so(id_: str, theirs: _Side, ours: _Side, since: Sequence[Edit]) -> bool:
    """Whether both versions say the same of a row."""
    there, here = theirs.rows.get(id_), ours.rows.get(id_)
    same = (there and _called(there.label, since)) == (here and here.label)
    return same and _said(id_, theirs) == _said(id_, ours)


def _said(id_: str, side: _Side) -> tuple[bool, ...]:
    """Return what holds of a row, whichever edits said so."""
    said = side.decided
    kinds = (said.by_person, said.by_model, said.good_examples, said.flagged, said.fits_none, said.removed)
    return tuple(id_ in kind for kind in kinds)


def _why_not(
    edit: Edit,
    id_: str,
    before: str,
    theirs: _Side,
    ours: _Side,
    since: Sequence[Edit],
    touched: set[str],
    splits: Sequence[Split],
) -> str:
    """Return why a decision on a row does not come along; "" where it does."""
    here = ours.rows.get(id_)
    if edit.action == "remove":
        return "removed" if here else ""
    there = theirs.rows.get(id_)
    if there is None:  # another call took it out, without a decision
        return "absent"
    if here is None and there.split not in splits:
        return "absent"
    joins = there.split in splits and (here is None or here.split == "unlabelled")
    label = _called(there.label, since) if joins or here is None else here.label
    is_same = label == _called(there.label, since) and not (edit.action == "rewrite" and before in ours.rows)
    return "" if is_same and id_ not in touched else "otherwise"


def _called(label: str | None, since: Sequence[Edit]) -> str | None:
    """Return an `Example.label_key` as it is called after edits `since`; as it was where a label of it has ended."""
    if not label:
        return label
    found = labels_since(labels_apart(label), since)
    return label if found is None else joined_labels(found)


def _in_words(other: str, coming: int, fails: Mapping[str, Mapping[str, None]], labels: Sequence[str]) -> str:
    otherwise, absent, removed = (fails[why] for why in ("otherwise", "absent", "removed"))
    told = [
        f"What was decided in {other} about {counted(coming, 'row')} comes along." if coming else "",
        f"Decisions on {_rows(otherwise)} stay behind: this version has them otherwise, or decided on them itself."
        if otherwise
        else "",
        f"Decisions on {_rows(absent)} stay behind with the rows, which are of another split or gone."
        if absent
        else "",
        f"{_rows(removed)} removed in {other} {'is' if len(removed) == 1 else 'are'} still here." if removed else "",
        f"Changes of labels stay behind: {listed(labels, IDS_LISTED)}." if labels else "",
    ]
    return " ".join(filter(None, told))


def _rows(ids: Mapping[str, None]) -> str:
    return f"{counted(len(ids), 'row')} ({listed(ids, IDS_LISTED)})"
