"""Edits in words, as the history of a task tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.domain.edits import DONE_WORDS, Edit
from classwright_tools.domain.excerpt import counted


def edits_in_words(edits: Sequence[Edit]) -> list[str]:
    """Return what each of the `edits` of a version did, those of one action and label as one; an undoing as such."""
    told = list(dict.fromkeys(filter(None, map(_in_words, edits))))
    undoes = edits[-1].undoes if edits else None
    return [": ".join((f"the edit of {undoes} undone", *told[:1])), *told[1:]] if undoes else told


_OF_LABELS = {
    "rename_label": "{label} renamed to {to}",
    "merge_label": "{label} merged into {to} ({rows})",
    "split_label": "{label} split: {rows} to {to}",
    "add_label": "a label {label}",
    "describe_label": "{label} described anew",
    "remove_label": "{label} taken away ({rows})",
    "fits_none": "{rows} that fit no label",
    "revert": "the rows of {version} again",
    "undo": "",  # what became of the rows, the edits before it tell
}


def _in_words(edit: Edit) -> str:
    rows = counted(len(edit.rows) + edit.test_rows, "row")
    if edit.action == "relabel":
        return f"{rows} labelled {edit.label!r}" if edit.label else f"{rows} with other labels, or none"
    form = _OF_LABELS.get(edit.action, f"{rows} {DONE_WORDS.get(edit.action)}")
    return form.format(label=repr(edit.label), to=repr(edit.to), rows=rows, version=edit.version)
