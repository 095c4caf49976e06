"""A model measured on the rows of a split that it did not train on, alone or against another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from classwright_tools.context import ToolContext
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import Example
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.label_space import Answer
from classwright_tools.learning.model import Model, load_model
from classwright_tools.learning.training_data import counted_validation
from classwright_tools.measurement.caveats import less_real
from classwright_tools.measurement.comparing import (
    compared,
    countable,
    differ_in_labels,
    labels_remark,
    rows_of_labels,
    shares_remark,
)
from classwright_tools.measurement.evaluation import chosen_thresholds, measure
from classwright_tools.measurement.evaluation_warnings import evaluation_warnings
from classwright_tools.measurement.held_out import Answers, Given, answers, given_to, read_split, texts_per_second
from classwright_tools.measurement.kept_answers import kept_answers
from classwright_tools.measurement.relabelled_rows import Measured, compared_apart
from classwright_tools.measurement.trained_rows import unseen
from classwright_tools.measurement.unknown_labels import unknown_label_remarks


def on_split(
    model: Model,
    other: Model | None,
    dataset: str,
    split: Literal["validation", "test"],
    thresholds: Mapping[str, float],
    uses: int,
    context: ToolContext,
) -> tuple[EvaluationReport, Answers]:
    """Return the report on `model` by the rows of a `split` of `dataset`, beside the `other`, and what it answers.

    The `thresholds` of labels, 0 to 1, are those whose cost is asked; this is use number `uses` of the task's test
    rows.

    Raises:
        NotEnoughData: the split has no rows, or none that the models did not train on.
        InvalidInput: no row has a label that the model knows, or the two models share no label of the rows.
        Cancelled: the caller asked to stop.
    """
    workspace = context.workspace
    context.progress(0.0, f"Reading the {split} rows of {dataset}")
    there = read_split(workspace, dataset, split)
    rows = counted_validation(there) if split == "validation" else there
    less = less_real(len(there) - len(rows))
    every, rows = rows, rows_of_labels(rows, model.labels) or rows  # if none is left, `answers` says what is unknown
    models = [model, other] if other else [model]
    names = " or ".join(one.id for one in models)
    counted = _counted(context, dataset, split, rows, models, names)
    progress, known = _asking(context, model, counted, 0.05)
    found = answers(model, counted, dataset, progress, known)
    speed = None
    if not known.keys() >= {row.id for row in counted}:
        speed = texts_per_second(load_model(workspace, model.id, remember=False), counted)
    comparison, theirs = None, list[Answer | None]()
    if other:
        given = given_to(found.rows, other, *_asking(context, other, found.rows, 0.45))
        proba = np.stack([one.proba for one in given])
        both = (model, other)
        comparison, same = compared_apart(
            workspace,
            Measured(dataset, split, found.rows, countable(found, other)),
            *both,
            lambda among: compared(found, proba, *both, context.seed, among),
        )
        if not differ_in_labels(model, other):  # else it would tell of rows and labels that the comparison leaves out
            given_by_it = other.space.answers(proba)[0]
            theirs = [answer if counts else None for answer, counts in zip(given_by_it, same, strict=True)]

    def tell(done: float) -> None:
        context.progress(0.85 + 0.05 * done, "Asking of rows with other labels")

    known_ids = {row.id for row in rows}
    unknown = [row for row in every if row.id not in known_ids]
    remarks = (less, labels_remark(comparison, model, other), shares_remark(comparison, model, other))
    report = measure(
        found,
        model=model.id,
        split=split,
        threshold=model.threshold,
        comparison=comparison,
        left_out=len(rows) - len(counted),
        warnings=(
            *evaluation_warnings(workspace, names, model, found, split, len(rows), uses, unknown),
            *filter(None, remarks[:1]),
            *unknown_label_remarks(workspace, every, model, other, tell),
            *filter(None, remarks[1:]),
        ),
        seed=context.seed,
        shares=model.card.known_shares,
        mismatch=model.card.mismatch,
        chosen=chosen_thresholds(workspace, model, dataset) if split == "test" else None,
        texts_per_second=speed,
        thresholds=thresholds,
        theirs=theirs,
    )
    return report, found


def _counted(
    context: ToolContext, dataset: str, split: str, rows: Sequence[Example], models: Sequence[Model], names: str
) -> Sequence[Example]:
    """Return the `rows` that none of the `models` trained on; raise a `NotEnoughData` if there are none."""
    cards = [model.card for model in models]
    counted = unseen(
        context.workspace, cards, rows, lambda: context.progress(0.0, "Comparing the rows with those trained on")
    )
    if not counted:
        learnt = [card for card in cards if card.validation_rows_learnt]
        on_test = "Measure on test rows (split='test'), as validation rows were trained on. Or: " if learnt else ""
        raise NotEnoughData(
            f"dataset {dataset!r}",
            f"has no {split} rows to measure on: each of the {len(rows)} is a training row of {names}, or nearly "
            "repeats one",
            f"{on_test}Import other rows with split={split!r}, or train a model on {dataset!r}, which leaves them out.",
        )
    return counted


def _asking(
    context: ToolContext, model: Model, rows: Sequence[Example], start: float
) -> tuple[Callable[[float], None], Mapping[str, Given]]:
    """Return what is told how far `model` is with `rows`, `start` being the share done before; and what it gave to
    some of them in evaluations before, by the row's id.
    """
    known = kept_answers(context.workspace, model.card.task, model.id, [row.id for row in rows], model.labels)
    return lambda done: context.progress(start + 0.4 * done, f"{model.id} is classifying the rows"), known
