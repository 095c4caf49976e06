"""Rows on their way into a dataset: which are usable, and why others are not."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from classwright_tools.curation.origins import claimed
from classwright_tools.curation.unknown_values import UnknownValues
from classwright_tools.domain.cleaning import as_name, clean_text
from classwright_tools.domain.example import example_id
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.domain.pair import Content, joined, shown
from classwright_tools.domain.task import TaskKind, folded_name
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.label_names import LabelNames, label_text
from classwright_tools.reading.rows import BROKEN, TOO_LONG, SourceRow, cell_problem

BATCH_ROWS = 10_000
# So many skipped rows are shown, and so many of one reason: one reason shall not hide the others.
EXAMPLES_KEPT, EXAMPLES_OF_A_REASON = 12, 3
# While its rows are compared, a dataset's fingerprints are held in memory, about 130 bytes a row.
MAX_ROWS_IMPORTED = 5_000_000
RESPELLED_KEPT = 1_000  # so many ways to write labels; a source has a few
VALUES_KEPT = 1_000  # of the label's column: what each means is looked for once
# What mail programs write before each line that is answered, and above a signature.
_MAIL_PARTS = re.compile(r"^\s*(>|--+\s*$)", re.MULTILINE)
REMOVED = "removed before by a person"
_IN_SECOND = " in the pair's second text"
_LOST = "some were lost before, or are not in UTF-8: write them anew, and save as UTF-8"


class Arrival(NamedTuple):
    """A row that can be used: its number in the source, its content, cleaned, and the task's label, or labels joined.

    `made` is how it was made, as `origins.Made.as_json` says it, where the source tells that it is no real row.
    """

    number: int
    content: Content
    label: str | None
    made: str | None = None


class Skip(NamedTuple):
    """A row that is not imported: its number in the source, its text in 200 characters, and the reason in full.

    The text is left empty where it is a test row's, or nearly one's: see `Skipped`.
    """

    number: int
    text: str
    reason: str


@dataclass
class Skipped:
    """The rows that are not imported: their numbers by reason, the first of each, and what the first unknown label was.

    What stands in test rows is not shown, so that nobody writes or chooses by it: with `unseen`, none of the rows'.
    """

    unseen: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[Skip] = field(default_factory=list)
    unknown_label: str = ""
    numbers: dict[str, array[int]] = field(default_factory=dict)

    def add(
        self,
        number: int,
        text: Callable[[], object],
        reason: str,
        detail: Callable[[], str] | None = None,
        *,
        unseen: bool = False,
    ) -> None:
        """Count a row under `reason`; `text`, and `detail`, which tells more, are called only for rows that are shown.

        `unseen` says that the text is not to be shown, though the split is another: it repeats a test row.
        """
        self.counts[reason] += 1
        self.numbers.setdefault(reason, array("q")).append(number)
        if len(self.examples) < EXAMPLES_KEPT and self.counts[reason] <= EXAMPLES_OF_A_REASON:
            seen = "" if self.unseen or unseen else clean_text(shown(str(text() or ""))[:1_000])
            self.examples.append(Skip(number, shortened(seen), detail() if detail else reason))

    @property
    def places(self) -> str:
        """The number of every skipped row in the source, from 1, by reason, as JSON."""
        return json.dumps({reason: numbers.tolist() for reason, numbers in self.numbers.items()})


class Arrivals:
    """The usable rows of a source; what is skipped, and how many were read, is counted while they are read.

    `respelled` has the first labels of the source that the task writes with other capitals, spaces or dashes. Of the
    usable rows so many are `with_mail_parts`: a quoted reply, or a signature. Of so many the cell of labels is `empty`.
    The source has `columns`, of which `texts` are those of its texts.
    """

    def __init__(
        self,
        source: Iterable[SourceRow],
        labels: LabelNames | None,
        kind: TaskKind,
        *,
        removed: Collection[str],
        unseen: bool,
    ) -> None:
        """Take the rows of `source`, but for those whose ids are `removed`.

        They have two texts each if `kind` is "pair", and no label when `labels` is None. With `unseen` nothing is told
        of what stands in skipped rows.
        """
        self._source = enumerate(source, start=1)  # as people count rows
        self._labels = labels
        self._kind = kind
        self._removed = removed
        self._known = lru_cache(maxsize=VALUES_KEPT)(self._meant)
        self.skipped = Skipped(unseen)
        self.unknown = UnknownValues(labels, unseen)
        self.read = 0
        self.respelled: dict[str, str] = {}
        self.with_mail_parts = 0
        self.empty = 0
        self.columns: tuple[str, ...] = ()
        self.texts: tuple[str, ...] = ()

    def batches(self) -> Iterator[list[Arrival]]:
        """Yield the usable rows, so many at a time.

        Raises:
            InvalidInput: the source has more than MAX_ROWS_IMPORTED rows.
        """
        while batch := list(islice(self._source, BATCH_ROWS)):
            if self.read + len(batch) > MAX_ROWS_IMPORTED:
                raise InvalidInput(
                    "the source", f"has more than {MAX_ROWS_IMPORTED:,} rows", "Import a part of it, or split it."
                )
            usable = []
            for number, row in batch:
                if arrival := self._usable(number, row):
                    usable.append(arrival)
                    self.with_mail_parts += "\n" in row.text and bool(_MAIL_PARTS.search(row.text))
            self.read += len(batch)
            yield usable

    def _usable(self, number: int, row: SourceRow) -> Arrival | None:
        self.columns, self.texts = self.columns or row.columns, self.texts or row.texts
        content, problem = _cleaned(row, self._kind)
        if content is None:
            self.skipped.add(number, lambda: row.text, problem, lambda: _described(row, problem))
            return None
        if self._removed and example_id(content) in self._removed:
            self.skipped.add(number, lambda: content, REMOVED, lambda: f"{REMOVED}: edit_examples can restore it")
            return None
        labels = self._labels
        if labels is None:
            return Arrival(number, content, None, _made(row, content, None, several=False))
        is_missing, label = self._known(row.label) if isinstance(row.label, str) else self._meant(row.label)
        if is_missing:
            self.skipped.add(number, lambda: content, "no label", lambda: _described(row, "no label"))
            return None
        if label is None:
            self._skip_unknown(number, content, row, labels)
            return None
        self.empty += isinstance(row.label, str) and not row.label.strip()
        return Arrival(number, content, label, _made(row, content, label, several=labels.several))

    def _meant(self, value: Any) -> tuple[bool, str | None]:
        """Return whether the `value` of a label's column says nothing, and the label of the task that it stands for."""
        labels = self._labels
        if labels is None or labels.is_missing(value):
            return True, None
        label = labels.find(value)
        if label is not None and isinstance(value, str):
            name = label_text(value)
            is_spelling = len(labels_apart(label)) == 1 and folded_name(name) == folded_name(label)
            if is_spelling and name != label and len(self.respelled) < RESPELLED_KEPT:
                self.respelled[name] = label
        return False, label

    def _skip_unknown(self, number: int, content: Content, row: SourceRow, labels: LabelNames) -> None:
        """Skip a row whose label is not the task's."""
        name = labels.unknown(row.label)
        seen = not self.skipped.unseen
        if not self.skipped.unknown_label:
            first = (
                f"label {as_name(name)} {labels.why_unknown(name[:100])}" if seen else f"that of row {number} is not"
            )
            self.skipped.unknown_label = first
        self.unknown.add(name)
        reason = "label not in the task"
        self.skipped.add(
            number,
            lambda: content,
            reason,
            lambda: _described(row, f"label {name[:100]!r} {labels.why_unknown(name[:100])}" if seen else reason),
        )


def _made(row: SourceRow, content: Content, label: str | None, *, several: bool) -> str | None:
    """Return the origin and provenance that the source claims for a row, as JSON; None for most rows."""
    made = claimed(row.origin, content, label, several=several) if row.origin else None
    return made.as_json() if made else None


def _cleaned(row: SourceRow, kind: TaskKind) -> tuple[Content | None, str]:
    """Return what a row holds, cleaned; or None, and why it cannot be used."""
    if problem := row.problem or cell_problem(row.text):
        return None, problem
    if kind == "pair" and (problem := cell_problem(row.text_pair)):
        return None, problem + _IN_SECOND
    text = clean_text(row.text)
    if problem := _problem_of_clean(text):
        return None, problem
    if kind == "text":
        return joined(text), ""
    text_pair = clean_text(row.text_pair)
    if problem := _problem_of_clean(text_pair):
        return None, problem + _IN_SECOND
    return joined(text, text_pair), ""


def _problem_of_clean(text: str) -> str | None:
    if not text:
        return "no text"
    return TOO_LONG if len(text) > MAX_TEXT_CHARS else None  # some characters of NFC are more code points than before


def _described(row: SourceRow, problem: str | None) -> str:
    """Return where a row is that cannot be used, why, and the repair, as far as its reader knows them."""
    detail = row.detail or (_LOST if problem and problem.startswith(BROKEN) else None)
    return ": ".join(filter(None, (row.place, problem, detail)))
