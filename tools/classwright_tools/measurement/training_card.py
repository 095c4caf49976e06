"""The card of a model that was trained: what it was made from, its figures, and what to know of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from classwright_tools.context import AUTO_ENCODER
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.task import Task
from classwright_tools.learning.encoder_folders import none_to_be_had
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.trained import Trained
from classwright_tools.learning.training_data import TrainingData
from classwright_tools.measurement.label_separation import separation_remark
from classwright_tools.measurement.training_summary import training_remarks
from classwright_tools.measurement.untried import tried_before
from classwright_tools.workspace.workspace import Workspace

LIBRARIES = ("torch", "transformers", "sentence-transformers", "scikit-learn", "setfit", "numpy")


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def card_of(
    trained: Trained,
    task: Task,
    dataset: str,
    data: TrainingData,
    setup: Setup,
    workspace: Workspace,
    *,
    chosen: str,
    augmentation: str | None,
    on_validation: bool,
    started: float,
) -> ModelCard:
    """Return the card of a model that was `trained` on the rows `data` of `dataset`.

    `chosen` is the sentence on an encoder that was chosen, or "". With `on_validation` the model learnt from the
    validation rows, too. The training `started` at that reading of `time.monotonic`.
    """
    together = ""
    if not task.multi_label:
        done = {*tried_methods(trained, chosen), *tried_before(workspace, task.slug, dataset)}
        if none_to_be_had(setup.encoder.ref.name, workspace.encoders):
            done.add(AUTO_ENCODER)
        together = separation_remark(setup, data.rows, trained.validation.balanced_accuracy, done)
    by_label = trained.sure_labels.counts if trained.sure_labels else trained.sureness.by_label
    learnt = len(data.validation) if data.validation and on_validation else 0
    return ModelCard(
        task=task.slug,
        task_version=task.version,
        dataset=dataset,
        augmentation=augmentation,
        method=trained.method,
        encoder=trained.classifier.encoder.ref,
        labels=task.label_names,
        kind=task.kind,
        mismatch=task.mismatch,
        training_rows=dict(Counter(data.origins) + Counter(data.validation_origins if learnt else {})),
        validation_rows_learnt=learnt,
        written_at_once=data.at_once,
        remarks=(
            *filter(None, [chosen, together]),
            *training_remarks(workspace, task, dataset, trained, data),
            *(setup.limit.left_out if setup.limit else ()),
        ),
        unlabelled_pairs=len(setup.pairs.unlabelled) if setup.pairs and METHODS[trained.method].needs_mismatches else 0,
        validation=trained.validation,
        classes=trained.classes,
        grouped=trained.grouped,
        temperature=trained.temperature,
        shares=trained.prior.shares if trained.prior else None,
        shares_effect=trained.shares_effect,
        offsets=tuple(trained.prior.offsets.tolist()) if trained.prior else (),
        rare=trained.at_shares.rare if trained.at_shares else None,
        threshold=trained.sureness.threshold,
        unsure=1 - trained.sureness.sure,
        sure_right=trained.sureness.right,
        sure_rows=trained.sureness.rows,
        sure_by_label=dict(zip(task.label_names, by_label, strict=False)),
        sure_from=trained.sure_labels.points if trained.sure_labels else (),
        sure_on=trained.sure_on,
        set_by=trained.set_by,
        is_set_by_validation=trained.is_set_by_validation,
        thresholds=trained.thresholds,
        scope=trained.scope,
        seed=setup.seed,
        seconds=time.monotonic() - started,
        versions=_versions(),
    )


def tried_methods(trained: Trained, chosen: str) -> list[str]:
    """Return the methods that a training tried, and `AUTO_ENCODER` where it has `chosen` an encoder."""
    return [trained.method, *(one.method for one in trained.tried), *([AUTO_ENCODER] if chosen else [])]


def listed_facts(card: ModelCard, tried: Sequence[str]) -> dict[str, Any]:
    """Return the small figures that lists of models show."""
    ranked = card.validation.average_precision
    return ({"average_precision": ranked.value} if ranked else {}) | {
        "task_version": card.task_version,
        "method": card.method,
        "encoder": card.encoder.name,
        "tried": list(tried),
        "dataset": card.dataset,
        "rows": sum(card.training_rows.values()),
        "accuracy": card.validation.accuracy.value,
        "data": card.validation.data,
        **({"validation_rows": card.validation_rows_learnt} if card.validation_rows_learnt else {}),
    }
