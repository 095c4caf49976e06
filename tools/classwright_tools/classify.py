"""The verb `classify`: labels and calibrated probabilities for texts or pairs, abstaining where unsure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import LABELLED_BUT_TEST
from classwright_tools.domain.excerpt import ANSWER_BYTES, Excerpts, listed, shortened
from classwright_tools.domain.kinds import DatasetId, ModelId, ReportId, task_of
from classwright_tools.domain.label_names import other_labels
from classwright_tools.domain.noun import LabelName, Noun, Share, ToolRequest, ToolResult
from classwright_tools.domain.pair import AnyText, GivenPair, joined
from classwright_tools.domain.selection import RowId
from classwright_tools.domain.task import TaskKind
from classwright_tools.domain.uris import artifact_uri, file_uri
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.caveats import how_sure, unlike
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import QUICKER_THAN_ENCODING, Sizes, Work, computing, shown_bytes

if TYPE_CHECKING:
    import numpy as np

    from classwright_tools.bulk.answers_table import SortedRows
    from classwright_tools.domain.cards import ModelCard
    from classwright_tools.learning.label_space import LabelSpace

MOST_TEXTS = 1_000
MOST_LIKELY = 3  # labels that are told with their probabilities, or as many as apply
LEAST_SURE_SHOWN = 20  # rows of a dataset
TEXT_CHARS = 300  # of such a row
LABELS_LISTED = 8
FITS_NONE = "A text that fits no label may be called sure too."
ABOUT_SHOWN = ANSWER_BYTES // 200  # bytes of an answer to one text


class ClassifyRequest(ToolRequest):
    """Texts to classify, or for a model of a pair task pairs; or the rows of a dataset that have no label."""

    model: ModelId
    texts: tuple[AnyText, ...] = Field(default=(), max_length=MOST_TEXTS, description="The texts, one string each.")
    pairs: tuple[GivenPair, ...] = Field(
        default=(), max_length=MOST_TEXTS, description="For a pair task, in place of `texts`."
    )
    dataset: DatasetId | None = Field(default=None, description="Or all its unlabelled rows.")
    threshold: Share | None = Field(
        default=None,
        description="Abstain below it. Default: the model's own.",
    )
    prior: Literal["task", "training"] = Field(
        default="task",
        description="'training': without the task's label shares.",
    )

    @model_validator(mode="after")
    def _texts_or_pairs(self) -> ClassifyRequest:
        if sum(map(bool, (self.texts, self.pairs, self.dataset))) != 1:
            raise ValueError("pass `texts`, or `pairs` for a model of a pair task, or a `dataset`: one of these")
        return self


class Classified(Noun):
    """One text's answer."""

    label: LabelName | None = Field(description="None where the model abstains, and of a multi-label model.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, description="Of a multi-label model: all that apply, those of unsure texts too."
    )
    sure: bool = Field(description="Whether `probability` reaches the threshold, of a text in scope.")
    out_of_scope: bool = Field(description="Unlike all that the model learnt, so maybe of none of its labels.")
    probability: float = Field(
        ge=0,
        le=1,
        description="Calibrated: that the likeliest label is right; of a multi-label model, that the whole set is.",
    )
    likeliest: tuple[tuple[LabelName, float], ...] = Field(description="The likeliest labels, best first.")
    row: RowId | None = Field(default=None, description="Of a dataset.")
    text: str | None = Field(default=None, description="Of the row.")

    @model_serializer(mode="wrap")
    def _what_it_has(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the row where the caller sent the text: an answer then holds more texts."""
        there: dict[str, Any] = dump(self)
        return there if self.row else {name: value for name, value in there.items() if name not in ("row", "text")}


class ClassifyResult(ToolResult):
    """One answer a text, in the order of the texts; of a dataset its least sure rows, those out of scope first."""

    model: ModelId
    threshold: float
    thresholds: dict[LabelName, float] | None = Field(
        default=None, description="Of a multi-label model: the probability from which on each label applies."
    )
    abstained: int = Field(ge=0, description="Texts of which it is not sure.")
    out_of_scope: int = Field(ge=0, description="Of these, texts unlike all that the model learnt.")
    results: tuple[Classified, ...]
    sure_by_label: dict[LabelName, int] | None = Field(default=None, description="Of a dataset: rows it is sure of.")
    report: ReportId | None = Field(default=None, description="Of a dataset.")


def classify(request: ClassifyRequest, context: ToolContext) -> ClassifyResult:
    """Classify texts, or the rows of a dataset that have no label.

    Raises:
        NotFound: there is no such model or dataset, or its encoder is nowhere to be found.
        DamagedArtifact: the model or the dataset does not read back.
        InvalidInput: a text is empty, or the model is for pairs and got texts, or the other way round, or the dataset
            is of another task.
        NotEnoughData: the dataset has no rows without labels.
    """
    from classwright_tools.learning.kept_models import kept_model

    if request.dataset:
        return _sorted_rows(request, context, request.dataset)
    _check_texts(request)
    context.progress(0.0, f"loading {request.model}")
    model = kept_model(context.workspace, request.model)
    contents = _contents(request, model.card.kind)
    threshold = model.threshold if request.threshold is None else request.threshold
    words = "pairs" if request.pairs else "texts"
    context.progress(0.1, f"classifying {len(contents)} {words}")
    proba, foreign = model.answers(contents, as_trained=request.prior == "training")
    results = _results(model.space, proba, foreign, threshold)
    abstained = sum(not result.sure for result in results)
    labels = context.workspace.task(model.card.task).label_names
    told = (
        _in_a_sentence(results, abstained, threshold, words),
        unlike(int(foreign.sum())) if len(results) > 1 and foreign.any() else "",
        how_sure(model.card) if abstained and request.threshold is None else "",
        other_labels(request.model, model.labels, labels),
    )
    return ClassifyResult(
        summary=" ".join(filter(None, told)),
        next_step="Texts of which it is not sure are best read by a person, and make good training rows once labelled."
        if abstained
        else "Of answers at 0.80 about 80 in 100 are right (calibrated probabilities): raise the threshold to trade "
        "answers for accuracy." + ("" if model.space.several else f" {FITS_NONE}"),
        model=request.model,
        threshold=threshold,
        thresholds=dict(zip(model.labels, model.card.thresholds, strict=True)) if model.space.several else None,
        abstained=abstained,
        out_of_scope=int(foreign.sum()),
        results=results,
    )


def _sorted_rows(request: ClassifyRequest, context: ToolContext, dataset: str) -> ClassifyResult:
    """Classify the unlabelled rows of `dataset`: show the least sure ones, and keep all as a table."""
    from classwright_tools.bulk.answers_table import ANSWERS, AnswersTable, publish_answers
    from classwright_tools.bulk.dataset_rows import answer_rows
    from classwright_tools.learning.model import load_model

    task = context.workspace.artifact(request.model, "model").task
    context.workspace.resolve(dataset, "dataset", task)
    model = load_model(context.workspace, request.model)  # it keeps embeddings: rows of a dataset are read again
    threshold = model.threshold if request.threshold is None else request.threshold
    as_trained = request.prior == "training"
    found = answer_rows(context, model, dataset, threshold, as_trained=as_trained)
    answers = AnswersTable(context, model, found, dataset, as_trained)
    report, made = publish_answers(context, answers, request.model)
    unsure, counts = found.unsure, found.sure_by_label
    first = found.least_sure(LEAST_SURE_SHOWN)
    several, foreign = model.space.several, int(found.foreign.sum())
    shown = _results(model.space, found.proba[first], found.foreign[first], threshold)
    by_label = listed((f"{label} {rows:,}" for label, rows in counts.items()), LABELS_LISTED)
    table = file_uri(report, ANSWERS)
    excerpts = Excerpts(table)
    excerpts.note("results", len(shown), len(found.rows))
    told = (
        f"Classified the {len(found.rows):,} unlabelled rows of {dataset}: sure of {len(found.rows) - unsure:,}"
        f"{f' ({by_label})' if by_label else ''}, not sure of {unsure:,}{_below(found.below, unsure, threshold)}.",
        unlike(foreign) if foreign else "",
        f"The {len(shown)} least sure are shown{', those out of scope first' if foreign else ''}.",
        how_sure(model.card) if request.threshold is None else "",
        FITS_NONE if counts and not several else "",
        f"Sort the table by `{ranked}` to have the worst pairs first." if (ranked := answers.mismatch_column) else "",
        other_labels(request.model, model.labels, context.workspace.task(task).label_names),
    )
    return ClassifyResult(
        summary=" ".join(filter(None, told)),
        next_step=_look_at_foreign(request.model, model.card, dataset, foreign, len(found.rows))
        + f"{_of_table(made)} {table}: a CSV, in the workspace {task}/{report}/{ANSWERS}; a spreadsheet takes "
        "a text that begins with = for a formula. Label the least sure ones: annotate_examples.",
        uris={"report": artifact_uri(report), "answers": table},
        shown_in_part=excerpts.parts,
        model=request.model,
        threshold=threshold,
        thresholds=dict(zip(model.labels, model.card.thresholds, strict=True)) if several else None,
        abstained=unsure,
        out_of_scope=foreign,
        results=tuple(
            one.model_copy(update={"row": found.rows[place].id, "text": shortened(found.rows[place].shown, TEXT_CHARS)})
            for place, one in zip(first, shown, strict=True)
        ),
        sure_by_label=counts,
        report=report,
    )


def _of_table(made: SortedRows) -> str:
    """Return the beginning of the sentence on where the table of answers is, by what it has."""
    if not made.sources:
        return f"All {made.rows:,} rows, those with labels too, are in"
    source = "what was imported" if made.sources == 1 else f"the {made.sources} sources that were imported"
    return (
        f"All {made.rows:,} rows of {source}, copies too, are in their order and with their own columns, "
        f"{made.labelled:,} of them with a label, in"
    )


def _look_at_foreign(model: str, card: ModelCard, dataset: str, foreign: int, rows: int) -> str:
    """Return how to look at the rows out of scope, if they are more than rows of the labels would be."""
    if card.scope is None or foreign <= card.scope.flagged.high * rows:
        return ""
    return (
        f"See what is out of scope in groups: find_examples(task={card.task!r}, dataset={dataset!r}, "
        f"doubt='out_of_scope', model={model!r}, "
        "where={'splits': ['unlabelled']}, groups=0). What many have in common may want a label of its own "
        "(edit_examples), or rows of a label that has none like them (annotate_examples). "
    )


def _check_texts(request: ClassifyRequest) -> None:
    """Raise an `InvalidInput` if a text is empty."""
    for place, text in enumerate(request.texts):
        if not text.strip():
            raise InvalidInput(f"texts[{place}]", "is empty", "Leave it out or send its text.")
    for place, pair in enumerate(request.pairs):
        for part, text in pair:
            if not text.strip():
                raise InvalidInput(
                    f"pairs[{place}].{part}", "is empty", "Leave the whole pair out, or send both texts."
                )


def _contents(request: ClassifyRequest, kind: TaskKind) -> list[str]:
    """Return what to classify by a model of a task of `kind`."""
    if kind == "text":
        if request.pairs:
            raise InvalidInput(f"model {request.model!r}", "classifies single texts", "Pass `texts`, not `pairs`.")
        return list(request.texts)
    if request.texts:
        raise InvalidInput(f"model {request.model!r}", "classifies pairs of texts", "Pass `pairs`, not `texts`.")
    return [joined(pair.text, pair.text_pair) for pair in request.pairs]


def _results(space: LabelSpace, proba: np.ndarray, foreign: np.ndarray, threshold: float) -> tuple[Classified, ...]:
    """Return the answers at the probabilities (n, k) to texts, some of which are `foreign` (n,) to the model."""
    named, right = space.answers(proba)
    sure = (right >= threshold) & ~foreign
    ranked = (-proba).argsort(axis=1, kind="stable").tolist()
    answers = zip(proba.tolist(), named, right.tolist(), sure.tolist(), foreign.tolist(), ranked, strict=True)
    return tuple(
        Classified(
            label=own if is_sure and isinstance(own, str) else None,
            labels=None if isinstance(own, str) else own,
            sure=is_sure,
            out_of_scope=is_foreign,
            probability=min(1.0, certain),
            likeliest=tuple(
                (space.labels[place], min(1.0, row[place]))
                for place in order[: max(MOST_LIKELY, len(own) if space.several else 1)]
            ),
        )
        for row, own, certain, is_sure, is_foreign, order in answers
    )


def _in_a_sentence(results: tuple[Classified, ...], abstained: int, threshold: float, words: str) -> str:
    """Return the answers in a sentence: the label or labels of one text, the counts of several, which are `words`."""
    several = results[0].labels is not None
    short = sum(not (one.sure or (one.out_of_scope and one.probability >= threshold)) for one in results)
    if len(results) > 1 and several:
        some = "" if short == abstained else f"of {short} "
        below = f": {some}it is less than {threshold:.2f} probable that all of them are right" if short else ""
        counts = f"sure of the labels of {len(results) - abstained}, unsure of those of {abstained}"
        return f"Classified {len(results)} texts; {counts}{below}."
    if len(results) > 1:
        return f"Classified {len(results)} {words}; abstained on {abstained}{_below(short, abstained, threshold)}."
    [result] = results
    if several:
        named = ", ".join(map(repr, result.labels or ())) or "none of the labels"
        probable = f"with a probability of {result.probability:.2f} that the whole set is right"
    else:
        named = repr(result.likeliest[0][0])
        probable = f"with a probability of {result.probability:.2f}"
    if result.out_of_scope:
        return f"{unlike(1)} If it were of one: {named}, {probable}."
    if result.sure:
        return f"It is {named}, {probable}."
    return f"Not sure: {'' if several else 'most likely '}{named}, {probable}, below {threshold:.2f}."


def _below(count: int, unsure: int, threshold: float) -> str:
    """Return how many of the `unsure` texts are below the threshold: `count`; the others are out of scope alone."""
    if count == unsure:
        return f", below {threshold:.2f}"
    return f", {count:,} of them below {threshold:.2f}" if count else ""


def _work(request: ClassifyRequest, sizes: Sizes) -> Work:
    """As long as the texts take the model; of a dataset the labelled rows are copied too, which no encoder reads."""
    size, copied = shown_bytes(str(text) for text in (*request.texts, *request.pairs)), 0
    if request.dataset:
        task = task_of(request.dataset)
        size = sizes.dataset(request.dataset, task, ("unlabelled",))
        copied = sizes.dataset(request.dataset, task, LABELLED_BUT_TEST) // QUICKER_THAN_ENCODING
    return computing(int(size * sizes.slowness(request.model)) + copied, stores=request.dataset is not None)


TOOL = ToolSpec(
    run=classify,
    request=ClassifyRequest,
    result=ClassifyResult,
    work=_work,
    makes=("report",),
    multi_label=True,
    job="if large",
    text=ToolText(
        title="Classify texts",
        description=(
            f"Label up to {MOST_TEXTS:,} texts or pairs, or a dataset's unlabelled rows, with a model: calibrated "
            f"probabilities, and no label where it is unsure. An answer shows about {ABOUT_SHOWN} texts, the result "
            f"resource all; of a dataset the {LEAST_SURE_SHOWN} least sure rows, a CSV all. To measure, import "
            "labelled rows and call evaluate. Answered at once; much text is a job."
        ),
    ),
)
