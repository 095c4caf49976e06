"""The summary of a training: what was trained on what, how good it is, and what a reader must know of the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classwright_tools.curation.rows_language import languages_of_rows
from classwright_tools.domain.cards import Candidate, ModelCard
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.task import Task
from classwright_tools.learning.reading_languages import unread_remark
from classwright_tools.learning.trained import Trained
from classwright_tools.learning.training_data import ENOUGH_REAL, TrainingData
from classwright_tools.measurement.at_shares import at_shares_remarks
from classwright_tools.measurement.caveats import caveats, how_often_unlike, how_sure, quoted, scores_in_words
from classwright_tools.measurement.encoder_first import encoder_first
from classwright_tools.measurement.label_shares import counts_by_split, label_shifts, shifts_remark, written_apart
from classwright_tools.measurement.long_rows import cut_remarks
from classwright_tools.measurement.next_training import scarce_remark
from classwright_tools.measurement.rows_compared import fair_rows
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.in_use import in_use_of
from classwright_tools.workspace.lineage import of_rows_that_hold
from classwright_tools.workspace.picked_rows import easier_rows
from classwright_tools.workspace.workspace import Artifact, Workspace


def training_summary(model: str, card: ModelCard) -> Iterator[str]:
    """Yield the sentences that a person needs first: what was trained, how good it is, and how often it is sure."""
    if reason := encoder_first(card).reason:
        yield reason
    ranked = card.validation.average_precision
    mismatches = f", average precision of the mismatches {ranked.value:.3f}" if ranked else ""
    mismatches += card.validation.guessing_ranked_in_words
    beside = f" and on {card.augmentation}" if card.augmentation else ""
    whose = "the models measured were" if card.validation_rows_learnt else "it was"
    origins = listed((f"{rows} {origin}" for origin, rows in card.training_rows.items()), len(card.training_rows))
    measured_on = f"{counted(card.validation.rows, f'{card.validation.data} row')} that {whose} not trained on"
    if card.validation.measured_on == card.set_by and not card.is_set_by_validation:  # it was, but for these turns
        measured_on = card.validation.measured_on
    yield (
        f"Trained {model} by {card.method} on {counted(sum(card.training_rows.values()), 'row')} ({origins}) of "
        f"{card.dataset}{beside}: "
        f"{scores_in_words(card.validation, len(card.labels))}{mismatches} on {measured_on}."
    )
    if card.validation_rows_learnt:
        yield (
            f"It learnt from {counted(card.validation_rows_learnt, 'validation row')} too: the figure is of models "
            "that learnt from the other parts (folds) of them."
        )
    yield from filter(None, [_by_shares(card)])
    yield from caveats(card.validation)
    yield from filter(None, [how_sure(card)])


def _by_shares(card: ModelCard) -> str:
    """Return what deciding for label shares changes in the accuracy, and how to have it otherwise; "" if nothing."""
    effect, accuracy = card.shares_effect, card.validation.accuracy.value
    if effect is None or card.shares is None or effect.by_own == accuracy:
        return ""
    return (
        f"It decides for label shares ({card.shares.known_from}), which moves answers to frequent labels. On these "
        f"rows as they are that has an accuracy of {accuracy:.3f}, and their own shares would have "
        f"{effect.by_own:.3f}; where each label's rows count for its share, {effect.at_shares:.3f} and "
        f"{effect.at_shares_by_own:.3f}. For other shares state them, propose_topics(expected_shares=...), and "
        "train again; classify(prior='training') leaves them out."
    )


def training_notes(card: ModelCard, tried: Sequence[Candidate], copies: int) -> Iterator[str]:
    """Yield what else a reader of the figures must know, a note each; `copies` are training rows left out as such."""
    yield from (_beside(other, card.method) for other in tried)
    yield from filter(None, [how_often_unlike(card)])
    yield from card.remarks
    if copies:
        were = counted(copies, "training row was left out as a copy", "training rows were left out as copies")
        yield f"{were} of validation or test rows."
    if card.written_at_once and card.validation.data not in REAL_TEXTS:
        yield (
            f"Most rows of {quoted(card.written_at_once)} were written at once and resemble each other: the figures "
            "may be too good."
        )


def _beside(other: Candidate, kept: str) -> str:
    """Return what the method that was `kept` leads another by, in the figure that this is tested in."""
    found, lead = other.comparison, other.lead
    by_rows = other.may_be_chance and other.tested_in == "accuracy"
    enough = found.rows_to_tell(other.validation.rows) if by_rows else None
    verdict = "it may be chance" if other.may_be_chance else "more than chance"
    more = f": about {enough:,} such rows would tell" if enough else ""
    return (
        f"{other.method} was tried too. On {other.validation.measured_on} {kept} is {lead.value:+.3f} in "
        f"{other.tested_in} against it ({lead.low:+.3f} to {lead.high:+.3f}), {verdict}{more}."
    )


def training_remarks(
    workspace: Workspace, task: Task, dataset: str, trained: Trained, data: TrainingData
) -> tuple[str, ...]:
    """Return what a reader of the figures must know: what they are at the task's shares, and what the rows are."""
    measured = data.validation.texts if data.validation else ()
    card = read_card(workspace, dataset)
    encoder = trained.classifier.encoder
    spoken = languages_of_rows(task, data.rows.texts, len(data.rows))
    return (
        *filter(None, [spoken.remark]),
        *filter(None, [scarce_remark(task, dataset, card.rows_to_learn(task.label_names))]),
        *at_shares_remarks(trained.at_shares, trained.prior.shares if trained.prior else None, task.mismatch),
        *_as_saved(trained),
        *filter(None, [_too_few_to_choose(trained, data)]),
        *filter(None, [trained.why_no_shares, unread_remark(encoder, spoken.languages, workspace.encoders)]),
        *cut_remarks(encoder, data.rows.texts, "training rows"),
        *cut_remarks(encoder, measured, "validation rows"),
        *filter(None, [shifts_remark(label_shifts(counts_by_split(card), "validation" if measured else "train"))]),
        *filter(None, [written_apart(card), _picked_as_hard(workspace, task, dataset, trained)]),
        *filter(None, [easier_rows(workspace, task, [row.id for row in read_rows(workspace, dataset, "validation")])]),
    )


def _too_few_to_choose(trained: Trained, data: TrainingData) -> str:
    """Return that the real validation rows were too few to choose and calibrate by, and how many more would do."""
    rows = data.validation
    if trained.is_set_by_validation or rows is None or rows.origin not in REAL_TEXTS or len(rows) >= ENOUGH_REAL:
        return ""
    there = counted(len(rows), "validation row only measures", "validation rows only measure")
    return (
        f"The {there}: methods are chosen, and probabilities calibrated, by validation rows of real texts from "
        f"{ENOUGH_REAL} on, and here by training rows held out. {ENOUGH_REAL - len(rows)} more would do."
    )


def _picked_as_hard(workspace: Workspace, task: Task, dataset: str, trained: Trained) -> str:
    """Return how many of the training rows were picked because a model was unsure of them, in a sentence.

    It is empty where no figure is by training rows that were held out.
    """
    if trained.is_set_by_validation:
        return ""
    real = [row for row in read_rows(workspace, dataset, "train") if row.origin in REAL_TEXTS]
    hard = len(real) - len(fair_rows(workspace, task.slug, real))
    if not hard:
        return ""
    these, figure = ("the training rows held out", "what is said of sure texts")
    if not trained.grouped:
        these, figure = "these rows", "this figure"
    rows = counted(hard, f"of {these} was", f"of {these} were")
    return (
        f"{rows} picked because a model was unsure there: such rows are harder than others, so {figure} may fall from "
        "model to model while these get better. Random rows as validation rows would tell."
    )


def _as_saved(trained: Trained) -> Iterator[str]:
    """Yield whose answers the figures count, where the model decides for shares."""
    if trained.prior:
        yield (
            "The model decides for these shares, and all other figures count what it decides on the rows as they are, "
            "as those of evaluate and error_analysis do."
        )


def earlier_model(workspace: Workspace, made: Artifact, card: ModelCard, *, measurable: bool) -> str | None:
    """Return the earlier model of the task that knows the same labels and is kept, if there is one to compare with.

    It is the newest, or what a comparison on other rows than test rows kept in its place; none that learnt from the
    validation rows, as these do not measure it. One of rows that were taken back since it is only if there is no other.

    Where the dataset is not `measurable`, models can be compared by the rows alone that they learnt from, if enough of
    these are real texts.
    """
    alike = (
        one
        for one in workspace.artifacts(card.task, "model")
        if one.number < made.number and one.facts.get("task_version") == card.task_version
    )
    if not measurable:
        rows = fair_rows(workspace, card.task, read_rows(workspace, card.dataset, "train"))
        comparable = len(rows) >= ENOUGH_REAL and not card.thresholds
        alike = (one for one in alike if comparable and one.facts.get("dataset") != card.dataset)
    measured = [one for one in alike if not one.facts.get("validation_rows")]
    found = in_use_of(workspace, card.task, of_rows_that_hold(workspace, measured, card.dataset))
    return found.model.id if found else None


def training_next_step(
    model: str, card: ModelCard, earlier: str | None, *, measurable: bool, validation_wanted: bool, by_person: bool
) -> str:
    """Return the call that is usually right after training `model`; `earlier` is one to compare it with.

    It is `measurable` where its dataset has labelled validation rows. More of these are `validation_wanted` where the
    labels' shares cannot be told without, those labelled `by_person` where others would not count.
    """
    if card.validation_rows_learnt:
        return (
            f"Call evaluate with model={model!r} and split='test' for the final figure if there are test rows, then "
            "export_model."
        )
    if step := encoder_first(card).next_step:
        return step
    if not measurable and earlier:
        return (
            f"Call evaluate with model={model!r} and against={earlier!r}: by real texts that are held out it says "
            "which rows to go on with. Validation rows would tell more: import_examples with split='validation'."
        )
    if validation_wanted and not earlier:
        who = " Have a person answer (decided_by='person'): labels by a model do not count there." if by_person else ""
        return (
            f"Call annotate_examples with task={card.task!r}, dataset={card.dataset!r} and split='validation': some "
            f"validation rows of each label tell the shares, and what the model gets wrong.{who} Then train again. "
            f"error_analysis with model={model!r} says where it is weak by the rows there are."
        )
    if not measurable:
        return (
            f"Call error_analysis with model={model!r} to see where it is weak. Call import_examples with "
            "split='validation' to measure it by evaluate: real rows, or with written=true those that a language model "
            "writes."
        )
    if earlier:
        return (
            f"Call evaluate with model={model!r} and against={earlier!r}: it says whether this one is better by more "
            "than chance, and which rows to go on with."
        )
    return f"Call error_analysis with model={model!r} to see where it is weak, or evaluate to measure it."
