"""The verb `train_classifier`: train on a dataset's training rows, calibrate, and say how good the model is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic import Field

from classwright_tools.context import AUTO_ENCODER, ToolContext
from classwright_tools.domain.cards import Candidate, ModelCard, Validation
from classwright_tools.domain.excerpt import Excerpts
from classwright_tools.domain.kinds import AugmentationId, DatasetId, ModelId
from classwright_tools.domain.noun import Slug, ToolRequest, ToolResult
from classwright_tools.domain.task import Task
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.methods.choice import MethodName, check_encoder, check_method, tell_unable
from classwright_tools.learning.methods.method import Imbalance
from classwright_tools.learning.methods.registry import AUTO, METHODS
from classwright_tools.learning.pair_options import PairOptions, check_pair_options, pair_setup, untried_in_words
from classwright_tools.measurement.label_shares import LABELLED
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.setup import Setup
    from classwright_tools.learning.trained import Trained
    from classwright_tools.learning.training_data import TrainingData

SHARES_LISTED = 60  # of an answer: as many labels take 3 kB


class TrainClassifierRequest(ToolRequest, PairOptions):
    """Which rows to train on, and how."""

    task: Slug
    dataset: DatasetId | None = Field(default=None, description="Default: the newest.")
    method: MethodName = AUTO
    encoder: str | None = Field(
        default=None,
        max_length=200,
        description="A sentence-transformers model from the hub or the cache, or 'auto': the best of those at hand. "
        "Default: the server's.",
    )
    imbalance: Imbalance = Field(
        default="none",
        description="What makes labels count alike, however many rows each has. 'class_weights': in the classifier's "
        "loss. 'logit_adjustment': by their shares, after training. 'auto': the latter, its penalty "
        "cross-validated, averaged with a small network.",
        json_schema_extra=tell_unable,
    )
    augmentation: AugmentationId | None = Field(
        default=None, description="Rows of gan_augment to train on as well; for 'probe' on the dataset they came from."
    )
    train_on_validation: bool = Field(
        default=False,
        description="True for the last model: it learns from the real validation rows too; its figure is cross-fitted.",
    )
    epochs: int | None = Field(
        default=None, ge=1, le=50, description="Passes over the rows; default: the method's own."
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="The same seed gives the same model.")
    max_minutes: float | None = Field(
        default=None, gt=0, le=10_000, description="'auto' leaves out what takes longer; one method fails then."
    )


class TrainClassifierResult(ToolResult):
    """The model and the figures that it was chosen by."""

    model: ModelId
    dataset: DatasetId
    method: str
    training_rows: int = Field(ge=1)
    real_training_rows: int = Field(ge=0)
    validation: Validation
    grouped: Validation | None = Field(default=None, description="On held-out training rows, if `validation` is not.")
    tried: tuple[Candidate, ...] = Field(default=(), description="What `auto` tried beside the method that was kept.")
    temperature: float
    threshold: float
    notes: tuple[str, ...] = Field(
        default=(), description="What else to know of the figures, and what thresholds would do."
    )
    shares: dict[str, str] = Field(
        default_factory=dict, description="The labels' shares that the model decides for, the largest first, if any."
    )
    texts_embedded: int = Field(ge=0, description="Texts that the frozen encoder had not embedded before.")
    texts_reused: int = Field(ge=0, description="Embeddings that the cache had before, each counted once.")
    seconds: float = Field(ge=0)


def train_classifier(request: TrainClassifierRequest, context: ToolContext) -> TrainClassifierResult:
    """Train a classifier and save it.

    Training rows that are copies or near-duplicates of validation or test rows are left out and counted.

    Raises:
        NotFound: there is no such task, dataset or encoder.
        InvalidInput: a row's label is not the task's, the encoder cannot be used, or the method is not for such tasks
            or not for that `imbalance`, or the augmentation does not fit.
        NotEnoughData: a label has fewer than two training rows, or none can be held out and there are no real
            validation rows.
        Cancelled: the caller asked to stop; embeddings that were computed are kept.
        BudgetExceeded: no method could be trained within `max_minutes`.
        StorageFailed: the disk is full.
    """
    started = time.monotonic()
    workspace = context.workspace
    task = workspace.task(request.task)
    _check(request, task)
    dataset = workspace.dataset_read(request.dataset, task.slug, run_key=context.run_key, makes="model")

    # After the look-ups: importing torch takes seconds, and a slip in a name should be reported at once.
    from classwright_tools.learning.model import save_model
    from classwright_tools.learning.several_labels.training import train_several
    from classwright_tools.learning.training import train
    from classwright_tools.learning.training_data import read_training_data
    from classwright_tools.measurement.training_card import card_of, listed_facts, tried_methods
    from classwright_tools.measurement.training_summary import earlier_model

    context.progress(0.0, f"reading {dataset}")
    data = read_training_data(workspace, dataset, task)
    setup, chosen = _setup(request, context, task, dataset, data)
    fit = train_several if task.multi_label else train
    trained = fit(request.method, data.rows, data.validation, setup, on_validation=request.train_on_validation)
    card = card_of(
        trained,
        task,
        dataset,
        data,
        setup,
        workspace,
        chosen=chosen,
        augmentation=request.augmentation,
        on_validation=request.train_on_validation,
        started=started,
    )
    made = workspace.publish(
        "model",
        task.slug,
        lambda folder: save_model(folder, card, trained.classifier, data.rows.texts),
        run_key=context.run_key,
        parent=dataset,
        facts=listed_facts(card, tried_methods(trained, chosen)),
    )
    earlier = earlier_model(workspace, made, card, measurable=data.validation is not None)
    result = _result(made.id, card, trained, data, setup.cache, earlier)
    if request.method != AUTO:
        return result
    tried = [trained.method, *(other.method for other in trained.tried)]
    cut, labels = bool(setup.limit and setup.limit.left_out), data.rows.labels.tolist()
    untried = untried_in_words(request, request.imbalance, task, labels, tried, setup.encoder, cut=cut)
    return result.model_copy(update={"notes": (*result.notes, *untried)})


def _setup(
    request: TrainClassifierRequest, context: ToolContext, task: Task, dataset: str, data: TrainingData
) -> tuple[Setup, str]:
    """Return what to train with, and the sentence on an encoder that was chosen for it, "" where one is given."""
    from classwright_tools.annotation.random_rows import shares_of_task
    from classwright_tools.augmentation.row_source import row_source
    from classwright_tools.estimates.training import seconds_by_method
    from classwright_tools.learning.callers_encoders import callers_encoder
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoder_choice import choose_encoder
    from classwright_tools.learning.pair_encoder import encoder_for
    from classwright_tools.learning.setup import Setup
    from classwright_tools.learning.time_limit import TimeLimit
    from classwright_tools.learning.training_data import unlabelled_texts
    from classwright_tools.measurement.held_out import unlabelled_pairs

    workspace, cache = context.workspace, EmbeddingCache(context.workspace.embeddings)
    chosen = ""
    if request.encoder == AUTO_ENCODER:
        alike = request.imbalance != "none"
        choice = choose_encoder(data, task, request.method, cache, request.seed, context, alike=alike)
        encoder, chosen = choice.encoder, choice.remark
    else:
        encoder = encoder_for(task.kind, callers_encoder(request.encoder or context.encoder, context))
    check_encoder(request.method, encoder)
    source = None
    if request.augmentation:
        source = row_source(
            workspace,
            request.augmentation,
            dataset,
            task.label_names,
            encoder.ref,
            method=request.method,
            imbalance=request.imbalance,
        )
    limit = None
    if request.max_minutes:
        limit = TimeLimit(request.max_minutes, seconds_by_method(request, context))
    known, unknown = shares_of_task(workspace, task, dataset)
    setup = Setup(
        encoder=encoder,
        cache=cache,
        labels=task.label_names,
        epochs=request.epochs,
        seed=request.seed,
        progress=limit.progress(context.progress) if limit else context.progress,
        limit=limit,
        pairs=pair_setup(request, task, lambda: unlabelled_pairs(workspace, dataset)) if task.kind == "pair" else None,
        imbalance=request.imbalance,
        row_source=source,
        known=known,
        unknown=unknown,
        unlabelled=unlabelled_texts(workspace, dataset) if task.decides_for_shares else (),
    )
    return setup, chosen


def _check(request: TrainClassifierRequest, task: Task) -> None:
    """Raise an `InvalidInput` if what is asked for does not fit the rows of `task`, or itself."""
    check_method(request.method, request.imbalance, task)
    check_pair_options(request, request.method, task)
    if request.augmentation and request.encoder == AUTO_ENCODER:
        reason = f"is not chosen for a training on {request.augmentation}, whose rows are of one encoder"
        raise InvalidInput(f"encoder {AUTO_ENCODER!r}", reason, "Leave `encoder` out, or name the augmentation's.")
    if task.multi_label and request.encoder == AUTO_ENCODER:
        reason = f"is not chosen for rows with several labels, which task {task.slug!r} has"
        raise InvalidInput(f"encoder {AUTO_ENCODER!r}", reason, "Leave `encoder` out, or name one.")


def _result(
    model: str, card: ModelCard, trained: Trained, data: TrainingData, cache: EmbeddingCache, earlier: str | None
) -> TrainClassifierResult:
    from classwright_tools.learning.prior import BY_PERSON, MORE_VALIDATION
    from classwright_tools.measurement.training_summary import training_next_step, training_notes, training_summary

    excerpts = Excerpts(artifact_uri(model))
    shares = list(card.shares.each_in_words) if card.shares else []
    excerpts.note("shares", min(SHARES_LISTED, len(shares)), len(shares))
    return TrainClassifierResult(
        summary=" ".join(training_summary(model, card)),
        next_step=training_next_step(
            model,
            card,
            earlier,
            measurable=data.validation is not None,
            validation_wanted=MORE_VALIDATION in trained.why_no_shares,
            by_person=BY_PERSON in trained.why_no_shares,
        ),
        model=model,
        dataset=card.dataset,
        method=card.method,
        training_rows=sum(card.training_rows.values()),
        real_training_rows=card.training_rows.get("real", 0),
        validation=card.validation,
        grouped=card.grouped,
        tried=trained.tried,
        temperature=card.temperature,
        threshold=card.threshold,
        notes=tuple(training_notes(card, trained.tried, data.copies)),
        shares=dict(shares[:SHARES_LISTED]),
        shown_in_part=excerpts.parts,
        texts_embedded=cache.computed,
        texts_reused=cache.reused,
        seconds=card.seconds,
    )


def _work(request: TrainClassifierRequest, sizes: Sizes) -> Work:
    """A fine-tuning is long, and so is what may become one, or has an encoder of its own to fetch."""
    is_quick = request.method != AUTO and METHODS[request.method].cost == "quick" and request.imbalance != "auto"
    other_encoder = request.encoder not in (None, sizes.encoder)
    size = sizes.dataset(request.dataset, request.task, LABELLED)
    return computing(size, long=not is_quick or other_encoder, method=request.method)


def _workload(request: TrainClassifierRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.training import training_workload

    return training_workload(request, context)


TOOL = ToolSpec(
    run=train_classifier,
    request=TrainClassifierRequest,
    result=TrainClassifierResult,
    work=_work,
    workload=_workload,
    dry_run=True,
    makes=("model",),
    multi_label=True,
    check=_check,
    text=ToolText(
        title="Train a classifier",
        description=(
            "Train on a dataset's training rows and save a calibrated model. Returns validation figures with 95% "
            "intervals, on real validation rows if any, else on training rows held out by group. Where labels "
            "differ much in size set `imbalance`, or method 'cluster'. Never trains on test rows."
        ),
    ),
)
