"""The verb `gan_augment`: generate rows as embeddings for labels that have few, and say whether they help."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.augmentation import (
    LEAST_ROWS,
    AugmentationCard,
    FaithfulnessFigures,
    MatchedCorpus,
    MeasuredGain,
)
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import AugmentationId, DatasetId
from classwright_tools.domain.noun import Slug, ToolRequest, ToolResult
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.label_shares import LABELLED
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.augmentation.methods import Material, Recipe
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.learning.encoders import Encoder

GENERATING = 0.9  # of the progress


class GanAugmentRequest(ToolRequest):
    """Which rows to generate more of, by what, and from what else to learn."""

    task: Slug
    dataset: DatasetId | None = Field(default=None, description="Default: the newest.")
    method: Literal["auto", "gan", "smote", "mixup", "distribution_calibration"] = Field(
        default="auto",
        description="'gan': conditional GAN. 'smote', 'mixup': between two rows of a label. "
        "'distribution_calibration': Gaussians borrowed from pretrain_dataset. 'auto': what helps most, or nothing.",
    )
    pretrain_dataset: DatasetId | None = Field(
        default=None,
        description="A large labelled dataset of any task to learn from first, for 'gan' and "
        "'distribution_calibration'. Labels of equal names are the same; without any in common only the "
        "spread of texts is learned.",
    )
    target: int | None = Field(
        default=None, ge=10, le=20_000, description="Bring every label to this many rows, all counted alike."
    )
    weight: float | None = Field(
        default=None,
        ge=0.1,
        le=10,
        description="Instead of target: weight of all generated rows over that of the real ones. Default 1.",
    )
    seeds: int = Field(default=3, ge=1, le=10, description="Repetitions of the cross-validation of the gain.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="The same seed generates the same rows.")


class GanAugmentResult(ToolResult):
    """The generated rows, whether they help, and how faithful they are."""

    augmentation: AugmentationId | None = Field(description="None if 'auto' found nothing that helps.")
    dataset: DatasetId
    method: str | None
    advice: str
    measured: tuple[MeasuredGain, ...] = Field(description="Each method that was tried, the best first.")
    real_rows: int = Field(ge=1, description="Training rows, written ones too.")
    generated_rows: int = Field(ge=0)
    faithfulness: FaithfulnessFigures | None = None
    warnings: tuple[str, ...] = ()
    corpus: MatchedCorpus | None = None
    seconds: float = Field(ge=0)


def gan_augment(request: GanAugmentRequest, context: ToolContext) -> GanAugmentResult:
    """Generate rows from a dataset's training rows and measure what a classifier gains by them.

    Raises:
        NotFound: there is no such task or dataset.
        InvalidInput: target and weight are both given, target asks for nothing or too much, the dataset has labels that
            the task no longer has, or `pretrain_dataset` is of pairs and the task of single texts, or the other way
            round.
        NotEnoughData: a label has fewer than five training rows, or no fold of them leaves two of every label.
        Cancelled: the caller asked to stop; a pre-training that was finished is kept.
        StorageFailed: the disk is full.
    """
    started = time.monotonic()
    workspace = context.workspace
    task = workspace.task(request.task)
    if request.target is not None and request.weight is not None:
        raise InvalidInput("target and weight", "are two ways of saying how many rows", "Give one of them.")
    dataset = workspace.dataset_read(request.dataset, task.slug, run_key=context.run_key, makes="augmentation")
    corpus = workspace.artifact(request.pretrain_dataset, "dataset").id if request.pretrain_dataset else None

    # After the look-ups: importing torch takes seconds, and a slip in a name should be reported at once.
    from classwright_tools.augmentation.card import card_of
    from classwright_tools.augmentation.corpora import BEGUN, LEARNT
    from classwright_tools.augmentation.files import save_augmentation
    from classwright_tools.augmentation.gain import measure_gains
    from classwright_tools.augmentation.methods import generate, recipes_for
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.learning.pair_encoder import encoder_for

    encoder = encoder_for(task.kind, open_encoder(context.encoder))
    context.progress(0.0, f"reading {dataset}")
    material, checked, learned = _material(context, encoder, task, dataset, corpus, request)
    recipes = recipes_for(request.method, request.target, request.weight, request.seed, material)
    start = LEARNT if corpus else BEGUN
    gains = measure_gains(
        recipes,
        material,
        request.seeds,
        checked=checked,
        progress=lambda done, message: context.progress(start + (GENERATING - start) * done, message),
    )
    measured = tuple(sorted(gains, key=lambda one: -one.expected))
    chosen = _chosen(request, recipes, measured)
    if chosen is None:
        return _beside_ranking(_nothing(dataset, measured, material, learned, started), task)
    recipe, gain = chosen
    context.progress(GENERATING, f"generating by {recipe.method}")
    made = generate(recipe, material)
    given = {"dataset": dataset, "encoder": encoder.ref, "pretrain_dataset": corpus, "seed": request.seed}
    card = card_of(task, given, recipe, gain, material, made, learned)
    published = workspace.publish(
        "augmentation",
        task.slug,
        lambda folder: save_augmentation(folder, card, made, material),
        run_key=context.run_key,
        parent=dataset,
        facts={"method": card.method, "dataset": dataset, "rows": len(made), "gain": gain.gain.value},
    )
    return _beside_ranking(_result(published.id, card, len(made), measured, learned, started), task)


def _beside_ranking(result: GanAugmentResult, task: Task) -> GanAugmentResult:
    """Return `result`, where models of `task` are chosen by how they rank mismatches with what decides that."""
    if not task.mismatch:
        return result
    decides = (
        " That is about accuracy, and models of pairs are chosen by how they rank mismatches: what decides is evaluate("
        "against=...) of a model with the augmentation and one without."
    )
    return result.model_copy(update={"next_step": result.next_step + decides})


def _material(
    context: ToolContext,
    encoder: Encoder,
    task: Task,
    dataset: str,
    corpus: str | None,
    request: GanAugmentRequest,
) -> tuple[Material, Material | None, MatchedCorpus | None]:
    """Return the training rows with what a corpus taught, the real validation rows, and what to tell of the corpus."""
    from classwright_tools.augmentation.corpora import learn_from
    from classwright_tools.augmentation.scarce_rows import all_rows, checked_rows, material_of
    from classwright_tools.learning.embedding_cache import EmbeddingCache

    cache = EmbeddingCache(context.workspace.embeddings)
    own = all_rows(context.workspace, dataset)
    material = material_of(context, encoder, cache, task, own)
    checked = checked_rows(context, encoder, cache, task, own)
    if corpus is None:
        return material, checked, None
    lesson = learn_from(context, encoder, cache, corpus, own, task.kind, network=request.method in ("auto", "gan"))
    matched = tuple(name for name in task.label_names if name.casefold() in lesson.names)
    matched_corpus = MatchedCorpus(rows=lesson.rows, matched=matched, reused=lesson.reused)
    return material.with_pretrained(lesson.pretrained), checked, matched_corpus


def _chosen(
    request: GanAugmentRequest, recipes: list[Recipe], measured: tuple[MeasuredGain, ...]
) -> tuple[Recipe, MeasuredGain] | None:
    """Return the recipe to use with its gain: the one that was asked for, or of `auto` the best that helps, or None."""
    usable = (one for one in measured if request.method != "auto" or one.advice.verdict == "use it")
    best = next(usable, None)
    return next(((recipe, best) for recipe in recipes if best and recipe.method == best.method), None)


def _nothing(
    dataset: str,
    measured: tuple[MeasuredGain, ...],
    material: Material,
    learned: MatchedCorpus | None,
    started: float,
) -> GanAugmentResult:
    """Return the answer of an `auto` that keeps no method."""
    from classwright_tools.augmentation.findings import advice_on

    best = measured[0]
    untold = best.advice.verdict == "cannot be told"
    advice = f"Of the best, {best.method}: {advice_on(best)}"
    more = "more real rows, for training and validation," if untold else "more real rows or a large pretrain_dataset"
    return GanAugmentResult(
        summary=f"Nothing was generated from {dataset}. {advice}",
        next_step=f"Call train_classifier without an augmentation; {more} help.",
        augmentation=None,
        dataset=dataset,
        method=None,
        advice=advice,
        measured=measured,
        real_rows=len(material),
        generated_rows=0,
        corpus=learned,
        seconds=time.monotonic() - started,
    )


def _result(
    augmentation: str,
    card: AugmentationCard,
    rows: int,
    measured: tuple[MeasuredGain, ...],
    learned: MatchedCorpus | None,
    started: float,
) -> GanAugmentResult:
    unusable = next(one for one in measured if one.method == card.method).advice.verdict == "do not use it"
    remark = learned.remark(card.labels, str(card.pretrain_dataset)) if learned else ""
    return GanAugmentResult(
        summary=f"Generated {augmentation}: {counted(rows, 'embedding')} by {card.method} from "
        f"{counted(card.real_rows, 'row')} of {card.dataset}. {card.advice}{remark}",
        next_step=(
            "Call train_classifier without an augmentation; more real rows, of the labels that have few, help."
            if unusable
            else f"Call train_classifier with method='probe' and augmentation={augmentation!r} to use it."
        ),
        augmentation=augmentation,
        dataset=card.dataset,
        method=card.method,
        advice=card.advice,
        measured=measured,
        real_rows=card.real_rows,
        generated_rows=rows,
        faithfulness=card.faithfulness,
        warnings=card.warnings,
        corpus=learned,
        seconds=time.monotonic() - started,
    )


def _work(request: GanAugmentRequest, sizes: Sizes) -> Work:
    """A GAN is long; what draws lines or Gaussians is not."""
    is_quick = request.method in ("smote", "mixup", "distribution_calibration") and not request.pretrain_dataset
    size = sizes.dataset(request.dataset, request.task, LABELLED)
    if request.pretrain_dataset:
        size += sizes.dataset(request.pretrain_dataset, request.task, ("train",))
    return computing(size, long=not is_quick, method=request.method)


def _workload(request: GanAugmentRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.measuring import augmentation_workload

    return augmentation_workload(request, context)


TOOL = ToolSpec(
    run=gan_augment,
    request=GanAugmentRequest,
    result=GanAugmentResult,
    work=_work,
    workload=_workload,
    makes=("augmentation",),
    instead="synthesize_examples writes rows of rare `labels`. imbalance='class_weights' in train_classifier makes "
    "rare labels count.",
    text=ToolText(
        title="Generate rows as embeddings",
        description=(
            f"For labels with few rows ({LEAST_ROWS} to 100): generate more, not as texts but as embeddings of the "
            "server's encoder, by a conditional GAN, SMOTE, mixup or distribution calibration. The answer says whether "
            "they help: the gain on held-out rows with its 95% interval, how faithful and diverse they are, and "
            "advice. Pass the augmentation to train_classifier with method='probe'. Without a large pretrain_dataset "
            "expect nothing; texts from synthesize_examples help more. Takes "
            "minutes."
        ),
    ),
)
