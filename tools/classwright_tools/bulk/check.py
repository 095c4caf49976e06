"""An export measured on rows with labels, alone or beside another: what a CI asks before it ships one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classwright.predict import PLACES_NAMED, Answer, Classifier, Predictions, text_problem
from classwright_tools.bulk.check_figures import Check, ExportCheck, LabelCheck, PairedCheck
from classwright_tools.bulk.classify_files import files_to_read
from classwright_tools.bulk.gates import read_gates
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.pair import joined
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import read_as, read_file
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.label_sets import SEPARATOR, LabelSets
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow
from classwright_tools.statistics.share_interval import wilson

Rows = npt.NDArray[np.bool_]
Groups = npt.NDArray[np.integer]
Text = str | tuple[str, str]


class _Measured(NamedTuple):
    """The figures of an export, which of its answers are right (n,), and these."""

    figures: ExportCheck
    right: Rows
    found: Predictions


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
    pair_column: str = "text_pair",
    label_column: str = "label",
) -> Check:
    """Return how good an export is on the rows of `source`, a file or a folder of files, that have labels.

    It is measured on the rows whose labels it knows. It fails where a figure is less than one of `at_least` asks (see
    `read_gates`), and where `against` another export it is worse by more than chance in a figure that decides (see
    `Comparison.verdict`), on the rows whose labels both know. Where either is asked, it also fails where more rows are
    left out than it `may_leave_out`: what is left out, such as the rows of a label that was renamed, might be all that
    is wrong.

    Raises:
        InvalidInput: there is no row to measure on or to compare, no such column, or a file cannot be read; only one of
            the exports is of pairs, or of several labels a text; `at_least` asks for what is not measured.
    """
    gates = read_gates(at_least, model)
    if may_leave_out < 0:
        raise InvalidInput("`--may-leave-out`", f"{may_leave_out} is no number of rows", "Pass 0 or more.")
    models = [model, *([against] if against else [])]
    if len({one.takes_pairs for one in models}) > 1:
        reason = "is of pairs, and the other of single texts: their answers cannot be compared"
        raise InvalidInput(f"model {folder if model.takes_pairs else other_folder!r}", reason, "Check each.")
    if len({one.several for one in models}) > 1:
        reason = "gives a text one label, and the other several: their answers cannot be compared"
        raise InvalidInput(f"model {folder if against and against.several else other_folder!r}", reason, "Check each.")
    texts, true, problems, encodings = _read(model, folder, source, (text_column, pair_column, label_column))
    left_out = sum(map(len, problems.values()))
    found = _measured(model, folder, texts, true)
    failed, paired = [why for gate in gates if (why := gate.failure(found.figures))], None
    if (gates or against) and left_out > may_leave_out:
        of = counted(len(texts) + left_out, "row")
        failed.append(f"{left_out:,} of {of} are left out, and --may-leave-out allows {may_leave_out:,}.")
    if against:
        paired = _paired(model, against, other_folder, texts, true, found)
        failed += filter(None, [paired.failure(found.figures)])
    return Check(
        encodings=tuple(encodings),
        rows=len(texts),
        left_out=left_out,
        first_left_out=tuple(_first_of(problems)),
        export=found.figures,
        against=paired,
        failed=tuple(failed),
    )


def _paired(
    model: Classifier,
    against: Classifier,
    folder: str,
    texts: Sequence[Text],
    true: Sequence[Answer],
    ours: _Measured,
) -> PairedCheck:
    """Return how the export `against` does on `texts`, beside `ours`, that of `model`, where it knows their labels."""
    known = np.array([set(label if isinstance(label, tuple) else [label]) <= set(against.labels) for label in true])
    if not known.any():
        reason = f"knows the label of none of the {counted(len(texts), 'row')}"
        raise InvalidInput(f"model {folder!r}", reason, "Check the first alone, or pass rows with labels of both.")
    both = np.flatnonzero(known).tolist()
    shared, answers = [texts[at] for at in both], [true[at] for at in both]
    other = _measured(against, folder, shared, answers)
    labels = tuple(dict.fromkeys((*model.labels, *against.labels)))
    if model.several:
        from classwright_tools.statistics.multi_label import compare as compare_several

        given = (answers, [ours.found.labels[at] for at in both], other.found.labels)
        has, own, theirs = (np.array([[label in (one or ()) for label in labels] for one in sets]) for sets in given)
        comparison = compare_several(has, own, theirs, folder)
    else:
        from classwright_tools.statistics.paired_rare import compared_by_rows

        comparison = compared_by_rows(
            _places(answers, labels),
            _columns(ours.found, model.labels, labels)[known],
            _columns(other.found, against.labels, labels),
            labels,
            folder,
            model.mismatch if model.mismatch == against.mismatch else None,
            _queries(shared),
            seed=0,
            answers=(_places(ours.found.labels, labels)[known], _places(other.found.labels, labels)),
        )
    return PairedCheck(
        rows=len(both),
        other=other.figures,
        comparison=comparison,
        new_labels=int((~known).sum()),
        new_labels_right=int(ours.right[~known].sum()),
    )


def _columns(found: Predictions, own: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.floating]:
    """Return the probabilities of `labels` (n, k), of which a model knows its `own`; 0 of the others."""
    scores = np.zeros((len(found.labels), len(labels)))
    scores[:, [labels.index(label) for label in own]] = found.probabilities
    return scores


def _places(answers: Sequence[Answer], labels: Sequence[str]) -> npt.NDArray[np.integer]:
    """Return the places (n,) of `answers` of one label in `labels`: a label's threshold may decide them."""
    return np.array([labels.index(str(label)) for label in answers])


def _queries(texts: Sequence[Text]) -> Groups | None:
    """Return numbers (n,) of the queries of pairs, whose rows count as one draw; None of single texts."""
    pairs = [joined(*text) for text in texts if isinstance(text, tuple)]
    if not pairs:
        return None
    from classwright_tools.learning.rows import query_numbers

    return query_numbers(pairs)


def _read(
    model: Classifier, folder: str, source: Path, called: tuple[str, str, str]
) -> tuple[list[Text], list[Answer], dict[str, list[str]], list[str]]:
    """Return the texts, their labels as the model names them, and the places of what is left out, by the reason.

    The columns are `called` so: the text, the second text of a pair, the label. What is to be told of the files'
    encodings comes last.
    """
    several, pairs = model.several, model.takes_pairs
    names = LabelSets(model.labels, {}, SEPARATOR) if several else LabelNames(model.labels, {})
    text, pair, own = called
    columns = Columns(text, own, pair if pairs else None, is_label=names.knows, several=several, by_flags=True)
    texts, true, left_out, encodings = list[Text](), list[Answer](), defaultdict[str, list[str]](list), list[str]()
    for path in files_to_read(source):
        encodings += filter(None, [read_as(path, every_line=True)])
        for number, row in enumerate(read_file(path, columns, Position()), 1):
            problem = _problem(row, names, folder, pairs=pairs)
            if problem:
                left_out[problem].append(row.place or f"row {number:,} of {path.name!r}")
                continue
            label = names.find(row.label)
            texts.append((row.text, row.text_pair) if pairs else row.text)
            true.append(labels_apart(label or "") if several else label)
    if not texts:
        reason = f"has no row to measure on: {'; '.join(_first_of(left_out)) or 'it holds none'}"
        raise InvalidInput(f"{source.name!r}", reason, "Pass rows with texts, and labels that the export knows.")
    return texts, true, left_out, encodings


def _first_of(left_out: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the first row of each problem, and how many more have it; of many problems the first few,
    and how many rows have the others.
    """
    for problem, (first, *others) in islice(left_out.items(), PLACES_NAMED):
        yield f"{first} {problem}" + (f" ({counted(len(others), 'more such row')})" if others else "")
    if rest := [*left_out.values()][PLACES_NAMED:]:
        yield f"and {counted(sum(map(len, rest)), 'row')} for {counted(len(rest), 'other reason')}"


def _problem(row: SourceRow, names: LabelNames, folder: str, *, pairs: bool) -> str | None:
    """Return why a row does not count, as the end of a sentence about it."""
    if row.problem:
        return f"cannot be read: {row.problem}"
    if problem := text_problem(row.text) or (text_problem(row.text_pair) if pairs else None):
        return problem
    if names.is_missing(row.label):
        return "has no label"
    if names.find(row.label) is None:
        return f"has the label {names.unknown(row.label)[:80]!r}, which {folder} does not know"
    return None


def _measured(model: Classifier, folder: str, texts: Sequence[Text], true: Sequence[Answer]) -> _Measured:
    """Return how an export does on `texts` whose answers are `true`."""
    found, groups = model.predict(texts), _queries(texts)
    given = [set(one) if isinstance(one, tuple) else {one} for one in found.labels]
    have = [set(one) if isinstance(one, tuple) else {one} for one in true]
    right = np.array([one == other for one, other in zip(given, have, strict=True)])
    labels, f1, each = [], [], np.zeros(2, np.int64)
    for label in model.labels:
        got, own = (np.array([label in one for one in sets]) for sets in (given, have))
        both, rows = int((got & own).sum()), int(own.sum())
        each += 2 * both, rows + int(got.sum())
        precision, recall = _share(own, got, groups), _share(got, own, groups)
        if rows:
            f1.append(2 * both / (rows + int(got.sum())))
        labels.append(LabelCheck(label=label, rows=rows, precision=precision, recall=recall))
    ranked = None
    if groups is not None and model.mismatch:
        from classwright_tools.statistics.ranking import average_precision

        scores = found.probabilities[:, model.labels.index(model.mismatch)]
        positive = np.array([model.mismatch in one for one in have])
        ranked = average_precision(positive, scores, groups) if positive.any() else None
    whole = np.ones(len(right), bool)
    accuracy, sure = _share(right, whole, groups), _share(found.sure, whole, groups)
    assert accuracy
    assert sure
    figures = ExportCheck(
        folder=folder,
        about=model.about,
        rows=len(right),
        accuracy=accuracy,
        macro_f1=float(np.mean(f1)) if f1 else 0.0,
        micro_f1=float(each[0] / max(1, each[1])) if model.several else None,
        average_precision=ranked,
        sure=sure,
        sure_accuracy=_share(right, found.sure, groups),
        out_of_scope=None if model.takes_pairs else int(found.out_of_scope.sum()),
        labels=tuple(labels),
    )
    return _Measured(figures, right, found)


def _share(hits: Rows, of: Rows, groups: Groups | None) -> Estimate | None:
    """Return the share of `hits` (n,) among the rows `of` (n,), None of none; `groups` (n,) are drawn as a whole."""
    if not of.any():
        return None
    if groups is None:
        return wilson(int((hits & of).sum()), int(of.sum()))
    from classwright_tools.statistics.metrics import share

    return share(hits[of], groups[of])
