"""The training rows of two models, compared where there are no validation rows: by real texts that are held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.context import ToolContext
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import REAL_TEXTS, Example
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import encoder_at_hand
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.model import Model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.learning.rows import Rows, label_numbers, training_rows
from classwright_tools.learning.splits import Folds, needed_folds
from classwright_tools.learning.training_data import ENOUGH_REAL
from classwright_tools.measurement.evaluation import measure
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.relabelled_rows import Measured, compared_apart, labels_by_row
from classwright_tools.statistics.paired_rare import compared_by_rows
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.later_labels import under_later_labels
from classwright_tools.workspace.picked_rows import picked_as_hard
from classwright_tools.workspace.workspace import Workspace

NO_VALIDATION = (
    "There are no validation rows. So a simple classifier (logistic regression on frozen embeddings), fitted to the "
    "training rows of each model in turn, answered rows that were held out of both, with all that resemble them: this "
    "compares the rows of the two, not the models."
)


def on_rows_held_out(
    model: Model, other: Model, dataset: str, context: ToolContext
) -> tuple[EvaluationReport, Answers]:
    """Return what the training rows of `model` teach about rows held out of both models', against those of the `other`.

    Labels are called as they are beside `dataset`, by the models as by the rows.

    Raises:
        InvalidInput: a row's label is none of the models'.
        NotEnoughData: no row can be held out of both.
    """

    def progress(done: float) -> None:
        context.progress(0.9 * done, "answering training rows that are held out")

    found, theirs = held_out_of_both(context.workspace, model, other, dataset, context.seed, progress)

    def compare(among: npt.NDArray[np.bool_] | None) -> Comparison:
        rows = np.ones(len(found.rows), bool) if among is None else among
        comparison = compared_by_rows(
            found.true[rows],
            found.proba[rows],
            theirs.proba[rows],
            found.labels,
            other.id,
            model.card.mismatch,
            None if found.queries is None else np.unique(found.queries[rows], return_inverse=True)[1],
            seed=context.seed,
        )
        return comparison if among is None else comparison.model_copy(update={"rows": int(rows.sum())})

    measured = Measured(dataset, "train", found.rows, np.ones(len(found.rows), bool))
    report = measure(
        found,
        model=model.id,
        split="train",
        threshold=0.0,  # a probe's answers, none of which it leaves to a person
        comparison=compared_apart(context.workspace, measured, model, other, compare)[0],
        warnings=(NO_VALIDATION,),
        seed=context.seed,
        mismatch=model.card.mismatch,
    )
    return report, found


def differ_in_rows(workspace: Workspace, model: Model, other: Model, dataset: str) -> bool:
    """Return whether the two models learnt from different training rows: not so where only validation rows differ.

    Nor do rows whose label was renamed or merged until `dataset`.
    """
    if model.card.dataset == other.card.dataset:
        return False
    own, theirs = (labels_by_row(workspace, one.card.dataset, "train", dataset) for one in (model, other))
    return own != theirs


def fair_rows(workspace: Workspace, task: str, rows: Iterable[Example]) -> set[str]:
    """Return the ids of those training `rows` of `task` that models may be judged by.

    They are the real texts, whoever labelled them. Rows that were picked because a model was unsure of them are left
    out: they are harder for it, and for what learnt from the same rows, than for others.
    """
    picked = picked_as_hard(workspace, task)
    return {row.id for row in rows if row.origin in REAL_TEXTS and row.id not in picked}


def held_out_of_both(
    workspace: Workspace, model: Model, other: Model, dataset: str, seed: int, progress: Callable[[float], None]
) -> tuple[Answers, Answers]:
    """Return answers to the same rows: by what the training rows of `model` teach, and by what those of `other` do.

    The rows are the `fair_rows` that either learnt from. Each is answered by regressions that were fitted without it,
    without the rows of its cell and without its near-duplicates, each on the embeddings of the model's own encoder.
    Labels are called as they are beside `dataset`, and rows whose label has ended are none of them.

    Raises:
        InvalidInput: a row's label is none of the models'.
        NotEnoughData: there are fewer than `ENOUGH_REAL` such rows, or none can be held out of both.
    """
    ours, theirs = (_training_rows(workspace, one, dataset) for one in (model, other))
    asked = _asked(workspace, model, ours, theirs, seed)
    held = np.sort(np.concatenate([places for _, places in asked.folds]))
    true = asked.answered.labels[held]
    rows = tuple(asked.rows[place] for place in asked.places[held])

    def answers(one: Model, own: Sequence[Example], start: float) -> Answers:
        encoder = encoder_for(one.card.kind, encoder_at_hand(one.card.encoder.name, workspace.encoders))
        embeddings = encoder.embed(
            asked.known.texts, EmbeddingCache(workspace.embeddings), lambda done: progress(start + done / 2)
        )
        logits = asked.logits(own, model.labels, embeddings)[held]
        proba = softmax(logits / fit_temperature(logits, true))
        return Answers(model.card.dataset, rows, model.labels, true, proba)

    return answers(model, ours, 0.0), answers(other, theirs, 0.5)


@dataclass(frozen=True)
class _Asked:
    """All rows of two models, the `places` of those that are answered, in an order of their own, and their folds."""

    rows: list[Example]
    known: Rows
    places: npt.NDArray[np.intp]
    answered: Rows
    folds: Folds

    def logits(
        self, own: Sequence[Example], labels: tuple[str, ...], embeddings: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """Return what regressions of the rows `own` answer to those asked (n, k), each fitted without its fold."""
        place_of = {row.id: place for place, row in enumerate(self.rows)}
        places = np.array([place_of[row.id] for row in own])
        numbers = label_numbers(own, labels)
        logits = np.zeros((len(self.places), len(labels)))
        for _, held in self.folds:
            kept = ~np.isin(self.known.groups[places], self.answered.groups[held])
            if len(np.unique(numbers[kept])) < 2:
                raise _cannot_tell(len(self.places))
            head = fit_head(embeddings[places[kept]], numbers[kept], len(labels))
            logits[held] = head.logits(embeddings[self.places[held]])
        return logits


def _asked(workspace: Workspace, model: Model, own: Sequence[Example], theirs: Sequence[Example], seed: int) -> _Asked:
    """Return what is asked of two models that learnt from the rows `own` and `theirs`; a row's label is that in own."""
    rows = list({row.id: row for row in (*theirs, *own)}.values())
    fair = fair_rows(workspace, model.card.task, rows)
    places = np.flatnonzero([row.id in fair for row in rows])
    if len(places) < ENOUGH_REAL:
        raise _cannot_tell(len(places))
    known = training_rows(rows, model.labels)
    answered = known.take(places)
    return _Asked(rows, known, places, answered, needed_folds(answered, seed))


def _cannot_tell(rows: int) -> NotEnoughData:
    return NotEnoughData(
        "the two models",
        f"have no validation rows to be compared on, and of the real texts that they learnt from {rows} can be held "
        f"out, of which {ENOUGH_REAL} of several labels are needed: written texts, and those that a model was unsure "
        "of, would mislead",
        "Bring rows in with import_examples(split='validation'), or have random ones labelled: "
        "annotate_examples(order='random').",
    )


def _training_rows(workspace: Workspace, model: Model, dataset: str) -> list[Example]:
    """Return the labelled rows that `model` learnt from, under the labels that it has beside `dataset`."""
    own = model.card.dataset
    rows = (row for row in read_rows(workspace, own, "train") if row.label_key is not None)
    return under_later_labels(workspace, model.labels, rows, own, dataset)[0]
