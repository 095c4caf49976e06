"""Labels that one call gave to many rows, and that all other rows contradict.

A rule, or a list of ids, is weaker evidence than decisions row by row: one careless sentence turns dozens of labels.
Rows that were relabelled alike vouch for one another, in a probe that has learnt from them too. So each call is judged
by a probe of the rows that it did not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import DoubtedEdit
from classwright_tools.domain.edits import BULK, Edit
from classwright_tools.domain.pair import Content
from classwright_tools.learning.head import fit_head
from classwright_tools.measurement.edit_calls import by_whom, calls_of, version_made
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import fisher_greater
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Workspace

MOST_CALLS = 10  # the newest; each takes a regression
SURE = 0.01
"""Over all calls that are judged (Bonferroni)."""
SHOWN = 3

Places = npt.NDArray[np.intp]
Embed = Callable[[Sequence[Content]], npt.NDArray[np.float32]]


class Verdict(NamedTuple):
    """Of how many rows of a call the label could be judged, and is contradicted; and how that compares with others.

    A label can be judged of which the call left as many rows as it made: of fewer a probe learns too little.
    """

    judged: int
    contradicted: int
    p: float
    places: Places
    """Those of the rows that are contradicted."""

    @property
    def is_doubted(self) -> bool:
        """Whether most of the rows are contradicted, and more than others by more than chance."""
        return 2 * self.contradicted > self.judged and self.p < SURE


def verdict(found: Answers, embeddings: npt.NDArray[np.float32], places: Places, calls: int) -> Verdict:
    """Return what a probe of the rows outside `places` says of the labels at them.

    `found` are answers to all n rows out of fold, by which the rows outside are right or wrong; `embeddings` (n, d) are
    theirs. The p of Fisher's exact test is corrected for so many `calls`.
    """
    others = np.setdiff1d(np.arange(len(found.rows)), places)
    there, given = (np.bincount(found.true[of], minlength=len(found.labels)) for of in (others, places))
    asked = places[(there >= given)[found.true[places]]]
    if len(asked) < BULK or len(np.unique(found.true[others])) < 2:
        return Verdict(len(asked), 0, 1.0, asked[:0])
    head = fit_head(embeddings[others], found.true[others], len(found.labels))
    wrong = asked[head.logits(embeddings[asked]).argmax(axis=1) != found.true[asked]]
    p = fisher_greater(len(wrong), len(asked), int(found.is_wrong[others].sum()), len(others))
    return Verdict(len(asked), len(wrong), min(1.0, p * calls), wrong)


def doubted_edits(workspace: Workspace, found: Answers, embed: Embed) -> tuple[DoubtedEdit, ...]:
    """Return the calls whose labels most other rows contradict, the newest first; `found` as for `verdict`.

    Where rows may have several labels no call is judged.

    Raises:
        DamagedArtifact: the edits of the dataset do not read back.
    """
    if found.several:
        return ()
    calls = _calls(read_edits(workspace, found.dataset), found)
    embeddings = embed([row.content for row in found.rows]) if calls else np.empty((0, 0), np.float32)
    judged = [(call, places, verdict(found, embeddings, places, len(calls))) for call, places in calls]
    return tuple(_told(workspace, found, *one) for one in judged if one[2].is_doubted)


def _told(workspace: Workspace, found: Answers, call: Sequence[Edit], places: Places, judged: Verdict) -> DoubtedEdit:
    before = {id_: label for edit in call for id_, label in edit.rows.items()}
    return DoubtedEdit(
        version=version_made(workspace, call[0], found.dataset),
        before=call[0].dataset,
        by=by_whom(call),
        was=tuple(sorted({before[found.rows[place].id] for place in places})),
        to=tuple(sorted({found.labels[found.true[place]] for place in places})),
        rows=len(places),
        judged=judged.judged,
        contradicted=judged.contradicted,
        examples=tuple(found.rows[place].shown for place in judged.places[:SHOWN]),
    )


def _calls(edits: Sequence[Edit], found: Answers) -> list[tuple[list[Edit], Places]]:
    """Return the newest calls that turned many labels, with the places of the rows that have these labels by them."""
    place_of = {row.id: place for place, row in enumerate(found.rows)}
    taken: set[str] = set()
    calls = []
    for call in reversed(calls_of(edit for edit in edits if not edit.brought)):
        own = {
            id_
            for edit in call
            for id_, before in edit.rows.items()
            if edit.action == "relabel" and not edit.person  # a name is given where rows are decided one by one
            if before and id_ in place_of and id_ not in taken
            if edit.label == found.labels[found.true[place_of[id_]]]
        }
        taken |= {id_ for edit in call for id_ in edit.rows}
        if len(own) >= BULK:
            calls.append((call, np.array(sorted(place_of[id_] for id_ in own))))
    return calls[:MOST_CALLS]
