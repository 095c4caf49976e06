"""Rows that an undo leaves, whole or in part, as the edit made them: which, why, and how to mend them by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classwright_tools.domain.edits import Edit
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.label_sets import key_in_words, labels_apart, named_together
from classwright_tools.editing.draft import Draft, Row
from classwright_tools.editing.row_changes import NO_LABEL

NAMED = 3  # rows of a sentence


@dataclass(frozen=True)
class Kept:
    """A row that keeps what the undone edit changed, in words, and the change that gives it what it had before."""

    words: str
    mend: dict[str, Any]


def label_in_words(label: str | None) -> str:
    """Return a row's label, or all its labels, in words."""
    return key_in_words(label) if label else NO_LABEL


def kept_label(draft: Draft, row: Row, label: str | None, mended: str | None, why: Edit | None) -> Kept:
    """Return that `row` keeps its label, where it had `label` and is mended by `mended`, and the edit `why`."""
    word = named_together(labels_apart(mended)) if mended and draft.task.multi_label else mended
    mend = (
        {"action": "relabel", "label": word, "rows": {"ids": [row["id"]]}} if mended not in (None, row["label"]) else {}
    )
    words = f"{row['id']} keeps {label_in_words(row['label'])!r} (before the edit {label_in_words(label)!r})"
    return Kept(f"{words}{_because(why)}", mend)


def kept_ended(row: Row, label: str | None) -> Kept:
    """Return that `row` keeps its label, where it had `label`, which has ended since, so that nothing gives it back."""
    words = f"{row['id']} keeps {label_in_words(row['label'])!r} (before the edit {label_in_words(label)!r}, a label"
    return Kept(f"{words} that has ended since)", {})


def kept_text(row: Row, old: Row, why: Edit | None) -> Kept:
    """Return that `row` keeps its text, where it had that of `old`, and the edit `why`."""
    pair = {"text_pair": old["text_pair"]} if old.get("text_pair") is not None else {}
    mend = {"action": "rewrite", "rows": {"ids": [row["id"]]}, "text": old["text"], **pair}
    return Kept(f"{row['id']} keeps its text{_because(why)}", mend)


def kept_out(id_: str, why: Edit | None) -> Kept:
    """Return that the row `id_` stays out of the dataset, and the edit `why`."""
    return Kept(f"{id_} is gone{_because(why)}", {"action": "restore", "rows": {"ids": [id_]}})


def kept_in(row: Row, why: Edit | None) -> Kept:
    """Return that `row`, which the edit had brought in or which is there again, stays, and the edit `why`."""
    return Kept(f"{row['id']} stays in{_because(why)}", {"action": "remove", "rows": {"ids": [row["id"]]}})


def in_sentences(draft: Draft, kept: Sequence[Kept]) -> list[str]:
    """Return sentences that name the rows, and the call which mends the first; none where no row is left."""
    if not kept:
        return []
    mend = next((one.mend for one in kept if one.mend), None)
    call = f" To mend one: edit_examples(task={draft.task.slug!r}, changes=[{mend}], reason=...)." if mend else ""
    return [f"Not undone: {listed([one.words for one in kept], NAMED)}.{call}"]


def _because(why: Edit | None) -> str:
    if why is None:
        return ""
    return f", {why.made} since (by {why.decider}, {why.when:%Y-%m-%d})"
