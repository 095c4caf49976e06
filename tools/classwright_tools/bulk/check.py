"""An export measured on rows with labels, alone or beside another: what a CI asks before it ships one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classwright.predict import PLACES_NAMED, Answer, Classifier, text_problem
from classwright_tools.bulk.classify_files import files_to_read
from classwright_tools.bulk.gates import read_gates
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.noun import Noun
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.caveats import estimate_in_words, sure_of_rows
from classwright_tools.reading.files import read_as, read_file
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.label_sets import SEPARATOR, LabelSets
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar
from classwright_tools.statistics.share_interval import wilson

Rows = npt.NDArray[np.bool_]


class LabelCheck(Noun):
    """How a label is given: of the rows that get it the share that has it, and of those that have it that gets it.

    Either is None where there are no such rows.
    """

    label: str
    rows: int
    precision: Estimate | None
    recall: Estimate | None


class ExportCheck(Noun):
    """What one export answers. An answer is right where its label is, of several labels where all are."""

    folder: str
    about: dict[str, Any] = Field(description="What the export says of itself.")
    rows: int
    accuracy: Estimate
    macro_f1: float = Field(ge=0, le=1, description="The mean F1 of the labels that rows have.")
    sure: Estimate = Field(description="The share of the rows that it is sure of.")
    sure_accuracy: Estimate | None = Field(description="Of these, the share that is right; None: it is sure of none.")
    out_of_scope: int
    labels: tuple[LabelCheck, ...]

    def in_words(self) -> str:
        """Return its figures as sentences."""
        are = counted(self.out_of_scope, "row is", "rows are")
        sure = sure_of_rows(self.sure, self.rows, self.sure_accuracy)
        accuracy = f"accuracy {estimate_in_words(self.accuracy)}, macro-F1 {self.macro_f1:.3f}"
        return f"{self.folder}: {accuracy}. {sure} {are} out of scope."


class PairedCheck(Noun):
    """One export against another on the rows whose labels both know, by the exact McNemar test."""

    rows: int = Field(description="Those whose labels both know.")
    other: ExportCheck = Field(description="The other on these rows.")
    only_this_right: int
    only_other_right: int
    p: float
    new_labels: int = Field(description="Rows with a label that the other does not know.")
    new_labels_right: int = Field(description="Of these, the rows that the first labels right.")

    def in_words(self) -> str:
        """Return the comparison as sentences."""
        chance = "more than chance" if self.p < SIGNIFICANCE else "may be chance"
        return (
            f"Against {self.other.in_words()} {counted(self.only_this_right, 'row')} labelled right by the first "
            f"alone, {self.only_other_right:,} by the other alone: {chance} (p {self.p:.2g})."
        ) + (self._of_new_labels() if self.new_labels else "")

    def _of_new_labels(self) -> str:
        """Return what the first does where the other cannot be right."""
        return (
            f" That is on the {counted(self.rows, 'row')} whose labels both know. The other "
            f"{counted(self.new_labels, 'row has a label', 'rows have labels')} that {self.other.folder} does not "
            f"know: the first labels {self.new_labels_right:,} of them right, and that one can label none so."
        )


class Check(Noun):
    """An export on some rows. `failed` says why it is not to be shipped; it is empty where nothing stands against."""

    encodings: tuple[str, ...] = Field(description="What is to be told of files that were read as Windows-1252.")
    rows: int
    left_out: int = Field(description="Rows that cannot be read, have no label, or one that the export does not know.")
    first_left_out: tuple[str, ...] = Field(description="The first row of each reason, and how many more it holds for.")
    export: ExportCheck
    against: PairedCheck | None
    failed: tuple[str, ...]

    def in_words(self) -> str:
        """Return all of it in lines."""
        measured = counted(self.rows, "row")
        left_out = []
        if self.left_out:
            measured = f"{self.rows:,} of {self.rows + self.left_out:,} rows ({self.left_out:,} left out)"
            left_out = [f"Left out: {'; '.join(self.first_left_out)}."]
        lines = [f"On {measured}, with 95% intervals:", *left_out, *self.encodings, self.export.in_words()]
        lines += [
            f"  {one.label}: {counted(one.rows, 'row')}, precision {_in_words(one.precision)}, "
            f"recall {_in_words(one.recall)}"
            for one in self.export.labels
        ]
        lines += [self.against.in_words()] if self.against else []
        return "\n".join([*lines, *(f"Failed: {why}" for why in self.failed)])


def check_export(
    model: Classifier,
    source: Path,
    *,
    folder: str,
    against: Classifier | None = None,
    other_folder: str = "",
    at_least: Sequence[str] = (),
    may_leave_out: int = 0,
    text_column: str = "text",
    label_column: str = "label",
) -> Check:
    """Return how good an export is on the rows of `source`, a file or a folder of files, that have labels.

    It is measured on the rows whose labels it knows. It fails where a figure is less than one of `at_least` asks (see
    `read_gates`), and where it is worse than the export `against` by more than chance, on the rows whose labels both
    know. Where either is asked, it also fails where more rows are left out than it `may_leave_out`: what is left out,
    such as the rows of a label that was renamed, might be all that is wrong.

    Raises:
        InvalidInput: there is no row to measure on or to compare, no such column, or a file cannot be read; one of the
            exports is of pairs, or only one of several labels a text; `at_least` asks for what is not measured.
    """
    gates = read_gates(at_least, model.labels)
    if may_leave_out < 0:
        raise InvalidInput("`--may-leave-out`", f"{may_leave_out} is no number of rows", "Pass 0 or more.")
    models = [model, *([against] if against else [])]
    if any(one.takes_pairs for one in models):
        raise InvalidInput(f"model {folder!r}", "is of pairs", "Measure it with the tool `evaluate`.")
    if len({one.several for one in models}) > 1:
        reason = "gives a text one label, and the other several: their answers cannot be compared"
        raise InvalidInput(f"model {folder if against and against.several else other_folder!r}", reason, "Check each.")
    texts, true, problems, encodings = _read(model, folder, source, text_column, label_column)
    left_out = sum(map(len, problems.values()))
    found, right = _measured(model, folder, texts, true)
    failed, paired = [why for gate in gates if (why := gate.failure(found))], None
    if (gates or against) and left_out > may_leave_out:
        of = counted(len(texts) + left_out, "row")
        failed.append(f"{left_out:,} of {of} are left out, and --may-leave-out allows {may_leave_out:,}.")
    if against:
        paired = _paired(against, other_folder, texts, true, right)
        if paired.only_other_right > paired.only_this_right and paired.p < SIGNIFICANCE:
            failed.append(f"it is worse than {other_folder} by more than chance (p {paired.p:.2g}).")
    return Check(
        encodings=tuple(encodings),
        rows=len(texts),
        left_out=left_out,
        first_left_out=tuple(_first_of(problems)),
        export=found,
        against=paired,
        failed=tuple(failed),
    )


def _paired(against: Classifier, folder: str, texts: Sequence[str], true: Sequence[Answer], right: Rows) -> PairedCheck:
    """Return how the export `against` does on `texts`, of which the first has `right`, where it knows their labels."""
    known = np.array([set(label if isinstance(label, tuple) else [label]) <= set(against.labels) for label in true])
    if not known.any():
        reason = f"knows the label of none of the {counted(len(texts), 'row')}"
        raise InvalidInput(f"model {folder!r}", reason, "Check the first alone, or pass rows with labels of both.")
    both = np.flatnonzero(known).tolist()
    other, other_right = _measured(against, folder, [texts[at] for at in both], [true[at] for at in both])
    won, lost = int((right[known] & ~other_right).sum()), int((other_right & ~right[known]).sum())
    return PairedCheck(
        rows=len(both),
        other=other,
        only_this_right=won,
        only_other_right=lost,
        p=mcnemar(won, lost),
        new_labels=int((~known).sum()),
        new_labels_right=int(right[~known].sum()),
    )


def _read(
    model: Classifier, folder: str, source: Path, text_column: str, label_column: str
) -> tuple[list[str], list[Answer], dict[str, list[str]], list[str]]:
    """Return the texts, their labels as the model names them, and the places of what is left out, by the reason.

    What is to be told of the files' encodings comes last.
    """
    several = model.several
    names = LabelSets(model.labels, {}, SEPARATOR) if several else LabelNames(model.labels, {})
    columns = Columns(text_column, label_column, is_label=names.knows, several=several, by_flags=True)
    texts, true, left_out, encodings = list[str](), list[Answer](), defaultdict[str, list[str]](list), list[str]()
    for path in files_to_read(source):
        encodings += filter(None, [read_as(path, every_line=True)])
        for number, row in enumerate(read_file(path, columns, Position()), 1):
            problem = _problem(row, names, folder)
            if problem:
                left_out[problem].append(row.place or f"row {number:,} of {path.name!r}")
                continue
            label = names.find(row.label)
            texts.append(row.text)
            true.append(labels_apart(label or "") if several else label)
    if not texts:
        reason = f"has no row to measure on: {'; '.join(_first_of(left_out)) or 'it holds none'}"
        raise InvalidInput(f"{source.name!r}", reason, "Pass rows with texts, and labels that the export knows.")
    return texts, true, left_out, encodings


def _first_of(left_out: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the first row of each problem, and how many more have it; of many problems the first few."""
    for problem, (first, *others) in islice(left_out.items(), PLACES_NAMED):
        yield f"{first} {problem}" + (f" ({counted(len(others), 'more such row')})" if others else "")
    if len(left_out) > PLACES_NAMED:
        yield "and more"


def _problem(row: SourceRow, names: LabelNames, folder: str) -> str | None:
    """Return why a row does not count, as the end of a sentence about it."""
    if row.problem:
        return f"cannot be read: {row.problem}"
    if problem := text_problem(row.text):
        return problem
    if names.is_missing(row.label):
        return "has no label"
    if names.find(row.label) is None:
        return f"has the label {names.unknown(row.label)[:80]!r}, which {folder} does not know"
    return None


def _measured(model: Classifier, folder: str, texts: Sequence[str], true: Sequence[Answer]) -> tuple[ExportCheck, Rows]:
    """Return the figures of an export on `texts` whose answers are `true`, and which of its answers are right (n,)."""
    found = model.predict(texts)
    given = [set(one) if isinstance(one, tuple) else {one} for one in found.labels]
    have = [set(one) if isinstance(one, tuple) else {one} for one in true]
    right = np.array([one == other for one, other in zip(given, have, strict=True)])
    labels, f1 = [], []
    for label in model.labels:
        got, own = (np.array([label in each for each in sets]) for sets in (given, have))
        both, rows = int((got & own).sum()), int(own.sum())
        precision, recall = _share(both, int(got.sum())), _share(both, rows)
        if rows:
            f1.append(2 * both / (rows + int(got.sum())))
        labels.append(LabelCheck(label=label, rows=rows, precision=precision, recall=recall))
    sure = int(found.sure.sum())
    figures = ExportCheck(
        folder=folder,
        about=model.about,
        rows=len(right),
        accuracy=wilson(int(right.sum()), len(right)),
        macro_f1=float(np.mean(f1)) if f1 else 0.0,
        sure=wilson(sure, len(right)),
        sure_accuracy=_share(int((right & found.sure).sum()), sure),
        out_of_scope=int(found.out_of_scope.sum()),
        labels=tuple(labels),
    )
    return figures, right


def _share(successes: int, trials: int) -> Estimate | None:
    return wilson(successes, trials) if trials else None


def _in_words(share: Estimate | None) -> str:
    return estimate_in_words(share) if share else "-"
