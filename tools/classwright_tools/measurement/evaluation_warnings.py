"""The warnings of an evaluation: what a reader of its figures must know of the rows and of the model."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_names import other_labels
from classwright_tools.learning.model import Model
from classwright_tools.measurement.by_part import language_remark, source_remark
from classwright_tools.measurement.caveats import how_sure, not_counted, relabelled, scores_in_words
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.label_shares import shifts_for_model
from classwright_tools.measurement.long_rows import cut_remarks
from classwright_tools.measurement.trained_rows import chosen_by, queries_trained_on
from classwright_tools.measurement.unlike_measured import usual_of
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, fisher, fisher_greater
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.picked_rows import easier_rows
from classwright_tools.workspace.workspace import Workspace

_MOVES_FIGURES = ("relabel", "rewrite", "restore")


def evaluation_warnings(
    workspace: Workspace,
    models: str,
    model: Model,
    found: Answers,
    split: Split,
    rows: int,
    uses: int,
    unknown: Sequence[Example],
) -> tuple[str, ...]:
    """Return what a reader of the figures must know, of the `rows` of `split` and of those that were counted, `found`.

    Those `unknown` have labels that the model does not know, and were not counted.

    `models` are all that are measured, in words; this is use number `uses` of the task's test rows.
    """
    left_out = not_counted(rows - len(found.rows), rows, split, models)
    task = workspace.task(model.card.task)
    warnings = list(filter(None, [left_out, other_labels(model.id, model.labels, task.label_names)]))
    if found.data == "annotated":
        warnings.append("A model labelled some or all of these texts: where it was wrong, so are the figures.")
    elif found.data != "real":
        warnings.append("Not all of these texts are real, so the figures do not tell how the model does on real ones.")
    if model.card.shares and split == "validation":
        warnings.append(
            "To decide for label shares the model has a bias a label, which real validation rows gave: on these the "
            "figures flatter it a little."
        )
    by_model = Decided(read_edits(workspace, found.dataset)).by_model
    warnings += filter(None, [relabelled(sum(row.id in by_model and row.origin == "real" for row in found.rows))])
    if split == "validation" and model.card.is_set_by_validation:
        warnings += _set_by_these(model, chosen_by(workspace, model.card, found.rows))
    warnings += filter(None, [edited_since(workspace, model, found)])
    queries = queries_trained_on(workspace, model.card, found.rows)
    if queries:
        warnings.append(
            f"{counted(queries, 'of these rows has', 'of these rows have')} a query that was trained on with other "
            "items: on new queries a model does worse. Split by query to measure that."
        )
    chosen = chosen_by(workspace, model.card, found.rows) if split == "test" else 0
    if chosen:
        warnings.append(
            f"{counted(chosen, 'of these rows was a validation row', 'of these rows were validation rows')} when "
            f"{model.id} was trained: it was chosen and calibrated by them, so the figures flatter it."
        )
    if split == "test":
        warnings += filter(None, [flattered(model, found), sure_elsewhere(model, found)])
    if uses > 1:
        warnings.append(
            f"This is use {uses} of the task's test rows. Choosing between models by them makes the figure too good: "
            "choose by validation rows."
        )
    warnings += cut_remarks(model.encoder, [row.content for row in found.rows], f"{split} rows")
    by_language = language_remark(found, task.languages)
    by_source = source_remark(found, row_sources(workspace, found.dataset), unknown)
    easier = easier_rows(workspace, task, [row.id for row in found.rows])
    shifted = shifts_for_model(workspace, model.card.dataset, found.dataset, split)
    return (*filter(None, [by_source, easier]), *warnings, *filter(None, [shifted, by_language]))


def flattered(model: Model, found: Answers) -> str:
    """Return that the figures of the training promised more than the test rows `found` show, if by more than chance.

    Of pairs nothing is said: those of one query are right or wrong together, which the test knows nothing of.
    """
    promised = model.card.validation
    if promised.data != "real" or found.data != "real" or found.queries is not None:
        return ""
    rows, wrong = len(found.rows), len(found.wrong)
    wrong_there = promised.rows - round(promised.accuracy.value * promised.rows)
    p = min(1.0, 2 * fisher_greater(wrong, rows, wrong_there, promised.rows))
    if p >= SIGNIFICANCE:
        return ""
    on = promised.measured_on or f"{promised.rows} real rows"
    return (
        f"The figures of its training flattered {model.id}: {promised.accuracy.value:.3f} of {on} were right, and "
        f"{1 - wrong / rows:.3f} of {rows} rows here, which is more than chance (Fisher's exact test, p = {p:.2g}). Go "
        "by the figure here."
    )


def sure_elsewhere(model: Model, found: Answers) -> str:
    """Return that the `model` is sure of another share of the test rows `found` than of those that its training told.

    It is so if by more than chance, and of single texts that are real, as in `flattered`. Of texts out of scope it is
    not sure, at its training as here.
    """
    usual = usual_of(model.card).unsure
    if usual is None or found.data != "real" or found.queries is not None:
        return ""
    few, of = usual
    rows, unsure = len(found.rows), int((found.confidence < model.threshold).sum())
    p = fisher(unsure, rows, few, of)
    if p >= SIGNIFICANCE:
        return ""
    return (
        f"{model.id} is sure of {1 - unsure / rows:.0%} of these {rows} rows, and was of {1 - few / of:.0%} of "
        f"{counted(of, 'row')} at its training: more than chance (Fisher's exact test, p = {p:.2g}). Expect the share "
        "here."
    )


def edited_since(workspace: Workspace, model: Model, found: Answers) -> str:
    """Return the sentence on how many of the rows were edited since the model was trained; "" where none was.

    Its figures of before are by the rows as they were.
    """
    edits = edits_since(workspace, model.card.dataset, found.dataset)
    edited = {id_ for edit in edits if edit.action in _MOVES_FIGURES for id_ in edit.rows}
    rows = sum(row.id in edited for row in found.rows)
    if not rows:
        return ""
    were = counted(rows, "of these rows was", "of these rows were")
    return (
        f"{were} relabelled, rewritten or put back since {model.id} was trained ({model.card.dataset}): its figures "
        "from then do not compare with these."
    )


def _set_by_these(model: Model, rows: int) -> list[str]:
    """Return the sentences on so many `rows` that set what the `model` decides by, if there are any."""
    if not rows:
        return []
    card = model.card
    if not card.thresholds:
        return [f"{rows} of these rows also calibrated {model.id}: how sure it is of them flatters it a little."]
    own = ""
    if card.validation.measured_on == card.set_by:
        told = scores_in_words(card.validation, len(card.labels))
        own = (
            f" Its training told what it reaches where other parts (folds) of them set these: {told}. {how_sure(card)}"
        )
    return [
        f"{rows} of these rows set the thresholds and the calibration of {model.id}, so the figures may flatter it."
        + own.rstrip()
    ]
