"""Datasets with labels that their task no longer has: what was merged, renamed or taken away in a later one."""

from __future__ import annotations

from classwright_tools.domain.edits import decided_since
from classwright_tools.domain.example import LABELLED_BUT_TEST
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_card, read_table
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.row_columns import label_keys_of
from classwright_tools.workspace.workspace import Workspace

_LISTED = 5


def ended_labels(workspace: Workspace, dataset: str) -> tuple[str, ...]:
    """Return the labels of the training and validation rows of `dataset` that its task does not have any more."""
    card = read_card(workspace, dataset)
    has = workspace.task(card.task).label_names
    counts = (one for one in (*card.counts, *card.by_label) if one.split in LABELLED_BUT_TEST)
    return tuple(dict.fromkeys(one.label for one in counts if one.label is not None and one.label not in has))


def check_labels(workspace: Workspace, dataset: str) -> None:
    """Return if the task of `dataset` has all its labels, without which nothing can be learnt from its rows.

    Raises:
        InvalidInput: it has not; the newest dataset that can be learnt from is named.
    """
    ended = ended_labels(workspace, dataset)
    if not ended:
        return
    task = read_card(workspace, dataset).task
    there = (one.id for one in workspace.artifacts(task, "dataset"))
    other = next((id_ for id_ in there if not ended_labels(workspace, id_)), None)
    raise InvalidInput(
        f"dataset {dataset!r}",
        f"has labels that the task no longer has: {listed(map(repr, ended), _LISTED)}",
        (f"Pass dataset={other!r}, which has the task's. Or bring" if other else "Bring")
        + " them back with edit_examples (add_label, or undo).",
    )


def rows_to_keep(workspace: Workspace, dataset: str) -> str:
    """Return how to go on with the rows of `dataset`, which are kept, or that they cannot be learnt from any more.

    Raises:
        DamagedArtifact: it, or the newest dataset, does not read back.
    """
    ended = ended_labels(workspace, dataset)
    if not ended:
        return f"Go on with its rows: dataset={dataset!r}.{labels_lacking(workspace, dataset)}"
    return (
        f"Its rows cannot be trained on as they are: {dataset} has labels that the task no longer has "
        f"({listed(map(repr, ended), _LISTED)})."
    )


def labels_lacking(workspace: Workspace, dataset: str) -> str:
    """Return that rows of `dataset` lack labels that persons gave since, and where these are; "" if they lack none."""
    task = read_card(workspace, dataset).task
    newest = workspace.resolve(None, "dataset", task).id
    by_persons = decided_since(edit for edit in edits_since(workspace, dataset, newest) if edit.by == "person")
    if not by_persons:
        return ""
    then, now = (_labels(workspace, one) for one in (dataset, newest))
    lacking = sum(id_ in now and now[id_] != then.get(id_) for id_ in by_persons)  # one taken back is as it was
    if not lacking:
        return ""
    return (
        f" They lack {counted(lacking, 'label')} that persons gave since. To keep {'it' if lacking == 1 else 'these'}, "
        f"go on with {newest!r} and remove what did not help: find_examples(task={task!r}, dataset={newest!r}, "
        f"compare_to={dataset!r}) shows what came."
    )


def _labels(workspace: Workspace, dataset: str) -> dict[str, str | None]:
    table = read_table(workspace, dataset, ("id", "label", "labels"))
    return dict(zip(table["id"].to_pylist(), label_keys_of(table), strict=True))
