"""Texts that a calling model submits for an assignment: judged and stored in one transaction, each counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.curation.cleaning import clean_text, is_broken
from classwright_tools.curation.gates import Gates
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.example import Example, Provenance, example_id, make_example
from classwright_tools.domain.outcome import RefusedText
from classwright_tools.domain.pair import apart, joined
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.index import ArtifactRow, ClosedAssignmentRow, SubmissionRow
from classwright_tools.workspace.workspace import Artifact, Overtaken, Workspace
from classwright_tools.writing.assignments import WRITER, shared_cell

FULL = "batch is full"
ITEM_FULL = "item has its share"
CLOSED = "the assignment is finished"


@dataclass(frozen=True)
class Receipt:
    """What became of one call's texts, and where the assignment stands after it; `have` counts texts by batch."""

    accepted: int
    already_accepted: int
    refused: tuple[RefusedText, ...]
    have: Mapping[str, int]
    was_closed: bool
    is_closed: bool

    @property
    def total(self) -> int:
        """Texts accepted for the whole assignment."""
        return sum(self.have.values())


class Submissions:
    """The texts accepted for one assignment. Several processes may submit to it at once."""

    def __init__(self, workspace: Workspace, assignment_id: str, assignment: Assignment, task: Task) -> None:
        """Take texts for `assignment` of `task`, which is stored under `assignment_id`."""
        self._workspace = workspace
        self._id = assignment_id
        self._assignment = assignment
        self._task = task

    def receive(self, batch: Batch, texts: Sequence[str], *, finish: bool) -> Receipt:
        """Judge `texts` for `batch`, store the good ones, and close the assignment when it is complete or `finish`.

        Pairs come joined: see `domain/pair.py`. An assignment without a single text stays open.

        Raises:
            StorageFailed: the disk is full; nothing of this call was stored.
        """
        gates = Gates.for_dataset(self._workspace, self._task, self._parent())
        known = self.accepted()
        gates.add_rows("train", known)
        with storage_errors(f"assignment {self._id!r}"), Session(self._workspace.engine) as session, session.begin():
            session.get(ArtifactRow, self._id, with_for_update=True)  # SQLite is locked as a whole already
            stored = {row.example: row for row in self._rows(session)}
            came_since = stored.keys() - {example.id for example in known}
            gates.add_rows("train", [Example.model_validate(stored[id_].row) for id_ in came_since])
            was_closed = session.get(ClosedAssignmentRow, self._id) is not None

            judge = _Judge(batch, gates, {id_: row.batch for id_, row in stored.items()}, was_closed=was_closed)
            judge.of_item.update(row.row.get("text_pair") for row in stored.values() if row.batch == batch.batch)
            refused = [verdict for verdict in map(judge.refused, range(len(texts)), texts) if verdict]
            session.add_all(self._row(batch, text) for text in judge.accepted)
            have = Counter(judge.batch_of.values())
            complete = have.total() == sum(wanted.count for wanted in self._assignment.batches)
            closes = not was_closed and have.total() > 0 and (finish or complete)
            if closes:
                session.add(ClosedAssignmentRow(assignment=self._id))
        return Receipt(
            accepted=len(judge.accepted),
            already_accepted=judge.already_accepted,
            refused=tuple(refused),
            have=have,
            was_closed=was_closed,
            is_closed=was_closed or closes,
        )

    def accepted(self) -> list[Example]:
        """Return the accepted rows, by batch and in it by time."""
        with Session(self._workspace.engine) as session:
            rows = sorted(self._rows(session), key=lambda row: int(row.batch[1:]))
            return [Example.model_validate(row.row) for row in rows]

    def dataset(self) -> Artifact:
        """Return the dataset of a closed assignment, making it if it is not there yet.

        Accepted texts that repeat a row which another call has added since are left out, and counted on its card.
        """
        while (made := self._workspace.made_by(self._id, "dataset")) is None:
            parent = self._parent()
            train = read_rows(self._workspace, parent, "train") if parent else []
            accepted = self.accepted()
            repeated = Gates.for_dataset(self._workspace, self._task, parent).repeated(accepted)
            try:
                return save_dataset(
                    self._workspace,
                    self._task.slug,
                    {"train": [*train, *(row for row in accepted if row.id not in repeated)]},
                    parent=parent,
                    on_newest=self._assignment.on_newest,
                    run_key=self._id,
                    made_by="submit_examples",
                    refused=Counter(refused.reason for refused in repeated.values()),
                )
            except Overtaken:  # by a job beside this call: its rows are to be in the new version too
                continue
        return made

    def _parent(self) -> str | None:
        """Return the dataset that the accepted rows join, as things stand now."""
        if not self._assignment.on_newest:
            return self._assignment.parent
        newest = self._workspace.latest("dataset", self._task.slug)
        return newest.id if newest else None

    def _rows(self, session: Session) -> Sequence[SubmissionRow]:
        query = select(SubmissionRow).where(SubmissionRow.assignment == self._id)
        return session.scalars(query.order_by(SubmissionRow.created, SubmissionRow.example)).all()

    def _row(self, batch: Batch, content: str) -> SubmissionRow:
        text, item = apart(content)
        provenance = Provenance(
            cell=Cell(label=batch.label, item=item) if item else shared_cell(batch),
            contrast=batch.contrast,
            round=self._assignment.round,
            writer=WRITER,
        )
        example = make_example(text, batch.label, text_pair=item, origin="written", provenance=provenance)
        return SubmissionRow(
            assignment=self._id, example=example.id, batch=batch.batch, row=example.model_dump(mode="json")
        )


class _Judge:
    """Judges the texts of one call, one after the other."""

    def __init__(self, batch: Batch, gates: Gates, batch_of: dict[str, str], *, was_closed: bool) -> None:
        """Judge for `batch`; `batch_of` gives the batch of every text accepted so far, by its id."""
        self._batch = batch
        self._gates = gates
        self._was_closed = was_closed
        self._first_index: dict[str, int] = {}
        self._items = {cell.item for cell in batch.cells}
        self.of_item: Counter[str | None] = Counter()  # accepted for this batch
        self.batch_of = batch_of
        self.accepted: list[str] = []
        self.already_accepted = 0

    def refused(self, index: int, text: str) -> RefusedText | None:
        """Return why text number `index` is refused; None if it is accepted, now or in an earlier call."""
        if is_broken(text):
            return RefusedText(index=index, reason="unparsable", repair="Send the text as valid UTF-8.")
        text, item = apart(text) if self._batch.sent_as == "pairs" else (text, None)
        text, item = clean_text(text), None if item is None else clean_text(item)
        if item is not None and item not in self._items:
            repair = "Give one of the batch's items, exactly as its cell has it."
            return RefusedText(index=index, reason=f"not an item of the batch: {item[:80]!r}", repair=repair)
        content = joined(text, item)
        id_ = example_id(content)
        first = self._first_index.setdefault(id_, index)
        if first != index:
            return RefusedText(index=index, reason=f"duplicate: it is text {first} again", repair="Write another text.")
        if self.batch_of.get(id_) == self._batch.batch:
            self.already_accepted += 1
            return None
        if self._was_closed:
            return RefusedText(index=index, reason=CLOSED, repair="Call synthesize_examples for a new assignment.")
        if list(self.batch_of.values()).count(self._batch.batch) >= self._batch.count:
            return RefusedText(index=index, reason=FULL, repair="Go on with the next batch.")
        if item and self.of_item[item] >= ceil(self._batch.count / len(self._items)):
            return RefusedText(index=index, reason=ITEM_FULL, repair="Write for the batch's other items.")
        refused = self._gates.admit(text, self._batch.label, self._batch.contrast, item)
        if refused:
            return RefusedText(index=index, reason=f"{refused.reason}: {refused.detail}", repair=refused.repair)
        self.batch_of[id_] = self._batch.batch
        self.of_item[item] += 1
        self.accepted.append(content)
        return None
