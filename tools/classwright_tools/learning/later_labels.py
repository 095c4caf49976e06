"""A model whose labels were renamed or merged since it was trained: it answers by what they are called now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.shares import LabelShare, TaskShares
from classwright_tools.learning.model import Model
from classwright_tools.workspace.later_labels import later_names
from classwright_tools.workspace.workspace import Workspace


def beside(workspace: Workspace, model: Model, dataset: str) -> Model:
    """Return `model` with its labels as they are called beside `dataset`, where that comes after what it learnt from.

    Merged labels are one. Its probability is their sum, or where rows may have several labels, each by itself, that
    one of them at least applies.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    card = model.card
    names = later_names(workspace, card.labels, card.dataset, dataset)
    if names == card.labels:
        return model
    now = dict(zip(card.labels, names, strict=True))
    shares = card.shares and _under(card.shares, now)
    changed = {"mismatch": now.get(card.mismatch or ""), "shares": shares, **_sureness(card, now)}
    return replace(model, card=card.model_copy(update=changed), names=names)


def by_now(workspace: Workspace, model: Model) -> Model:
    """Return what `beside` does, for the newest dataset of the model's task."""
    newest = workspace.latest("dataset", model.card.task)
    return beside(workspace, model, newest.id) if newest else model


def _sureness(card: ModelCard, now: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields on the rows that set the thresholds of `card`, whose labels are called otherwise `now`.

    Merged labels have other answers, which no row was counted by, and which no row told from where on they are sure.
    """
    if len(set(now.values())) < len(now):
        rows = {"unsure": None, "sure_right": None, "rare": None}
        return {**rows, "sure_by_label": {}, "sure_from": (), "classes": ()}
    classes = (one.model_copy(update={"label": now[one.label]}) for one in card.classes)
    counted = {now[label]: counts for label, counts in card.sure_by_label.items()}
    rare = card.rare and card.rare.model_copy(update={"label": now[card.rare.label]})
    return {"sure_by_label": counted, "classes": tuple(classes), "rare": rare}


def _under(shares: TaskShares, now: dict[str, str]) -> TaskShares:
    """Return the shares of labels that are called otherwise `now`, of merged ones the sum."""
    summed: dict[str, list[Estimate]] = {}
    for one in shares.labels:
        summed.setdefault(now.get(one.label, one.label), []).append(one.share)
    labels = (
        LabelShare(
            label=name,
            share=Estimate(
                value=sum(one.value for one in own),
                low=sum(one.low for one in own),
                high=min(1.0, sum(one.high for one in own)),
            ),
        )
        for name, own in summed.items()
    )
    return shares.model_copy(update={"labels": tuple(labels)})
