"""The README of an export: a Hugging Face model card with the figures, the data's origin, and code that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from classwright import __version__
from classwright_tools.domain.cards import ModelCard, Validation
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import ClassFigures, Estimate, Scores
from classwright_tools.domain.task import Task
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.export.baked_thresholds import baked_in_words
from classwright_tools.export.markdown import UNDESCRIBED
from classwright_tools.export.markdown import cell as _cell
from classwright_tools.export.markdown import paragraph as _plain
from classwright_tools.export.origins import MEANINGS
from classwright_tools.learning.exports.export import Export
from classwright_tools.learning.model import Model
from classwright_tools.learning.reading_limits import limit_of
from classwright_tools.measurement.caveats import caveats, how_often_unlike, how_sure


def export_card(
    model: Model,
    export: Export,
    task: Task,
    tested: EvaluationReport | None,
    thresholds: Mapping[str, float],
    graphs: str,
    rows: Mapping[str, str],
) -> str:
    """Return the card of the export of `model`; `tested` are its newest figures on test rows, if there are any.

    `task` is that which it was trained for. The `thresholds` are those of labels that its program uses by default.
    `graphs` says what the further graphs lose, "" where there is none; `rows` are the SHA-256 of the files of its
    dataset, by their names.

    A licence is not named: it is the user's to choose.
    """
    parts = [
        _front_matter(model.card, export.libraries, task),
        f"# {model.id}\n\n{_plain(task.instruction)}\n",
        _labels(model.card, task),
    ]
    parts += [
        _figures(model.card, tested, thresholds),
        _training_data(model, rows),
        f"## Use\n\n{_baked(thresholds)}{export.code}\n",
    ]
    parts += [f"{graphs}\n"] if graphs else []
    return "\n".join(parts)


def _front_matter(card: ModelCard, libraries: Sequence[str], task: Task) -> str:
    facts: dict[str, object] = {
        "library_name": libraries[-1],
        "pipeline_tag": "text-classification",
        "language": list(task.languages),
        "tags": ["text-classification", *libraries, "classwright"],
        "metrics": ["accuracy", "f1"],
    }
    if not Path(card.encoder.name).is_absolute():
        facts["base_model"] = card.encoder.name
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def _labels(card: ModelCard, task: Task) -> str:
    """Return the table of the model's labels, as they were described when it was trained."""
    described = {label.name: label.description for label in task.labels}
    rows = [f"| {_cell(name)} | {_cell(described.get(name) or UNDESCRIBED)} |" for name in card.labels]
    return "\n".join(["## Labels", "", "| label | what belongs to it |", "|---|---|", *rows, ""])


def _figures(card: ModelCard, tested: EvaluationReport | None, thresholds: Mapping[str, float]) -> str:
    labels = len(card.labels)
    own = [card.validation, *([card.grouped] if card.grouped and card.grouped != card.validation else [])]
    first = "all labels right | micro-F1" if card.thresholds else "accuracy"
    lines = ["## Figures", "", f"| rows | {first} | macro-F1 |", f"|---|{'---|' * first.count('|')}---|---|"]
    lines += [_figure(_rows(figures), figures, labels) for figures in own]
    caveats_found = [f"Of the {_rows(figures)}: {caveat}" for figures in own for caveat in caveats(figures)]
    if tested:
        lines.append(_figure(counted(tested.figures.rows, f"{tested.data} test row"), tested.figures, labels))
        caveats_found += [f"Of the test rows: {warning}" for warning in tested.warnings]
    lines += _by_label(card, tested)
    for sentence in (*caveats_found, *card.remarks):
        lines += ["", _plain(sentence)]
    if card.written_at_once:
        named = ", ".join(map(_cell, card.written_at_once))
        lines += [
            "",
            f"Most training rows of {named} were written at once. Written rows that were held out resemble those that "
            "were trained on, so figures on written rows may be too good.",
        ]
    ranked = card.validation.average_precision
    if ranked:
        which = _cell(card.mismatch or "the mismatches")
        rows, guessing = _rows(card.validation), card.validation.guessing_ranked_in_words
        lines += ["", f"Average precision of {which} on the {rows}: {_estimate(ranked)}{guessing}."]
        if tested and tested.figures.average_precision:
            lines += [f"On the test rows: {_estimate(tested.figures.average_precision)}."]
    lines += [
        "",
        "With 95% intervals, on rows that the classifiers measured were not trained on. "
        + (
            "It was chosen by all but the test rows, which tell more of it than the others."
            if tested
            else "It was chosen by them, so they flatter it a little: a test set of your own tells more."
        ),
        " ".join(filter(None, [_calibration(card), how_sure(card, thresholds), how_often_unlike(card)])),
        "",
    ]
    return "\n".join(lines)


def _by_label(card: ModelCard, tested: EvaluationReport | None) -> list[str]:
    """Return the table of each label, of the test rows if there are any; and of what is sure, on the rows that set it.

    A card of before these were kept has none.
    """
    classes = tested.classes if tested else card.classes
    if not classes:
        return []
    rows = counted(tested.figures.rows, f"{tested.data} test row") if tested else _rows(card.validation)
    lines = [
        "",
        f"Each label, on the {rows}. Precision: of the texts that are given it, the share that is right. Recall: of "
        f"the texts that have it, the share that is given it. Sure answers are counted on the {_set_by(card)}.",
        "",
        "| label | rows | precision | recall | F1 | sure answers, right ones of these |",
        "|---|---|---|---|---|---|",
    ]
    return [*lines, *(_label_line(card, one) for one in classes)]


def _label_line(card: ModelCard, found: ClassFigures) -> str:
    """Return the line of a label; what no row tells is a dash."""
    given, right = card.sure_by_label.get(found.label, (0, 0))
    points = dict(zip(card.labels, card.sure_from, strict=False))
    sure = f"{given}, {right}" if given else "none"
    if points.get(found.label) is not None:
        sure += f" (from {points[found.label]:.2f} on)"
    figures = (_estimate(one) if one.high - one.low < 1 else "-" for one in (found.precision, found.recall, found.f1))
    return f"| {_cell(found.label)} | {found.support} | {' | '.join(figures)} | {sure} |"


def _set_by(card: ModelCard) -> str:
    """Return the rows that set the threshold in words, which cards of before have none of."""
    return card.set_by or "rows held out"


def _calibration(card: ModelCard) -> str:
    limit = threshold_in_words(card.threshold)
    if card.thresholds:
        return (
            "Each label's probability is calibrated, and the label applies from a threshold of its own on, which is in "
            f"`labels.json`. Answers of which it is less than {limit} probable that all labels are right "
            "are better left to a person. A single label is sure by itself from a probability on of which 9 in 10 that "
            f"were given it were right (`sure_labels`), on the {_set_by(card)}."
        )
    return (
        f"Probabilities are calibrated (temperature {card.temperature:.3f}). Answers below {limit} are "
        "better left to a person."
    )


def _baked(thresholds: Mapping[str, float]) -> str:
    """Return what the program does by default with labels that have thresholds of their own, as a paragraph."""
    if not thresholds:
        return ""
    others = "The figures above, and other programs than predict.py, know nothing of that."
    return f"{_plain(baked_in_words(thresholds))} {others}\n\n"


def _rows(figures: Validation) -> str:
    """Return the rows of some figures in words, which cards of before have none of."""
    return figures.measured_on or counted(figures.rows, f"{figures.data} row")


def _figure(rows: str, figures: Scores, labels: int) -> str:
    """Return a line of the table; `labels` is the number of the model's labels."""
    covered = f", over {labels - len(figures.not_covered)} of {labels} labels" if figures.not_covered else ""
    micro = f" | {_estimate(figures.micro_f1)}" if figures.micro_f1 else ""
    return f"| {rows} | {_estimate(figures.accuracy)}{micro} | {_estimate(figures.macro_f1)}{covered} |"


def _estimate(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _training_data(model: Model, rows: Mapping[str, str]) -> str:
    card, limit = model.card, limit_of(model.encoder)
    read = f" It reads the first {limit.in_words} of a text, and nothing of what comes after." if limit else ""
    origins = ", ".join(f"{number} {origin}" for origin, number in sorted(card.training_rows.items()))
    meanings = "; ".join(f"'{origin}': {MEANINGS[origin]}" for origin in sorted(card.training_rows))
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    files = {f"{card.dataset}/{name}": digest for name, digest in rows.items()}
    files |= {f"encoder {Path(card.encoder.name).name}": card.encoder.digest}
    files |= {f"{model.id}/{name}": digest for name, digest in card.files.items()}
    return (
        "## Training\n\n"
        f"Rows by origin: {origins} (dataset `{card.dataset}`). {meanings}. "
        f"Method: `{card.method}` on `{Path(card.encoder.name).name}`, seed {card.seed}, {card.seconds:.0f} "
        f"seconds, with {versions}, exported by Classwright {__version__}.{read}\n\n"
        "SHA-256 of what it was made of: its dataset, its encoder (weights and tokenizer) and what was learnt, as they "
        "are stored in the workspace. The files beside this one are made of these, and have others:\n\n"
        + "".join(f"- `{_plain(name)}`: `{digest}`\n" for name, digest in files.items())
    )
