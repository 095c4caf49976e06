"""The table of answers: the rows of the imported files as they came, in their order, with a label each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any

from pydantic import Field

from classwright.predict import names_beside, probability_column
from classwright_tools.bulk.answer_cells import AnswerCells
from classwright_tools.bulk.outputs import file_column, opened_table, write_output
from classwright_tools.context import ToolContext
from classwright_tools.curation.kept_source import content_of, kept_rows
from classwright_tools.curation.row_sources import RowSources, row_sources
from classwright_tools.domain.cards import KeptSource
from classwright_tools.domain.example import Example, Split, example_id
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.label_sets import NO_LABELS, named_apart
from classwright_tools.domain.noun import LabelName, Noun, Share
from classwright_tools.domain.pair import Content, apart
from classwright_tools.domain.table_form import USUAL
from classwright_tools.learning.classifier import ROWS_AT_ONCE
from classwright_tools.workspace.datasets import iterate_rows, read_card

ANSWERS, NEWEST = "answers.csv", "answers_newest.csv"
_USUAL = ("id", "split", "text", "text_pair")
"""The columns where no source was kept."""
_Row = tuple[dict[str, Any], Content | None]
"""What a row holds by column, and what of it is classified."""


class SortedRows(Noun):
    """What a report says of them: the model's `sure` answers by label, and how many rows it was `unsure` of.

    Of these so many are `out_of_scope`. The `thresholds` are those of labels that were given one of their own. The
    table has the `rows` of so many `sources` that were kept, or if of none the dataset's; `labelled` have a label, and
    so many each of `by_label`, of which `guesses` are such that the model is not sure. Reports of before these were
    counted have 0. `newest` is the last of several sources, whose rows alone are in `NEWEST`, `of_newest` by label,
    `newest_guesses` of them guesses.
    """

    model: str
    dataset: str
    threshold: Share
    thresholds: dict[LabelName, Share] = Field(default_factory=dict)
    sure: dict[LabelName, int]
    unsure: int
    out_of_scope: int = 0
    sources: int = 0
    rows: int = 0
    labelled: int = 0
    guesses: int = 0
    newest: str = ""
    by_label: dict[LabelName, int] = Field(default_factory=dict)
    of_newest: dict[LabelName, int] = Field(default_factory=dict)
    newest_guesses: int = 0


@dataclass
class AnswersTable:
    """The rows and their answers; how many there are, and how many have each label, is counted while they are written.

    Where sources were kept beside the dataset, these are their rows, copies too, and unlabelled rows from elsewhere;
    else its rows, but for written and test rows.
    """

    context: ToolContext
    cells: AnswerCells
    rows: int = 0
    labelled: int = 0
    guesses: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    of_newest: Counter[str] = field(default_factory=Counter)
    """How many rows of the newest of several sources have each label."""
    newest_guesses: int = 0
    _seen: set[str | None] = field(default_factory=set)
    """The ids of the rows of all sources; filled while the table is written."""

    @cached_property
    def row_sources(self) -> RowSources:
        """What each row of the dataset came in by."""
        return row_sources(self.context.workspace, self.cells.dataset)

    @cached_property
    def sources(self) -> tuple[KeptSource, ...]:
        """Where the rows came from, as far as that was kept."""
        return read_card(self.context.workspace, self.cells.dataset).sources_of(self.cells.dataset)

    def write(self, folder: Path) -> None:
        """Write the table as CSV, part by part: a large one is never whole in memory.

        Where there are several sources, the rows of the newest stand in a file of their own, too. The form is its own.
        """
        form = self.sources[-1].form if self.sources else USUAL
        names = [*self._own, *self._beside]
        if not self.newest:
            write_output(folder / ANSWERS, names, self._parts(), form)
            return
        kept = [names.index(name) for name in (*self.sources[-1].columns, *self._beside)]
        with opened_table(folder / NEWEST, [names[place] for place in kept], form) as write:

            def both() -> Iterator[list[list[Any]]]:
                for part in self._parts():
                    write([row[place] for place in kept] for row in part if row[0] == self.newest)
                    yield part

            write_output(folder / ANSWERS, names, both(), form)

    @property
    def newest(self) -> str:
        """The last of several sources, as the column `file` names it; empty where there are not several."""
        return self._names[-1] if len(self.sources) > 1 else ""

    @cached_property
    def _names(self) -> list[str]:
        """What the sources are called, as everywhere."""
        known = self.row_sources.by_version
        return [known.get(source.dataset or "", source.name) for source in self.sources]

    def column(self, name: str) -> str:
        """Return what the table calls the column `name` of an answer; empty where it has none."""
        return dict(zip(self.cells.columns, self._beside, strict=True)).get(name, "")

    @property
    def mismatch_column(self) -> str:
        """The column that pairs are sorted by to have the worst first; empty of a task that names no mismatch."""
        return self.column(probability_column(self.cells.model.card.mismatch or ""))

    @cached_property
    def _own(self) -> list[str]:
        """The columns before those of an answer."""
        if not self.sources:
            return list(_USUAL if self.cells.found.rows[0].text_pair is not None else _USUAL[:-1])
        return list(dict.fromkeys(chain(self._file, *(source.columns for source in self.sources))))

    @property
    def _beside(self) -> list[str]:
        """What the columns of an answer are called beside the others."""
        return names_beside(self._own, self.cells.columns)

    @cached_property
    def _file(self) -> list[str]:
        """The column that says of which source a row is, under a name that no source has; none where there is one."""
        there = set(chain.from_iterable(source.columns for source in self.sources))
        return [file_column(there)] if len(self.sources) > 1 else []

    def _parts(self) -> Iterator[list[list[Any]]]:
        rows, done = self._rows(), self.cells.found.done
        # About so many: rows that came without a source may stand beside those of the sources.
        about = sum(source.rows for source in self.sources) or len(self.cells.found.rows)
        while part := list(islice(rows, ROWS_AT_ONCE)):
            written = min(1.0, self.rows / about)
            self.context.progress(done + (1 - done) * written, f"{counted(self.rows, 'row')} of the table written")
            answers = self.cells.of([content for _, content in part])
            self.rows += len(part)
            named = [answer[0] for answer in answers if answer[0] is not None]
            self.labelled += len(named)
            guesses = [answer[self.cells.columns.index("sure")] is False for answer in answers]
            self.guesses += sum(guesses)
            self.by_label.update(chain.from_iterable(map(self._labels_of, named)))
            if self.newest:
                own = [self._is_newest(values) for values, _ in part]
                labels = (answer[0] for answer in compress(answers, own) if answer[0] is not None)
                self.of_newest.update(chain.from_iterable(map(self._labels_of, labels)))
                self.newest_guesses += sum(compress(guesses, own))
            yield [[*map(values.get, self._own), *answer] for (values, _), answer in zip(part, answers, strict=True)]

    def _is_newest(self, values: dict[str, Any]) -> bool:
        return values.get(self._file[0]) == self.newest

    def _labels_of(self, name: str) -> list[str]:
        """Return the labels of a row, of which the first column of an answer says `name`."""
        space = self.cells.found.space
        return [*named_apart(name, space.labels)] if space.several and name != NO_LABELS else [name]

    def _rows(self) -> Iterator[_Row]:
        for source, name in zip(self.sources, self._names, strict=True):
            file = dict.fromkeys(self._file, name)
            for row in kept_rows(self.context.workspace, source):
                content = content_of(row, source.texts)
                self._seen.add(None if content is None else example_id(content))
                yield file | (row or {}), content
        if self.sources:
            names = self.sources[0].texts
            others = (row for row in self._unlabelled if self.cells.before.get(row.id, row.id) not in self._seen)
            yield from ((dict(zip(names, apart(row.content), strict=False)), row.content) for row in others)
            return
        yield from (_of_dataset(split, row) for split, row in self.cells.labelled)
        yield from (_of_dataset("unlabelled", row) for row in self._unlabelled)

    @property
    def _unlabelled(self) -> Iterator[Example]:
        """The rows without a label, also those that none of its labels fits, as somebody said."""
        return chain.from_iterable(iterate_rows(self.context.workspace, self.cells.dataset, "unlabelled"))


def publish_answers(context: ToolContext, table: AnswersTable) -> tuple[str, SortedRows]:
    """Store the answers as a report: `ANSWERS`, the table, and in numbers what they are.

    Its id is returned, and what it says.

    Raises:
        Cancelled: the caller asked to stop; nothing was stored.
    """
    task = context.workspace.artifact(table.cells.dataset, "dataset").task
    found, model = table.cells.found, table.cells.model.id

    def write(folder: Path) -> None:
        table.write(folder)
        report = SortedRows(
            model=model,
            dataset=table.cells.dataset,
            threshold=found.threshold,
            thresholds=dict(found.space.own),
            sure=found.sure_by_label,
            unsure=found.unsure,
            out_of_scope=int(found.foreign.sum()),
            sources=len(table.sources),
            rows=table.rows,
            labelled=table.labelled,
            guesses=table.guesses,
            newest=table.newest,
            by_label=dict(table.by_label.most_common()),
            of_newest=dict(table.of_newest.most_common()),
            newest_guesses=table.newest_guesses,
        )
        (folder / KINDS["report"].document).write_text(report.model_dump_json(indent=1), encoding="utf-8")

    facts = {"about": "answers", "model": model, "dataset": table.cells.dataset}
    made = context.workspace.publish("report", task, write, run_key=context.run_key, parent=model, facts=facts)
    return made.id, context.workspace.document(made.id, "report", SortedRows)


def _of_dataset(split: Split, row: Example) -> _Row:
    return {"id": row.id, "split": split, "text": row.text, "text_pair": row.text_pair}, row.content
