"""The remarks on an import: rows that are read in part or come again, labels of other shares, and what to do next."""

from __future__ import annotations

from classwright_tools.context import ToolContext
from classwright_tools.curation.comparison import Comparison
from classwright_tools.curation.resent import resent_remark
from classwright_tools.domain.example import Split
from classwright_tools.domain.source import GivenSource
from classwright_tools.learning.reading_limits import limit_at_hand
from classwright_tools.measurement.label_shares import label_counts, label_shifts, shifts_remark
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.workspace import Workspace


def cut_rows(comparison: Comparison, context: ToolContext) -> tuple[int, str]:
    """Return how many imported rows the server's encoder reads only in part, and the sentence that says so.

    An encoder that is not on this machine is not waited for: its first training tells then.
    """
    limit = limit_at_hand(context.encoder)
    if limit is None:
        return 0, ""
    context.progress(None, "looking for rows that are longer than the encoder reads")
    cut = limit.cut(content for content, *_ in comparison.arrivals())
    return cut, limit.remark(cut, comparison.imported)


def resent_rows(given: GivenSource, comparison: Comparison, workspace: Workspace, task: str) -> str:
    """Return the sentence on rows of the call that are written ones with a changed text."""
    if not given.rows:
        return ""
    newest = workspace.latest("dataset", task)
    return resent_remark(workspace, newest.id if newest else None, (content for content, *_ in comparison.arrivals()))


def shares_remark(workspace: Workspace, dataset: str, split: Split) -> str:
    """Return the sentence on labels whose share is another in the imported split than in others of the new dataset."""
    return shifts_remark(label_shifts(label_counts(read_card(workspace, dataset)), split))


def import_next_step(split: Split, dataset: str | None, *, several: bool) -> str:
    """Return the call that is usually right after the import; rows with `several` labels are never written."""
    if dataset is None:
        return "Nothing is new: see `skipped` and `examples` for the reasons."
    if split == "train" and several:
        return f"Call train_classifier with dataset {dataset!r}, or bring in validation rows to choose by."
    if split == "unlabelled" and several:
        return f"Call annotate_examples with dataset {dataset!r}, to find out which labels apply."
    if split == "train":
        return f"Call train_classifier with dataset {dataset!r}, or synthesize_examples to add written rows."
    if split == "unlabelled" and several:
        return f"Call annotate_examples with dataset {dataset!r}: labels for the most telling of these texts."
    if split == "unlabelled":
        return (
            f"Call synthesize_examples, or train_classifier with dataset {dataset!r}, which tells the labels' shares "
            "from these texts and real validation rows."
        )
    return f"Call evaluate with dataset {dataset!r} and split {split!r} once there is a model."
