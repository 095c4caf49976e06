"""Rows that come back changed: texts that nearly repeat what was written here, and arrive as if they were real."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from classwright_tools.curation.duplicates import NearDuplicates
from classwright_tools.domain.example import Split, example_id
from classwright_tools.domain.pair import Content
from classwright_tools.errors import DamagedArtifact
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.workspace import Workspace

_LABELLED: tuple[Split, ...] = ("train", "validation")


def resent_remark(workspace: Workspace, dataset: str | None, arrived: Iterable[Content]) -> str:
    """Return the sentence on those of the texts that `arrived` which nearly repeat written rows of `dataset`.

    Equal ones are known for what they are. Who corrects a text and sends it again makes a real row of a written one.
    """
    written: NearDuplicates[str] = NearDuplicates()
    try:
        for split in _LABELLED if dataset else ():
            rows = chain.from_iterable(iterate_rows(workspace, dataset or "", split))
            written.add_all((row.id, row.content) for row in rows if row.origin == "written")
    except DamagedArtifact:
        return ""  # a dataset that does not read back stops no import of another
    if not len(written):
        return ""
    contents = list(arrived)
    found = zip(contents, written.find_each(contents), strict=True)
    near = sum(match is not None and match.id != example_id(content) for content, match in found)
    if not near:
        return ""
    return (
        f"{near} of them nearly repeat texts that were written for {dataset}, and count as real now: edit_examples "
        "corrects a row and keeps its origin."
    )
