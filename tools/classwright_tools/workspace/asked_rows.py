"""Labels of some rows: of those that were asked about what they had then, which tells the checks from the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from classwright_tools.domain.annotation import Annotation
from classwright_tools.workspace.datasets import read_table
from classwright_tools.workspace.row_columns import label_keys_of
from classwright_tools.workspace.workspace import Workspace


def labels_of(workspace: Workspace, dataset: str, ids: Collection[str]) -> dict[str, str | None]:
    """Return the labels (`Example.label_key`) of those rows of a dataset with `ids` that it has; nothing else is read.

    Raises:
        DamagedArtifact: the dataset does not read back.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table(workspace, dataset, ("id", "label", "labels"))
    table = table.filter(pc.is_in(table["id"], pa.array(ids, pa.string())))
    return dict(zip(table["id"].to_pylist(), label_keys_of(table), strict=True))


def known_labels(workspace: Workspace, annotation: Annotation) -> dict[str, str]:
    """Return the labels (`Example.label_key`) of the checks of an annotation, by the row's id.

    Raises:
        DamagedArtifact: its dataset does not read back.
    """
    labels = labels_of(workspace, annotation.dataset, {row.row for row in annotation.rows})
    return {id_: label for id_, label in labels.items() if label is not None}


def without_label(workspace: Workspace, annotations: Iterable[Annotation]) -> set[str]:
    """Return the ids of the rows of `annotations` that are no checks: they had no label then.

    Raises:
        DamagedArtifact: a dataset does not read back.
    """
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for annotation in annotations:
        asked[annotation.dataset].update(row.row for row in annotation.rows)
    labels = (labels_of(workspace, dataset, ids) for dataset, ids in asked.items())  # each dataset is read once
    return {id_ for of_dataset in labels for id_, label in of_dataset.items() if label is None}
