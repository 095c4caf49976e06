"""A dataset laid out for review: its rows as columns in memory, what is doubted, and where each row stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.row_filter import filtered
from classwright_tools.curation.row_sources import GiveSources, RowSources
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.decision import Person, name_in
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.kinds import number_of
from classwright_tools.domain.label_sets import SEVERAL, in_one_name, labels_apart
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.domain.look import Look
from classwright_tools.domain.opinions import Opinions, RowOpinions, same_name
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.cells import in_cell
from classwright_tools.review.decisions import Entry
from classwright_tools.review.done import BESIDE_A_LABEL, put_together
from classwright_tools.review.doubted import doubted
from classwright_tools.review.later import changes_of_labels, under_later_names, with_labels
from classwright_tools.review.standing import Standing
from classwright_tools.review.tally import RowTally, Tally
from classwright_tools.review.words import fate_of

Places = NDArray[np.int64]
_ON_THE_PAGE = {"rewrite": "edit", "approve": "accept", "restore": "accept"}  # edits that have another name there


@dataclass(frozen=True)
class Desk:
    """The rows of one dataset, which never change, and the labels of its task.

    They are the table of `read_table`, with a column "label" that has several labels joined: see `keyed`. By the
    `edits` the rows came to be as they are. What they came in by is read where it is asked for.
    """

    dataset: str
    table: Any
    labels: tuple[str, ...]
    edits: tuple[Edit, ...]
    give_sources: GiveSources

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def sources(self) -> RowSources:
        """What the rows came in by."""
        return self.give_sources()

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the rows, in the dataset's order."""
        return list(self.table["id"].to_pylist())

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The places of the rows by their ids."""
        return {id_: place for place, id_ in enumerate(self.ids)}

    def text_of(self, row: str) -> str:
        """Return the text of a row by its id; "" if it is not there."""
        place = self.place_of.get(row)
        return "" if place is None else str(self.table["text"][place].as_py())

    @cached_property
    def _said(self) -> Decided:
        return Decided(self.edits)

    @cached_property
    def decided(self) -> Mapping[str, str]:
        """The rows that the dataset itself says a person decided, here or in the chat, and the action: as on the page.

        Those of which a person said that no label fits are among them.
        """
        return {row: _ON_THE_PAGE.get(edit.action, edit.action) for row, edit in self._decided_by.items()}

    @cached_property
    def unfit(self) -> set[str]:
        """The rows without a label of which a model said that none fits."""
        return {row for row, edit in fitting_none(self.edits, self.labels).items() if edit.by == "model"}

    @cached_property
    def _decided_by(self) -> dict[str, Edit]:
        fit_none = {row: edit for row, edit in self._said.fits_none.items() if edit.by == "person"}
        return {row: edit for row, edit in {**fit_none, **self._said.by_person}.items() if row in self.place_of}

    def entry(self, row: str, standing: Standing) -> Entry | None:
        """Return the decision on the page that counts for a row of this dataset.

        Where an earlier version has it, or this one, it counts unless it was undone or overruled since, in the chat.
        """
        entry = standing.of(row)
        if entry is None or not self._has(entry, standing):
            return entry
        edit = self._decided_by.get(row)
        if edit is None:
            return entry if row in self._said.flagged else None
        return entry if edit.brought or number_of(edit.dataset) < number_of(standing.version(entry) or "") else None

    def done(self, row: str, standing: Standing) -> dict[str, Entry | None]:
        """Return what was done to a row and holds, the latest last, each with its decision; None: of the dataset."""
        last = self.entry(row, standing)
        since = (one for one in standing.all_of(row) if one is last or not self._has(one, standing))
        return put_together(self._done_before(row), (self._as_it_is_now(one, row, standing) for one in since))

    def _as_it_is_now(self, entry: Entry, row: str, standing: Standing) -> Entry:
        """Return a decision on a row by what labels are called here: those of one that this has are the row's own."""
        own = self.own(self.place_of[row]) if row in self.place_of and self._has(entry, standing) else None
        if own is None or not entry.decision.says_labels:
            return self._under_names_of_now(entry)
        return with_labels(entry, own)

    def _under_names_of_now(self, entry: Entry) -> Entry:
        return under_later_names(entry, self._changes_of_labels, self.labels)

    @cached_property
    def _changes_of_labels(self) -> list[Edit]:
        return changes_of_labels(self.edits)

    def _has(self, entry: Entry, standing: Standing) -> bool:
        """Whether this dataset came to be with a decision."""
        version = standing.version(entry)
        return version is not None and number_of(version) <= number_of(self.dataset)

    def _done_before(self, row: str) -> list[str]:
        marks = {"flag": self._said.flagged, "good_example": self._said.good_examples}
        return [*filter(None, [self.decided.get(row)]), *(mark for mark, rows in marks.items() if row in rows)]

    def tally(self, standing: Standing) -> Tally:
        """Return what decisions come to on the rows of this dataset by now."""
        if not self._tallies or self._tallies[0].standing is not standing:
            self._tallies[:] = [Tally(standing, [*self._opinions.of_row, *self.decided])]
        self._tallies[0].refresh(lambda row: self._tallied(row, standing))
        return self._tallies[0]

    @cached_property
    def _tallies(self) -> list[Tally]:
        """The last tally, if there is one: a desk goes with the same decisions all along."""
        return []

    def _tallied(self, row: str, standing: Standing) -> RowTally:
        if row not in self.place_of:
            return RowTally()
        counts, last = standing.of(row), self.entry(row, standing)
        action = last.decision.action if last else self.decided.get(row)
        return RowTally(
            said=self._opinion(row, standing),
            action=action if action and self._is_settled(row, action, standing) else None,
            is_counted=not self.is_test(row),
            right=counts.decision.right if counts and counts.decision.blind else None,
        )

    def _is_settled(self, row: str, action: str, standing: Standing) -> bool:
        if action not in BESIDE_A_LABEL or self.own(self.place_of[row]) is not None:
            return True
        return not {*self.done(row, standing)} <= {*BESIDE_A_LABEL}

    @cached_property
    def _opinions(self) -> Opinions:
        return Opinions(self.edits, self.labels)

    def _opinion(self, row: str, standing: Standing) -> RowOpinions | None:
        before = self._opinions.of_row.get(row)
        waiting = (self._under_names_of_now(one) for one in standing.waiting_of(row))
        fate = fate_of(waiting, standing.name, self.table["label"][self.place_of[row]].as_py())
        return fate.told(before) if fate.words else before

    def is_of_another(self, row: str, standing: Standing, person: Person) -> bool:
        """Whether somebody else than a person on a page decided on a row last."""
        entry = self.entry(row, standing)
        if entry is None:
            return row in self.decided and not same_name(self._decided_by[row].person, name_in(person))
        return not (entry.person == person or same_name(standing.name(entry), name_in(person)))

    def of_others(self, row: str, standing: Standing, person: Person) -> list[Entry]:
        """Return what others than a person on a page ever decided on the label of a row or its removal there."""
        others = [one for one in standing.answers(row) if one.person != person]
        return [one for one in others if not same_name(standing.name(one), name_in(person))]

    def tells_of_others(self, row: str, person: Person) -> bool:
        """Whether the dataset itself has what others than a person on a page, who gave a name, said of a row."""
        said = self._opinions.of_row.get(row)
        return said is not None and not all(same_name(name, name_in(person)) for name in said.said)

    def decided_by(self, name: str, standing: Standing) -> list[str]:
        """Return the rows that a person of a name decided on, in the dataset or since."""
        waiting = [entry for entry in standing.waiting if same_name(standing.name(entry), name)]
        return [*self._opinions.by(name), *(row for entry in waiting for row in entry.decision.rows)]

    @cached_property
    def splits(self) -> list[str]:
        """The split of each row."""
        return list(self.table["split"].to_pylist())

    def is_test(self, row: str) -> bool:
        """Whether the row with an id is a test row, on which nobody decides here."""
        return row in self.place_of and self.splits[self.place_of[row]] == "test"

    @cached_property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return "labels" in self.table.column_names

    @cached_property
    def _own(self) -> list[tuple[str, ...] | None]:
        import pyarrow.compute as pc

        keys = self.table["label"].combine_chunks().dictionary_encode()
        apart = [*map(labels_apart, keys.dictionary.to_pylist()), None]  # rows of one label share it
        return [apart[place] for place in pc.fill_null(keys.indices, len(apart) - 1).to_numpy().tolist()]

    def own(self, place: int) -> tuple[str, ...] | None:
        """Return the label, or all labels, of the row at `place`; None where nobody has said which apply."""
        return self._own[place]

    @cached_property
    def label_places(self) -> NDArray[np.int64]:
        """The place in `names` of each row's label; -1 where it has none.

        Of a row with several labels, or with none that applies, it is that of a name which says so, in `colours`.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.several:
            found = pc.index_in(self.table["label"], value_set=pa.array(self.names, pa.string()))
            return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)
        number = {name: place for place, name in enumerate(self.colours)}
        return np.array([-1 if own is None else number[in_one_name(own)] for own in self._own], np.int64)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The task's labels, then those that rows have and the task has not."""
        import pyarrow.compute as pc

        there = {name for key in pc.unique(self.table["label"]).drop_null().to_pylist() for name in labels_apart(key)}
        return (*self.labels, *sorted(there - set(self.labels)))

    @cached_property
    def colours(self) -> tuple[str, ...]:
        """The names that each row has one of, if it has a label: `names`, and that there are several, or none."""
        return (*self.names, SEVERAL, in_one_name(())) if self.several else self.names

    def find(self, look: Look, standing: Standing, doubts: Doubts | None) -> Places:
        """Return the places of the rows that are looked at, in the dataset's order.

        Raises:
            NotFound: there is no such label.
            InvalidInput: a topic, a subtopic, a source type or a contrast is that of no row.
        """
        found = np.zeros(len(self), bool)
        by, where = look.where.decided_by, look.where.model_copy(update={"decided_by": None})
        found[filtered(self.table, where, self.labels, lambda: self.sources)] = True
        if by is not None:
            found &= self._are(self.decided_by(by, standing))
        if look.places or look.ids:
            known = [self.place_of[row] for row in look.ids if row in self.place_of]
            found &= np.isin(np.arange(len(self)), np.asarray([*look.places, *known], np.int64))
        if look.cell is not None:
            found &= in_cell(self.table, look.cell)
        if look.unlabelled:
            found &= self.label_places < 0
        if look.not_by is not None:
            told = self.tally(standing).opinions.items()
            found &= self._are(row for row, said in told if said.stands is not None and not said.has(look.not_by))
        if look.state is not None:
            found &= self._in_state(look.state, standing)
        if any((look.doubt, look.guess, look.missed, look.added)):
            found &= doubted(look, doubts, self._own) if doubts else False
        return np.flatnonzero(found)

    def _in_state(self, state: str, standing: Standing) -> NDArray[np.bool_]:
        """Return which rows stand so."""
        if state == "disputed":
            return self._are(self.tally(standing).disputed)
        if state == "wrong":
            return self._are(row for row, one in standing.rows.items() if one.decision.right is False)
        if state in ("open", "decided"):
            decided = self._are(self.tally(standing).actions)
            return ~decided if state == "open" else decided
        unfit = self.unfit - self.tally(standing).actions.keys() if state == "fits_none" else ()
        touched = {*self.decided, *standing.rows, *self._said.flagged, *self._said.good_examples}
        found = (row for row in touched if row in self.place_of and state in self.done(row, standing))
        return self._are([*found, *unfit])

    def _are(self, rows: Iterable[str]) -> NDArray[np.bool_]:
        """Return which rows are among those with some ids."""
        wanted = np.zeros(len(self), bool)
        wanted[[self.place_of[row] for row in rows if row in self.place_of]] = True
        return wanted
