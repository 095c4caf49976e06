"""Edits in words, as the history of a task tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from classwright_tools.domain.edits import DONE_WORDS, Edit
from classwright_tools.domain.excerpt import counted


def edits_in_words(edits: Sequence[Edit]) -> list[str]:
    """Return what each of the `edits` of a version did, those of one action and label as one; an undoing as such."""
    told = list(filter(None, (_in_words(edit, count) for edit, count in _alike(edits))))
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
    "opinion": "a second word on {rows}, which changes nothing",
    "undo": "",  # what became of the rows, the edits before it tell
}


def _alike(edits: Sequence[Edit]) -> Iterator[tuple[Edit, int]]:
    """Yield the first of the edits that say the same of other rows, and of how many rows all of them are."""
    rows: dict[tuple[Hashable, ...], set[str]] = {}
    first: dict[tuple[Hashable, ...], Edit] = {}
    tests: Counter[tuple[Hashable, ...]] = Counter()
    for edit in edits:
        said = (edit.action, edit.label, edit.relabelled, edit.to, edit.version)
        first.setdefault(said, edit)
        rows.setdefault(said, set()).update(edit.rows)
        tests[said] += edit.test_rows
    return ((edit, len(rows[said]) + tests[said]) for said, edit in first.items())


def _in_words(edit: Edit, count: int) -> str:
    rows = counted(count, "row")
    if edit.action == "relabel":
        return f"{rows} {edit.relabelled or 'with other labels, or none'}"
    form = _OF_LABELS[edit.action] if edit.action in _OF_LABELS else f"{{rows}} {DONE_WORDS[edit.action]}"
    return form.format(label=repr(edit.label), to=repr(edit.to), rows=rows, version=edit.version)
