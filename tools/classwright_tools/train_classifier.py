"""The verb `train_classifier`: train on a dataset's training rows, calibrate, and say how good the model is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from classwright_tools.context import AUTO_ENCODER, ToolContext
from classwright_tools.domain.cards import Candidate, ModelCard, Validation
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.kinds import AugmentationId, DatasetId, ModelId
from classwright_tools.domain.noun import LabelName, Slug, ToolRequest, ToolResult
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.learning.matching.settings import MiningSettings, NegativeKind
from classwright_tools.learning.methods.choice import MethodName, check_method, tell_unable
from classwright_tools.learning.methods.method import Imbalance
from classwright_tools.learning.methods.registry import AUTO, METHODS
from classwright_tools.measurement.label_shares import LABELLED
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.setup import PairSetup
    from classwright_tools.learning.training import Trained
    from classwright_tools.learning.training_data import TrainingData
    from classwright_tools.workspace.workspace import Artifact, Workspace

Negatives = Literal["none", "random", "mined", "generated"]
NEGATIVES_DEFAULT: Negatives = "generated"
# Half of the harder negatives are random ones: without these a network forgets what an ordinary mismatch looks like.
KINDS_OF: dict[Negatives, tuple[NegativeKind, ...]] = {
    "none": (),
    "random": ("random",),
    "mined": ("mined", "random"),
    "generated": ("generated", "random"),
}


class TrainClassifierRequest(ToolRequest):
    """Which rows to train on, and how."""

    task: Slug
    dataset: DatasetId | None = Field(default=None, description="Default: the task's newest.")
    method: MethodName = AUTO
    negatives: Negatives | Annotated[tuple[NegativeKind, ...], Field(max_length=20)] | None = Field(
        default=None,
        description="What a matcher makes mismatches of, beside the labelled ones: 'random' queries, 'mined' (similar) "
        "ones, 'generated' (similar, filtered by a teacher), both half random, or 'none'; or a list, in which a kind "
        "named twice counts twice. Default: 'generated'.",
    )
    mining: MiningSettings | None = Field(
        default=None,
        description="How 'mined' negatives are found among an item's queries: sentence-transformers' "
        "`mine_hard_negatives`.",
    )
    unlabelled_as: LabelName | None = Field(
        default=None,
        description="A matcher takes the unlabelled pairs for rows of this label, such as pairs from purchases for "
        "matches.",
    )
    encoder: str | None = Field(
        default=None,
        max_length=200,
        description="A sentence-transformers model from the hub or the cache, or 'auto': the best of those at hand. "
        "Default: the server's.",
    )
    imbalance: Imbalance = Field(
        default="none",
        description="What makes labels count alike, however many rows each has. 'class_weights': in the classifier's "
        "loss. 'logit_adjustment': by their shares, after training. 'auto': the latter, its penalty chosen in grouped "
        "cross-validation, averaged with a small network.",
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
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="The same seed on the same rows gives the same model.")


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
    texts_embedded: int = Field(ge=0, description="Texts that the frozen encoder had not embedded before.")
    texts_reused: int = Field(ge=0, description="Texts whose embedding was in the cache.")
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
        StorageFailed: the disk is full.
    """
    started = time.monotonic()
    workspace = context.workspace
    task = workspace.task(request.task)
    check_method(request.method, request.imbalance, task)
    _check_pair_options(request, task)
    if request.augmentation and request.encoder == AUTO_ENCODER:
        reason = f"is not chosen for a training on {request.augmentation}, whose rows are of one encoder"
        raise InvalidInput(f"encoder {AUTO_ENCODER!r}", reason, "Leave `encoder` out, or name the augmentation's.")
    dataset = workspace.dataset_read(request.dataset, task.slug, run_key=context.run_key, makes="model")

    # After the look-ups: importing torch takes seconds, and a slip in a name should be reported at once.
    from classwright_tools.augmentation.row_source import row_source
    from classwright_tools.learning.callers_encoders import callers_encoder
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoder_choice import choose_encoder
    from classwright_tools.learning.model import save_model
    from classwright_tools.learning.pair_encoder import encoder_for
    from classwright_tools.learning.prior import stated_shares
    from classwright_tools.learning.setup import Setup
    from classwright_tools.learning.training import train
    from classwright_tools.learning.training_data import read_training_data, unlabelled_texts
    from classwright_tools.measurement.label_separation import told_together

    context.progress(0.0, f"reading {dataset}")
    data = read_training_data(workspace, dataset, task.label_names)
    cache = EmbeddingCache(workspace.cache)
    chosen = ""
    if request.encoder == AUTO_ENCODER:
        choice = choose_encoder(data.rows, data.validation, task, cache, request.seed, context)
        encoder, chosen = choice.encoder, choice.told
    else:
        encoder = encoder_for(task.kind, callers_encoder(request.encoder or context.encoder, context))
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
    setup = Setup(
        encoder=encoder,
        cache=cache,
        labels=task.label_names,
        epochs=request.epochs,
        seed=request.seed,
        progress=context.progress,
        pairs=_pair_setup(request, context, task, dataset) if task.kind == "pair" else None,
        imbalance=request.imbalance,
        row_source=source,
        stated=stated_shares(task.expected_shares, task.label_names) if task.expected_shares else None,
        unlabelled=unlabelled_texts(workspace, dataset) if task.kind == "text" else (),
    )
    trained = train(request.method, data.rows, data.validation, setup, on_validation=request.train_on_validation)
    learnt = len(data.validation.rows) if data.validation and request.train_on_validation else 0
    card = ModelCard(
        task=task.slug,
        task_version=task.version,
        dataset=dataset,
        augmentation=request.augmentation,
        method=trained.method,
        encoder=trained.classifier.encoder.ref,
        labels=task.label_names,
        kind=task.kind,
        mismatch=task.mismatch,
        training_rows=data.origins | ({"real": data.origins.get("real", 0) + learnt} if learnt else {}),
        validation_rows=learnt,
        written_at_once=data.at_once,
        remarks=(
            *filter(None, [chosen, told_together(setup, data.rows, trained.validation.balanced_accuracy)]),
            *_remarks(workspace, task, dataset, trained, data),
        ),
        unlabelled_pairs=len(setup.pairs.unlabelled) if setup.pairs and METHODS[trained.method].needs_mismatches else 0,
        validation=trained.validation,
        grouped=trained.grouped,
        temperature=trained.temperature,
        shares=trained.prior.shares if trained.prior else None,
        offsets=tuple(trained.prior.offsets.tolist()) if trained.prior else (),
        threshold=trained.threshold,
        seed=request.seed,
        seconds=time.monotonic() - started,
        versions=_versions(),
    )
    made = workspace.publish(
        "model",
        task.slug,
        lambda folder: save_model(folder, card, trained.classifier),
        run_key=context.run_key,
        parent=dataset,
        facts=_facts(card),
    )
    return _result(made.id, card, trained, data, setup.cache, _earlier(workspace, made, card))


def _remarks(workspace: Workspace, task: Task, dataset: str, trained: Trained, data: TrainingData) -> tuple[str, ...]:
    """Return what a reader of the figures must know: what they are at the task's shares, and what the rows are."""
    from classwright_tools.learning.reading_languages import told_unread
    from classwright_tools.measurement.at_shares import told_at_shares
    from classwright_tools.measurement.label_shares import label_counts, label_shifts, told_shifts
    from classwright_tools.measurement.long_rows import told_cut
    from classwright_tools.workspace.datasets import read_card

    measured = data.validation.rows.texts if data.validation else ()
    counts = label_counts(read_card(workspace, dataset))
    encoder = trained.classifier.encoder
    return (
        *(told_at_shares(trained.at_shares, trained.prior.shares) if trained.prior else ()),
        *_as_saved(trained),
        *filter(None, [trained.untold, told_unread(encoder, task.languages)]),
        *told_cut(encoder, data.rows.texts, "training rows"),
        *told_cut(encoder, measured, "validation rows"),
        *filter(None, [told_shifts(label_shifts(counts, "validation" if measured else "train"))]),
    )


def _as_saved(trained: Trained) -> Iterator[str]:
    """Yield what the saved model is on the measured rows as they are, where it decides for other shares than theirs."""
    if trained.right_as_saved is not None:
        yield (
            f"The saved model decides for these shares: of the measured rows as they are it labels "
            f"{trained.right_as_saved:.3f} right, and evaluate and error_analysis count so."
        )


def _check_pair_options(request: TrainClassifierRequest, task: Task) -> None:
    """Raise an `InvalidInput` if what is said of pairs does not fit `task`."""
    if request.method != AUTO and METHODS[request.method].needs_mismatches and task.mismatch is None:
        raise InvalidInput(
            f"method {request.method!r}",
            f"learns to tell mismatches, and task {task.slug!r} does not say which label is the mismatch",
            "Name it: call propose_topics with the same task and `mismatch`, or use 'probe'.",
        )
    named = [name for name in ("negatives", "mining", "unlabelled_as") if getattr(request, name) is not None]
    if named and task.kind == "text":
        raise InvalidInput(
            f"`{named[0]}`", f"is for pairs, and task {task.slug!r} is about single texts", "Leave it out."
        )
    if request.mining and "mined" not in _kinds(request):
        raise InvalidInput("`mining`", "is for mined negatives, and there are none", "Add 'mined' to `negatives`.")
    if request.unlabelled_as and request.unlabelled_as not in task.label_names:
        raise unknown_id("label", request.unlabelled_as, task.label_names)
    if request.unlabelled_as and request.unlabelled_as == task.mismatch:
        raise InvalidInput(
            f"`unlabelled_as` {task.mismatch!r}",
            "is the mismatch, of which no unlabelled rows can be taken for granted",
            "Name the label of matches, or leave it out.",
        )


def _pair_setup(request: TrainClassifierRequest, context: ToolContext, task: Task, dataset: str) -> PairSetup:
    """Return what is said of the pair task `task` besides its labelled rows."""
    from classwright_tools.learning.setup import PairSetup
    from classwright_tools.measurement.held_out import unlabelled_pairs

    places = {name: place for place, name in enumerate(task.label_names)}
    kinds = _kinds(request)
    return PairSetup(
        mismatch=places[task.mismatch] if task.mismatch else None,
        negatives=kinds,
        mining=request.mining or MiningSettings(),
        unlabelled=unlabelled_pairs(context.workspace, dataset) if request.unlabelled_as else (),
        unlabelled_as=places[request.unlabelled_as] if request.unlabelled_as else 0,
    )


def _kinds(request: TrainClassifierRequest) -> tuple[NegativeKind, ...]:
    """Return the kinds of negatives that a matcher makes."""
    asked = request.negatives if request.negatives is not None else NEGATIVES_DEFAULT
    return KINDS_OF[asked] if isinstance(asked, str) else asked


def _versions() -> dict[str, str]:
    """Return the versions of the libraries that train."""
    names = ("torch", "transformers", "sentence-transformers", "scikit-learn", "setfit", "numpy")
    return {name: version(name) for name in names}


def _facts(card: ModelCard) -> dict[str, Any]:
    """Return the small figures that lists of models show."""
    ranked = card.validation.average_precision
    return ({"average_precision": ranked.value} if ranked else {}) | {
        "task_version": card.task_version,
        "method": card.method,
        "dataset": card.dataset,
        "rows": sum(card.training_rows.values()),
        "accuracy": card.validation.accuracy.value,
        "data": card.validation.data,
    }


def _result(
    model: str, card: ModelCard, trained: Trained, data: TrainingData, cache: EmbeddingCache, earlier: str | None
) -> TrainClassifierResult:
    return TrainClassifierResult(
        summary=" ".join(_summary(model, card, trained, data)),
        next_step=_next_step(model, card, earlier),
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
        texts_embedded=cache.computed,
        texts_reused=cache.reused,
        seconds=card.seconds,
    )


def _earlier(workspace: Workspace, made: Artifact, card: ModelCard) -> str | None:
    """Return the newest earlier model of the task that knows the same labels, if there is one to compare with."""
    models = (one for one in workspace.artifacts(card.task, "model") if one.number < made.number)
    return next((one.id for one in models if one.facts.get("task_version") == card.task_version), None)


def _next_step(model: str, card: ModelCard, earlier: str | None) -> str:
    if card.validation_rows:
        return (
            f"Call evaluate with model={model!r} and split='test' for the final figure if there are test rows, then "
            "export_model."
        )
    if earlier:
        return (
            f"Call evaluate with model={model!r} and against={earlier!r}: it says whether this one is better by more "
            "than chance, and which rows to go on with."
        )
    return f"Call error_analysis with model={model!r} to see where it is weak, or evaluate to measure it."


def _summary(model: str, card: ModelCard, trained: Trained, data: TrainingData) -> Iterator[str]:
    """Yield the sentences that say what was trained, how good it is, and what a reader of the figure must know."""
    from classwright_tools.measurement.caveats import caveats, quoted

    accuracy, ranked = card.validation.accuracy, card.validation.average_precision
    mismatches = f", average precision of the mismatches {ranked.value:.3f}" if ranked else ""
    beside = f" and on {card.augmentation}" if card.augmentation else ""
    whose = "the models measured were" if card.validation_rows else "it was"
    origins = listed((f"{rows} {origin}" for origin, rows in card.training_rows.items()), len(card.training_rows))
    yield (
        f"Trained {model} by {card.method} on {sum(card.training_rows.values())} rows ({origins}) of "
        f"{card.dataset}{beside}: "
        f"accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}){mismatches} on "
        f"{card.validation.rows} {card.validation.data} rows that {whose} not trained on."
    )
    if card.validation_rows:
        yield (
            f"It learnt from {card.validation_rows} validation rows too: the figure is of models that learnt from the "
            "other folds of them."
        )
    for other in trained.tried:
        gain = other.comparison.accuracy_gain
        enough = other.comparison.rows_to_tell(other.validation.rows)
        verdict = "may be chance" if other.may_be_chance else "is more than chance"
        if other.may_be_chance and enough:
            verdict += f": about {enough:,} such rows would tell"
        yield (
            f"{other.method} was tried too: on {other.validation.measured_on} the lead of {card.method}, "
            f"{gain.value:+.3f} in accuracy ({gain.low:+.3f} to {gain.high:+.3f}), {verdict}."
        )
    yield from caveats(card.validation)
    yield from card.remarks
    if data.copies:
        yield f"{data.copies} training rows were left out as copies of validation or test rows."
    if card.written_at_once and card.validation.data != "real":
        yield (
            f"Most rows of {quoted(card.written_at_once)} were written at once and resemble each other: the figures "
            "may be too good."
        )


def _work(request: TrainClassifierRequest, sizes: Sizes) -> Work:
    """A fine-tuning is long, and so is what may become one, or has an encoder of its own to fetch."""
    is_quick = request.method != AUTO and METHODS[request.method].cost == "quick" and request.imbalance != "auto"
    other_encoder = request.encoder not in (None, sizes.encoder)
    size = sizes.dataset(request.dataset, request.task, LABELLED)
    return computing(size, long=not is_quick or other_encoder, method=request.method)


TOOL = ToolSpec(
    run=train_classifier,
    request=TrainClassifierRequest,
    result=TrainClassifierResult,
    work=_work,
    makes=("model",),
    text=ToolText(
        title="Train a classifier",
        description=(
            "Train on a dataset's training rows and save a calibrated model. Returns validation figures with 95% "
            "intervals, on real validation rows if there are any, else on written rows held out group by group. "
            "'contrastive' and 'setfit': minutes on a CPU, seconds on a GPU. Where labels differ much in size set "
            "`imbalance`, or method 'cluster'. Never trains on test rows. To measure a model again use "
            "evaluate, not this."
        ),
    ),
)
