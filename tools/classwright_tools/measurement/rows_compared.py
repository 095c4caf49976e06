"""The training rows of two models, compared where there are no validation rows: by answers to rows held out of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.context import ToolContext
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
from classwright_tools.statistics.paired import compare
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace

NO_VALIDATION = (
    "There are no validation rows. So a logistic regression on frozen embeddings, fitted to the training rows of each "
    "model in turn, answered rows that were held out of both, with all that resemble them: this compares the rows of "
    "the two, not the models."
)
ON_WRITTEN = (
    f"Written texts say little of real ones: {ENOUGH_REAL} real texts with labels, by import_examples or "
    "annotate_examples, would tell more."
)


def on_rows_held_out(
    model_id: str, model: Model, other_id: str, other: Model, context: ToolContext
) -> tuple[EvaluationReport, Answers]:
    """Return what the training rows of `model` teach about rows held out of both models', against those of the `other`.

    Raises:
        InvalidInput: a row's label is none of the models'.
        NotEnoughData: no row can be held out of both.
    """

    def progress(done: float) -> None:
        context.progress(0.9 * done, "answering training rows that are held out")

    found, theirs = held_out_of_both(context.workspace, model, other, context.seed, progress)
    mismatch = found.labels.index(model.card.mismatch) if model.card.mismatch else None
    report = measure(
        found,
        task=model.card.task,
        model=model_id,
        split="train",
        threshold=0.0,  # a probe's answers, none of which it leaves to a person
        comparison=compare(found.true, found.proba, theirs.proba, other_id, context.seed, mismatch, found.queries),
        left_out=0,
        warnings=(NO_VALIDATION, *([ON_WRITTEN] if found.data == "written" else [])),
        seed=context.seed,
        mismatch=model.card.mismatch,
    )
    return report, found


def differ_in_rows(model: Model, other: Model, workspace: Workspace) -> bool:
    """Return whether the two models learnt from different training rows, each row with one label."""
    if model.space.several:
        return False
    own, theirs = ({(row.id, row.label) for row in _rows(workspace, one)} for one in (model, other))
    return own != theirs


def held_out_of_both(
    workspace: Workspace, model: Model, other: Model, seed: int, progress: Callable[[float], None]
) -> tuple[Answers, Answers]:
    """Return answers to the same rows: by what the training rows of `model` teach, and by what those of `other` do.

    The rows are the real texts that either learnt from, labelled or annotated, if there are `ENOUGH_REAL`; else the
    written ones that both learnt from. Each is answered by regressions that were fitted without it, without the rows of
    its cell and without its near-duplicates, each on the embeddings of the model's own encoder.

    Raises:
        InvalidInput: a row's label is none of the models'.
        NotEnoughData: no row can be held out of both.
    """
    trained = (_rows(workspace, model), _rows(workspace, other))
    asked = _asked(model, *trained, seed)
    held = np.sort(np.concatenate([places for _, places in asked.folds]))
    true = asked.answered.labels[held]
    rows = tuple(asked.rows[place] for place in asked.places[held])

    def answers(one: Model, own: Sequence[Example], start: float) -> Answers:
        encoder = encoder_for(one.card.kind, encoder_at_hand(one.card.encoder.name, workspace.encoders))
        embeddings = encoder.embed(
            asked.known.texts, EmbeddingCache(workspace.cache), lambda done: progress(start + done / 2)
        )
        logits = asked.logits(own, model.labels, embeddings)[held]
        proba = softmax(logits / fit_temperature(logits, true))
        return Answers(model.card.dataset, rows, model.labels, true, proba, texts_per_second=None)

    return answers(model, trained[0], 0.0), answers(other, trained[1], 0.5)


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
                raise _none_held_out()
            head = fit_head(embeddings[places[kept]], numbers[kept], len(labels))
            logits[held] = head.logits(embeddings[self.places[held]])
        return logits


def _asked(model: Model, own: Sequence[Example], theirs: Sequence[Example], seed: int) -> _Asked:
    """Return what is asked of two models that learnt from the rows `own` and `theirs`; a row's label is that in own."""
    rows = list({row.id: row for row in (*theirs, *own)}.values())
    places = np.flatnonzero([row.origin in REAL_TEXTS for row in rows])
    if len(places) < ENOUGH_REAL:
        both = {row.id for row in own} & {row.id for row in theirs}
        places = np.flatnonzero([row.id in both for row in rows])
    known = training_rows(rows, model.labels)
    answered = known.take(places)
    if len(np.unique(answered.labels)) < 2:
        raise _none_held_out()
    return _Asked(rows, known, places, answered, needed_folds(answered, seed))


def _none_held_out() -> NotEnoughData:
    return NotEnoughData(
        "the training rows of the two models",
        "have none in common that could be held out of both, and there are no validation rows to compare them on",
        "Bring some in with import_examples(split='validation'), real ones if there are any.",
    )


def _rows(workspace: Workspace, model: Model) -> list[Example]:
    """Return the labelled training rows of a model's dataset."""
    return [row for row in read_rows(workspace, model.card.dataset, "train") if row.label is not None]
