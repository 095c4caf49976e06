"""Texts that a calling model submits for an assignment: judged and stored in one transaction, each counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.cleaning import clean_text, is_broken
from classwright_tools.domain.example import Example, Provenance, example_id, written_example
from classwright_tools.domain.outcome import ENDED, RefusedText
from classwright_tools.domain.pair import Content, apart, joined
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.destination import Destination
from classwright_tools.workspace.index import ArtifactRow, ClosedAssignmentRow, SubmissionRow, reading
from classwright_tools.workspace.later_labels import under_later_labels
from classwright_tools.workspace.workspace import Artifact, Workspace
from classwright_tools.writing.assignments.batches import WRITER, remaining

FULL = "batch is full"
ITEM_FULL = "item has its share"
CLOSED = "the assignment is finished"


@dataclass(frozen=True)
class Receipt:
    """What became of one call's texts, and where the assignment stands: `have` counts by batch and cell."""

    accepted: int
    already_accepted: int
    refused: tuple[RefusedText, ...]
    have: Mapping[str, Counter[Cell]]
    was_closed: bool
    is_closed: bool

    @property
    def total(self) -> int:
        """Texts accepted for the whole assignment."""
        return sum(cells.total() for cells in self.have.values())


class Submissions:
    """The texts accepted for one assignment. Several processes may submit to it at once."""

    def __init__(self, workspace: Workspace, assignment_id: str, assignment: Assignment, task: Task) -> None:
        """Take texts for `assignment` of `task`, which is stored under `assignment_id`."""
        self._workspace = workspace
        self._id = assignment_id
        self._assignment = assignment
        self._task = task
        self._destination = Destination(task.slug, assignment.parent, on_newest=assignment.on_newest)

    def receive(self, given: Sequence[tuple[Batch, Sequence[Content]]], *, finish: bool) -> Receipt:
        """Judge what is `given` for batches, store the good texts, and close when it is complete or `finish`.

        An assignment without a single text stays open.

        Raises:
            StorageFailed: the disk is full; nothing of this call was stored.
        """
        gates = QualityFilter.for_dataset(self._workspace, self._task, self._destination.parent(self._workspace))
        known = self.accepted()
        gates.add_shown(chain.from_iterable(self._assignment.style.values()))
        gates.add_rows("train", known)
        with storage_errors(f"assignment {self._id!r}"), Session(self._workspace.engine) as session, session.begin():
            session.get(ArtifactRow, self._id, with_for_update=True)  # SQLite is locked as a whole already
            stored = {row.example: row for row in self._rows(session)}
            came_since = stored.keys() - {example.id for example in known}
            gates.add_rows("train", [Example.model_validate(stored[id_].row) for id_ in came_since])
            was_closed = session.get(ClosedAssignmentRow, self._id) is not None

            judge = _Judge(
                self._assignment.batches,
                gates,
                {id_: row.batch for id_, row in stored.items()},
                _by_cell(stored.values()),
                was_closed=was_closed,
            )
            refused = [verdict for batch, contents in given for verdict in judge.refused(batch, contents)]
            now = datetime.now(UTC)  # a microsecond more for each, so that texts of one call keep their order
            session.add_all(
                self._row(accepted, now + timedelta(microseconds=place))
                for place, accepted in enumerate(judge.accepted)
            )
            total = len(judge.batch_of)
            complete = total == sum(wanted.count for wanted in self._assignment.batches)
            closes = not was_closed and total > 0 and (finish or complete)
            if closes:
                session.add(ClosedAssignmentRow(assignment=self._id))
        return Receipt(
            accepted=len(judge.accepted),
            already_accepted=judge.already_accepted,
            refused=tuple(refused),
            have=judge.have,
            was_closed=was_closed,
            is_closed=was_closed or closes,
        )

    def accepted(self) -> list[Example]:
        """Return the accepted rows, by batch and in it by time."""
        with reading(self._workspace.engine) as session:
            rows = sorted(self._rows(session), key=lambda row: int(row.batch[1:]))
            return [Example.model_validate(row.row) for row in rows]

    def dataset(self) -> Artifact:
        """Return the dataset of a closed assignment, making it if it is not there yet.

        Accepted texts that repeat a row which another call has added since are left out, and counted on its card.
        """
        made = self._workspace.made_by(self._id, "dataset")
        return made or self._destination.append(self._workspace, self._saved_onto)

    def _saved_onto(self, parent: str | None) -> Artifact:
        """Save the accepted rows and those of the dataset `parent` as a new version of it."""
        train = read_rows(self._workspace, parent, "train") if parent else []
        task = self._workspace.task(self._task.slug)
        accepted, ended = under_later_labels(
            self._workspace, task.label_names, self.accepted(), self._assignment.parent, parent
        )
        repeated = QualityFilter.for_dataset(self._workspace, self._task, parent).repeated(accepted)
        return save_dataset(
            self._workspace,
            self._task.slug,
            {"train": [*train, *(row for row in accepted if row.id not in repeated)]},
            parent=parent,
            on_newest=self._destination.on_newest,
            run_key=self._id,
            made_by="submit_examples",
            refused=Counter(refused.reason for refused in repeated.values()) + Counter({ENDED: len(ended)}),
        )

    def _rows(self, session: Session) -> Sequence[SubmissionRow]:
        query = select(SubmissionRow).where(SubmissionRow.assignment == self._id)
        return session.scalars(query.order_by(SubmissionRow.created, SubmissionRow.example)).all()

    def _row(self, accepted: _Accepted, created: datetime) -> SubmissionRow:
        text, _ = apart(accepted.content)
        batch = accepted.batch
        provenance = Provenance(
            cell=accepted.cell, contrast=batch.contrast, round=self._assignment.round, writer=WRITER
        )
        example = written_example(text, self._task, accepted.cell, provenance)
        return SubmissionRow(
            assignment=self._id,
            example=example.id,
            batch=batch.batch,
            row=example.model_dump(mode="json"),
            created=created,
        )


def _by_cell(rows: Iterable[SubmissionRow]) -> dict[str, Counter[Cell]]:
    """Count accepted texts by their batch, and in it by their cell."""
    counts: dict[str, Counter[Cell]] = {}
    for row in rows:
        cell = Cell.model_validate(row.row["provenance"]["cell"])
        counts.setdefault(row.batch, Counter())[cell] += 1
    return counts


class _Accepted(NamedTuple):
    """A content, the batch that it counts for, and the cell that it was written for."""

    content: Content
    batch: Batch
    cell: Cell


class _Taking:
    """A batch that texts of one call were written for, what takes them, and the cells that they are for in turn."""

    def __init__(self, batch: Batch, batches: Sequence[Batch], have: Counter[Cell]) -> None:
        """Take texts for `batch`, and for those of `batches` of its label and contrast what it has no room for.

        `have` counts the texts accepted for the batch by cell.
        """
        alike = [one for one in batches if (one.label, one.contrast) == (batch.label, batch.contrast)]
        place = alike.index(batch)
        self.batch = batch
        self.takers = {one.batch: one for one in (*alike[place:], *alike[:place])}
        self.items = {cell.item for cell in batch.cells}
        left = remaining(batch, have) or batch
        self.cells = chain((cell.cell for cell in left.cells for _ in range(cell.count)), repeat(batch.cells[-1].cell))


class _Refusal(NamedTuple):
    reason: str
    repair: str


class _Judge:
    """Judges the texts of one call, one after the other."""

    def __init__(
        self,
        batches: Sequence[Batch],
        gates: QualityFilter,
        batch_of: dict[str, str],
        have: dict[str, Counter[Cell]],
        *,
        was_closed: bool,
    ) -> None:
        """Judge for any of `batches`.

        `batch_of` gives the batch of every text accepted so far, by its id; `have` counts them by batch and cell.
        """
        self._batches = batches
        self._gates = gates
        self._was_closed = was_closed
        self._first: dict[str, tuple[str, int]] = {}
        self.batch_of = batch_of
        self.have = have
        self.accepted: list[_Accepted] = []
        self.already_accepted = 0

    def refused(self, batch: Batch, contents: Sequence[Content]) -> list[RefusedText]:
        """Return those of the texts of `batch` that are refused, by their place; others are accepted now or were."""
        taking = _Taking(batch, self._batches, self._of(batch))
        verdicts = ((index, self._verdict(taking, index, given)) for index, given in enumerate(contents))
        return [
            RefusedText(batch=batch.batch, index=index, reason=why.reason, repair=why.repair)
            for index, why in verdicts
            if why
        ]

    def _verdict(self, taking: _Taking, index: int, given: Content) -> _Refusal | None:
        """Return why `given`, number `index` of its batch, is refused; None if it is accepted now or was before."""
        batch = taking.batch
        if is_broken(given):
            next(taking.cells)  # what is refused takes its place, too
            return _Refusal("unparsable", "Send the text as valid UTF-8.")
        text, item = apart(given) if batch.sent_as == "pairs" else (given, None)
        text, item = clean_text(text), None if item is None else clean_text(item)
        if item is not None and item not in taking.items:
            repair = "Give one of the batch's items, exactly as its cell has it."
            return _Refusal(f"not an item of the batch: {item[:80]!r}", repair)
        content = joined(text, item)
        id_ = example_id(content)
        first_batch, first = self._first.setdefault(id_, (batch.batch, index))
        if (first_batch, first) != (batch.batch, index):
            next(taking.cells)
            return _Refusal(f"duplicate: it is text {first} of {first_batch!r} again", "Write another text.")
        if self.batch_of.get(id_) in taking.takers:
            self.already_accepted += 1
            return None
        if self._was_closed:
            return _Refusal(CLOSED, "Call synthesize_examples for a new assignment.")
        cell = Cell(label=batch.label, item=item) if item else next(taking.cells)
        taker = batch if item else next(filter(self._has_room, taking.takers.values()), batch)
        if not self._has_room(taker):
            return _Refusal(FULL, "Go on with the next batch.")
        if item and self._of(taker)[cell] >= sum(one.count for one in taker.cells if one.item == item):
            return _Refusal(ITEM_FULL, "Write for the batch's other items.")
        refused = self._gates.admit(text, batch.label, batch.contrast, item)
        if refused:
            return _Refusal(f"{refused.reason}: {refused.detail}", refused.repair)
        self.batch_of[id_] = taker.batch
        self._of(taker)[cell] += 1
        self.accepted.append(_Accepted(content, taker, cell))
        return None

    def _of(self, batch: Batch) -> Counter[Cell]:
        return self.have.setdefault(batch.batch, Counter())

    def _has_room(self, batch: Batch) -> bool:
        return self._of(batch).total() < batch.count
