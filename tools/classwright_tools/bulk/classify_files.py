"""The rows of a file or a folder classified into one file, part by part: a run that was stopped goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from classwright.predict import (
    NO_LABELS,
    PLACES_NAMED,
    USUAL_PAIR,
    answer_cells,
    answer_columns,
    own_thresholds,
    sure_labels,
    text_problem,
    told_labels,
    told_probabilities,
    unanswered,
)
from classwright_tools.bulk.alarm import Tally, alarms_of
from classwright_tools.bulk.models import Predictor, identity_of
from classwright_tools.bulk.outputs import check_output, file_column, is_table, write_output
from classwright_tools.bulk.parts import Parts, is_part
from classwright_tools.bulk.rows_in_words import each_label
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.table_form import USUAL
from classwright_tools.domain.usual import Usual
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.measurement.caveats import unlike
from classwright_tools.reading.files import read_as, read_file, table_form
from classwright_tools.reading.folders import is_data
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow

# Of a part, and as many characters as take 10 to 20 seconds on two cores where the encoder reads long texts.
PART_ROWS, PART_CHARS = 4_096, 1_500_000
_NAMED = 10  # columns


@dataclass
class BulkResult:
    """How it went: rows that were written, those of them that were done before, and those without an answer."""

    rows: int = 0
    rows_before: int = 0
    sure: int = 0
    out_of_scope: int = 0
    unanswered: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    first_unanswered: list[str] = field(default_factory=list)
    by_file: dict[str, Tally] = field(default_factory=dict)
    encodings: list[str] = field(default_factory=list)
    """What is to be told of files that are read as Windows-1252; empty of the others."""
    as_text: tuple[str, ...] = ()
    """The columns whose values no one type holds, where the output has one type a column."""
    alarm: str = ""
    seconds: float = 0.0

    def count(self, part: list[dict[str, Any]], columns: dict[str, None]) -> None:
        """Count the rows of a part and their answers; add the names of their columns to `columns`, in their order."""
        self.rows += len(part)
        for row in part:
            if row["answer"] is None:
                self.unanswered += 1
                self.first_unanswered += [row["problem"]] if self.unanswered <= PLACES_NAMED else []
            else:
                label, _, sure, foreign, *_ = row["answer"]
                self.by_label.update((label or [NO_LABELS]) if isinstance(label, list) else [label])
                self.sure += sure
                self.out_of_scope += foreign
                compared, sure = row.get("compared", (label, sure))
                self.by_file.setdefault(row["file"], Tally()).count(compared, sure=sure, foreign=foreign)
            columns |= dict.fromkeys(row["row"])

    @property
    def summary(self) -> str:
        """All of it in a sentence or two."""
        summary = "".join(f"{one} " for one in (self.alarm, *self.encodings) if one)
        summary += f"{counted(self.rows, 'row')} in {self.seconds:.1f} s, {self.sure:,} of them sure."
        if self.by_label:
            summary += f" Sure or not: {each_label(dict(self.by_label.most_common()))}."
        if guesses := self.rows - self.sure - self.unanswered:
            summary += f" In {counted(guesses, 'row')} the label is a guess: look at those with sure false."
        if self.rows_before:
            summary += f" Of these {self.rows_before:,} were there from the run before."
        if self.out_of_scope:
            summary += f" {unlike(self.out_of_scope)}"
        if self.as_text:
            columns = listed(map(repr, self.as_text), _NAMED)
            summary += f" Written as text, as no one type holds their values: {columns}."
        if self.unanswered:
            summary += f" {unanswered(self.unanswered, self.first_unanswered)}"
        return summary


def classify_files(
    model: Predictor,
    source: Path,
    output: Path,
    *,
    model_name: str,
    text_column: str = USUAL_PAIR[0],
    pair_column: str = USUAL_PAIR[1],
    threshold: float | None = None,
    thresholds: Mapping[str, float] = MappingProxyType({}),
    tell: Callable[[int], None] = lambda _rows: None,
) -> BulkResult:
    """Write the rows of `source`, a file or a folder, to `output`, each with its answer.

    That is the likeliest label, its probability, whether the model is `sure`, whether the text is `out_of_scope`, and
    how probable each label is, of more than 20 labels those in `thresholds`, which are given from there on, and the
    mismatch of pairs. Of several files the first column is the file of each row. Where a text may have several labels
    these are all that apply, in a list, and the probability is that of all being right; `sure_labels` are those
    that are sure by themselves. In CSV they are a text with "|" between them, "|" alone where none applies, and each
    label has a column besides with 1 or 0. A CSV file that is read gives its delimiter, and its byte-order mark, to one
    that is written. The model is sure of texts in its scope, from the `threshold` on, its own by default. Every column
    is kept, and those of one name are numbered; where one has the name of an answer, the answers are called
    `predicted_label` and so on. A row whose text has a `text_problem` gets no answer, and neither does a line that
    cannot be read as a row, which stands whole in the text's column, if it is not too long: they are counted, and the
    first of them named. In Parquet a column of several types is one of text. `tell` is told of the rows after each
    part.

    Raises:
        InvalidInput: there is nothing to read or no such column, a file is in no encoding that is read, or a threshold
            is of no label, or the output is of no kind that is written, or a file to read, or parts of another run are
            beside it.
    """
    check_output(output)
    files = files_to_read(source)
    encodings = []
    for path in files:
        if output.exists() and output.samefile(path):
            raise InvalidInput(f"output {output.name!r}", "is a file to read", "Name another with --output.")
        encodings.append(read_as(path, every_line=True))
    columns = Columns(text_column, None, pair_column if model.takes_pairs else None, others="all", by_flags=True)
    thresholds = {**model.label_thresholds, **thresholds}
    try:
        own_thresholds(model.labels, thresholds)
    except ValueError as error:
        raise InvalidInput("`--threshold`", str(error).rstrip("."), "Pass LABEL=P with one of its labels.") from error
    told = told_labels(model.labels, thresholds, model.mismatch)
    at = model.threshold if threshold is None else threshold
    named = {path: path.name if path == source else path.relative_to(source).as_posix() for path in files}
    stamps = [(name, str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path, name in named.items()]
    about = {"model": (model_name, identity_of(model)), "labels": model.labels, "threshold": at}
    about |= {"files": stamps, "columns": columns.names, "parts": (PART_ROWS, PART_CHARS)}
    about |= {"answers": answer_columns((), told, several=model.several), "thresholds": dict(thresholds)}
    found = BulkResult(encodings=encodings)
    began = time.monotonic()
    read = _in_parts(_rows(named, columns))
    first = next(read, None)
    if not first:
        raise InvalidInput(f"{source.name!r}", "holds no row", "Put rows into it, in a table under the header.")
    parts = Parts(output, about)
    own: dict[str, None] = {}
    for answered in parts:
        found.count(answered, own)
    found.rows_before = found.rows
    try:
        for part in islice(chain([first], read), parts.done, None):
            answered = _answered(model, part, at, thresholds, before=found.rows)
            parts.add(answered)
            found.count(answered, own)
            tell(found.rows)
    finally:
        if not parts.done:
            parts.remove()  # it failed at once: nothing is there to go on from
    labels = model.labels if model.several and is_table(output) else ()
    file = [file_column(own)] if len(files) > 1 else []
    names = answer_columns([*file, *own], told, several=model.several, labels=labels)
    form = table_form(source, columns) if source.is_file() else USUAL
    rows = _Flat(parts, bool(file), list(own), len(names), labels)
    found.as_text = write_output(output, [*file, *own, *names], rows, form)
    parts.remove()
    is_set = threshold is not None or bool(thresholds)  # also of labels that were exported with one
    usual = Usual.model_validate(model.usual)
    if is_set and model.several:
        usual = usual.of_scope
    newest_first = {name: tally.answered() for name, tally in reversed(found.by_file.items())}
    found.alarm = alarms_of(usual, newest_first, own_thresholds=is_set and not model.several).in_words
    found.seconds = time.monotonic() - began
    return found


def files_to_read(source: Path) -> list[Path]:
    """Return the files to read: `source`, or those of rows in the folder that it is, without parts of an output.

    Raises:
        InvalidInput: there is none.
    """
    if source.is_file():
        return [source]
    data = (path for path in source.rglob("*") if path.is_file() and is_data(path.relative_to(source)))
    found = sorted(path for path in data if not is_part(path))
    if not found:
        reason = "holds no JSONL, CSV or Parquet file" if source.is_dir() else "does not exist"
        raise InvalidInput(f"{source.name!r}", reason, "Name a file of rows, or a folder of such files.")
    return found


def _rows(files: Mapping[Path, str], columns: Columns) -> Iterator[SourceRow]:
    """Yield the rows of `files`, each with what its file is called, and the lines that cannot be read as one."""
    for path, name in files.items():
        for row in read_file(path, columns, Position()):
            every = dict.fromkeys(row.columns) | dict(row.origin)  # also those without a value here
            yield row._replace(origin=every, file=name)


def _in_parts(rows: Iterator[SourceRow]) -> Iterator[list[SourceRow]]:
    """Yield rows, up to `PART_ROWS` at a time, and of long texts fewer."""
    part: list[SourceRow] = []
    chars = 0
    for row in rows:
        part.append(row)
        chars += sum(len(text) for text in (row.text, row.text_pair) if isinstance(text, str))
        if len(part) == PART_ROWS or chars >= PART_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def _problem(row: SourceRow, texts: Sequence[Any]) -> str | None:
    """Return why a row or its `texts` cannot be answered, as what follows on its place; None where they can."""
    if row.problem:
        return f"cannot be read: {row.problem}" + (f" ({row.detail})" if row.detail else "")
    return next(filter(None, map(text_problem, texts)), None)


def _answered(
    model: Predictor, part: list[SourceRow], threshold: float, thresholds: Mapping[str, float], *, before: int
) -> list[dict[str, Any]]:
    """Return the rows of a part, so many `before` them: the file, what each held and its answer, or the problem."""
    texts = [(row.text, row.text_pair)[: 1 + model.takes_pairs] for row in part]
    problems = list(map(_problem, part, texts))
    asked = [place for place, problem in enumerate(problems) if problem is None]
    answers: dict[int, list[Any]] = {}
    compared: dict[int, tuple[Any, bool]] = {}
    if asked:
        contents = [texts[place] if model.takes_pairs else texts[place][0] for place in asked]
        found, rights = model.predict_with_confidence(contents, threshold=threshold, thresholds=thresholds)
        columns_of = told_labels(model.labels, thresholds, model.mismatch)
        told = told_probabilities(model.labels, columns_of, found.probabilities)
        columns = [known.tolist() for known in (rights, found.sure, found.out_of_scope)]
        trusted: list[list[Any]] = [[]] * len(asked)
        if model.several:
            trusted = [[list(one)] for one in sure_labels(model.labels, model.sure_from, found)]
        for place, label, right, *is_so, by_itself, own in zip(
            asked, found.labels, *columns, trusted, told, strict=True
        ):
            figures = [round(probability, 6) for probability in (right, *own)]
            named = list(label) if isinstance(label, tuple) else label
            answers[place] = [named, figures[0], *is_so, *by_itself, *figures[1:]]
        if not model.several and (thresholds or threshold != model.threshold):  # what is usual is so without them
            judged = LabelSpace(model.labels).judge(found.probabilities, found.out_of_scope, model.threshold)
            compared = dict(zip(asked, zip(judged.answers, judged.sure.tolist(), strict=True), strict=True))
    return [
        {"file": row.file, "row": row.in_order(row.texts), "answer": answers.get(place)}
        | ({"compared": compared[place]} if place in compared else {})
        | ({"problem": f"{row.place or f'row {before + place + 1:,}'} {problem}"} if problem else {})
        for place, (row, problem) in enumerate(zip(part, problems, strict=True))
    ]


@dataclass(frozen=True)
class _Flat:
    """The rows of the output, part by part, each with all its columns, `by_file` with what its file is called."""

    parts: Parts
    by_file: bool
    own: list[str]
    answer_columns: int
    labels: Sequence[str]

    def __iter__(self) -> Iterator[list[list[Any]]]:
        """Yield the values of the rows, in the order of the columns."""
        for part in self.parts:
            yield [
                [*([row["file"]] * self.by_file), *map(row["row"].get, self.own), *self._answer(row["answer"])]
                for row in part
            ]

    def _answer(self, answer: list[Any] | None) -> list[Any]:
        return [None] * self.answer_columns if answer is None else answer_cells(answer, self.labels)
