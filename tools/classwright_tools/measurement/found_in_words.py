"""Rows that were looked for, in words: how many were found, what changed of them, and what is left out."""

from __future__ import annotations

from classwright_tools.curation.row_changes import KINDS
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.selection import Doubt
from classwright_tools.measurement.answered_rows import CLOSE, RARELY_RIGHT
from classwright_tools.measurement.selecting import Selected

LABELS_LISTED = 6


def found_in_words(
    found: Selected, earlier: str | None, changes: dict[str, int], labels: dict[str, int], sources: dict[str, int]
) -> str:
    """Return what was found, or what changed since `earlier`; by source if several were counted, the newest first."""
    by_label = listed((f"{label} {rows:,}" for label, rows in labels.items()), LABELS_LISTED)
    bare = found.table["labels" if "labels" in found.table.column_names else "label"].null_count
    by_label += f", and {bare:,} without a label" if by_label and bare else ""
    summary = f"{counted(len(found), 'row')} of {found.dataset} found{f': {by_label}' if by_label else ''}."
    if earlier:
        changed = ", ".join(f"{changes[kind]:,} {kind}" for kind in KINDS if kind in changes)
        rows = counted(len(found), "row changed", "rows changed")
        summary = f"From {earlier} to {found.dataset} {rows}{changed and f': {changed}'}."
    if found.judged:
        there, answered = found.judged
        summary += f" {answered:,} of {counted(there, 'row')} could be judged."
    if len(sources) > 1:
        each = listed((f"{rows:,} {name}" for name, rows in sources.items()), LABELS_LISTED)
        summary += f" By source, the newest first: {each}."
    return summary


def doubt_in_words(doubt: Doubt | None, rows: int) -> str:
    """Return what a `doubt` means where so many `rows` have it: of "unsure" rows that `classify` counts others.

    Of no "suspect" row that this does not say that all are right; of the rest nothing.
    """
    if doubt == "suspect" and not rows:
        return (
            " That does not say that all are right: no row is doubted of a label that the simple classifier (probe) "
            "hardly tells from others, and error_analysis names such labels."
        )
    if doubt != "unsure":
        return ""
    return (
        f" Unsure here: the two likeliest labels are less than {CLOSE} apart, or the likeliest is below {RARELY_RIGHT}"
        "; classify is not sure of any below the model's threshold, mostly more."
    )


def left_out_of_test(unseen: int, *, compared: bool = False) -> str:
    """Return the sentence on the `unseen` test rows, which changed where versions are `compared`; nothing of none."""
    if not unseen:
        return ""
    if compared:
        rows = counted(unseen, "test row that changed is", "test rows that changed are")
        return f" Besides, {rows} left out: where.splits names them."
    return f" Its {counted(unseen, 'test row is', 'test rows are')} left out: where.splits names them."
