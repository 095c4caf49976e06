"""The verb `classify`: labels and calibrated probabilities for texts or pairs, abstaining where unsure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.classified import Classified
from classwright_tools.domain.example import LABELLED_BUT_TEST
from classwright_tools.domain.excerpt import ANSWER_BYTES, Excerpts, shortened
from classwright_tools.domain.kinds import DatasetId, ModelId, ReportId, task_of
from classwright_tools.domain.label_names import other_labels
from classwright_tools.domain.noun import LabelName, Share, Thresholds, ToolRequest, ToolResult
from classwright_tools.domain.pair import AnyText, GivenPair, joined
from classwright_tools.domain.task import TaskKind
from classwright_tools.domain.uris import artifact_uri, file_uri
from classwright_tools.domain.usual import Usual
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.caveats import how_sure, unlike
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing, shown_bytes

if TYPE_CHECKING:
    from classwright_tools.learning.label_space import LabelSpace

MOST_TEXTS = 1_000
LEAST_SURE_SHOWN = 20  # rows of a dataset
TEXT_CHARS = 300  # of such a row
MEASURE_THESE = (
    "Import them with import_examples(split='unlabelled'), and measure on random ones: annotate_examples("
    "split='validation', source=...)."
)
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
    threshold: Share | None = Field(default=None, description="Abstain below it. Default: the model's own.")
    thresholds: Thresholds = Field(description="By label: given from it on, and only then.")
    prior: Literal["task", "training"] = Field(
        default="task", description="'training': without the task's label shares."
    )

    @model_validator(mode="after")
    def _texts_or_pairs(self) -> ClassifyRequest:
        if sum(map(bool, (self.texts, self.pairs, self.dataset))) != 1:
            raise ValueError("pass `texts`, or `pairs` for a model of a pair task, or a `dataset`: one of these")
        return self


class ClassifyResult(ToolResult):
    """One answer a text, in the order of the texts; of a dataset its least sure rows, those out of scope first."""

    model: ModelId
    threshold: float
    thresholds: dict[LabelName, float] | None = Field(
        default=None, description="Of a multi-label model from where on each label applies; else those passed."
    )
    unanswered: int = Field(default=0, ge=0, description="Texts that cannot be read: each has its `problem`.")
    abstained: int = Field(ge=0, description="Texts of which it is not sure.")
    out_of_scope: int = Field(
        ge=0, description="Texts unlike all that the model learnt: it is sure of those alone that are 'other', say."
    )
    results: tuple[Classified, ...]
    sure_by_label: dict[LabelName, int] | None = Field(default=None, description="Of a dataset: rows it is sure of.")
    report: ReportId | None = Field(default=None, description="Of a dataset.")


def classify(request: ClassifyRequest, context: ToolContext) -> ClassifyResult:
    """Classify texts, or the rows of a dataset that have no label.

    Raises:
        NotFound: there is no such model or dataset, or its encoder is nowhere to be found.
        DamagedArtifact: the model or the dataset does not read back.
        InvalidInput: no text can be read, or the model is for pairs and got texts, or the other way round, or the
            dataset is of another task.
        NotEnoughData: the dataset has no rows without labels.
    """
    from classwright.predict import unanswered
    from classwright_tools.bulk.alarm import Tally, alarms_of
    from classwright_tools.bulk.answers_in_words import in_a_sentence, sure_of_some, without_effect
    from classwright_tools.bulk.results import results_of
    from classwright_tools.learning.later_labels import by_now
    from classwright_tools.learning.model_cache import cached_model
    from classwright_tools.measurement.unlike_measured import LEAST_TEXTS

    if request.dataset:
        return _sorted_rows(request, context, request.dataset)
    context.progress(0.0, f"loading {request.model}")
    model = by_now(context.workspace, cached_model(context.workspace, request.model))
    contents = _contents(request, model.card.kind)
    problems = _problems(request)
    threshold = model.threshold if request.threshold is None else request.threshold
    space = model.space.under(request.thresholds)
    word = "pair" if request.pairs else "text"
    context.progress(0.1, f"classifying {len(contents)} {word}s")
    asked = [content for place, content in enumerate(contents) if place not in problems]
    proba, foreign = model.answers(asked, as_trained=request.prior == "training")
    found, below = results_of(model, space, proba, foreign, threshold)
    abstained = sum(not result.sure for result in found)
    labels = context.workspace.task(model.card.task).label_names
    alarm = ""
    if len(found) >= LEAST_TEXTS:
        tally, judged = Tally(), model.space.judge(proba, foreign, model.threshold)
        for label, is_sure, is_foreign in zip(judged.answers, judged.sure.tolist(), foreign.tolist(), strict=True):
            tally.count(label, sure=is_sure, foreign=is_foreign)
        found_alarms = alarms_of(
            _usual(request, model.card), {"": tally.answered()}, own_thresholds=_own_thresholds(request)
        )
        alarm = found_alarms.in_words
    told = (
        alarm,
        in_a_sentence(found, abstained, below, threshold, space, f"{word}s"),
        sure_of_some(found) if abstained else "",
        unlike(int(foreign.sum()), sum(one.sure and one.out_of_scope for one in found))
        if len(found) > 1 and foreign.any()
        else "",
        unanswered(len(problems), _named(problems, word), word),
        how_sure(model.card, request.thresholds)
        if (abstained or request.thresholds) and request.threshold is None and not alarm
        else "",
        without_effect(space, request.threshold),
        other_labels(request.model, model.labels, labels),
    )
    answers = iter(found)
    return ClassifyResult(
        summary=" ".join(filter(None, told)),
        next_step=MEASURE_THESE
        if alarm
        else "Texts of which it is not sure are best read by a person, and make good training rows once labelled."
        if abstained
        else "A higher threshold leaves more texts to a person, and of the others more are right."
        + ("" if model.space.several else f" {FITS_NONE}"),
        model=request.model,
        threshold=threshold,
        thresholds=_thresholds(space),
        unanswered=len(problems),
        abstained=abstained,
        out_of_scope=int(foreign.sum()),
        results=tuple(
            Classified.without_answer(problems[place]) if place in problems else next(answers)
            for place in range(len(contents))
        ),
    )


def _sorted_rows(request: ClassifyRequest, context: ToolContext, dataset: str) -> ClassifyResult:
    """Classify the unlabelled rows of `dataset`: show the least sure ones, and keep all as a table."""
    from classwright_tools.bulk.alarm import alarms_on
    from classwright_tools.bulk.answer_cells import AnswerCells
    from classwright_tools.bulk.answers_in_words import without_effect
    from classwright_tools.bulk.answers_table import ANSWERS, NEWEST, AnswersTable, publish_answers
    from classwright_tools.bulk.dataset_rows import answer_rows
    from classwright_tools.bulk.results import results_of
    from classwright_tools.bulk.rows_in_words import look_at_foreign, of_newest, of_table, rows_in_words
    from classwright_tools.learning.later_labels import beside
    from classwright_tools.learning.model import load_model

    task = context.workspace.artifact(request.model, "model").task
    context.workspace.resolve(dataset, "dataset", task)
    stored = load_model(context.workspace, request.model)  # it keeps embeddings: rows of a dataset are read again
    model = beside(context.workspace, stored, dataset)
    threshold = model.threshold if request.threshold is None else request.threshold
    as_trained = request.prior == "training"
    found = answer_rows(
        context, model, dataset, model.space.under(request.thresholds), threshold, as_trained=as_trained
    )
    answers = AnswersTable(context, AnswerCells(context.workspace, model, found, dataset, as_trained))
    report, made = publish_answers(context, answers)
    unlike_measured = alarms_on(answers, _usual(request, model.card), own_thresholds=_own_thresholds(request))
    first = found.least_sure(LEAST_SURE_SHOWN)
    shown, _ = results_of(model, found.space, found.proba[first], found.foreign[first], threshold)
    table, newest = file_uri(report, ANSWERS), file_uri(report, NEWEST)
    excerpts = Excerpts(table)
    excerpts.note("results", len(shown), len(found.rows))
    told = (
        *rows_in_words(answers, made, len(shown), unlike_measured),
        how_sure(model.card, request.thresholds) if request.threshold is None and not unlike_measured.raised else "",
        without_effect(found.space, request.threshold),
        FITS_NONE if made.sure and not found.space.several and not unlike_measured.raised else "",
        f"Sort the table by `{ranked}` to have the worst pairs first." if (ranked := answers.mismatch_column) else "",
        other_labels(request.model, model.labels, context.workspace.task(task).label_names),
    )
    return ClassifyResult(
        summary=" ".join(filter(None, told)),
        next_step=(
            unlike_measured.look(model.card, model.id, dataset)
            or look_at_foreign(model, dataset, made.out_of_scope, len(found.rows))
        )
        + f"{of_table(made)} {table}: a CSV; a spreadsheet takes a text that begins with = for a formula."
        + of_newest(made, newest)
        + ("" if unlike_measured.raised else " Label the least sure ones: annotate_examples."),
        uris={"report": artifact_uri(report), "answers": table} | ({"newest": newest} if made.newest else {}),
        shown_in_part=excerpts.parts,
        model=request.model,
        threshold=threshold,
        thresholds=_thresholds(found.space),
        abstained=made.unsure,
        out_of_scope=made.out_of_scope,
        results=tuple(
            one.model_copy(update={"row": found.rows[place].id, "text": shortened(found.rows[place].shown, TEXT_CHARS)})
            for place, one in zip(first, shown, strict=True)
        ),
        sure_by_label=made.sure,
        report=report,
    )


def _usual(request: ClassifyRequest, card: ModelCard) -> Usual:
    """Return what is usual of answers at the shares of the `request`."""
    from classwright_tools.measurement.unlike_measured import usual_of

    usual = usual_of(card)
    return usual if request.prior == "task" else usual.of_scope


def _own_thresholds(request: ClassifyRequest) -> bool:
    return request.threshold is not None or bool(request.thresholds)


def _problems(request: ClassifyRequest) -> dict[int, str]:
    """Return why texts or pairs of the call cannot be read, by their places; raise an `InvalidInput` if none can."""
    from classwright.predict import text_problem

    found = {place: problem for place, text in enumerate(request.texts) if (problem := text_problem(text))}
    for place, pair in enumerate(request.pairs):
        problems = [f"{part} {problem}" for part, text in pair if (problem := text_problem(text))]
        if problems:
            found[place] = problems[0]
    if len(found) == len(request.texts) + len(request.pairs):
        word = "pair" if request.pairs else "text"
        raise InvalidInput(f"`{word}s`", f"hold none to classify ({'; '.join(_named(found, word))})", "Send the words.")
    return found


def _named(problems: Mapping[int, str], word: str) -> list[str]:
    """Return the first of the `problems` of texts or pairs, as `word` says, each with its place."""
    from classwright.predict import PLACES_NAMED

    named = (f"{word}s[{place}]{'.' if word == 'pair' else ' '}{problem}" for place, problem in problems.items())
    return list(islice(named, PLACES_NAMED))


def _contents(request: ClassifyRequest, kind: TaskKind) -> list[str]:
    """Return what to classify by a model of a task of `kind`."""
    if kind == "text":
        if request.pairs:
            raise InvalidInput(f"model {request.model!r}", "classifies single texts", "Pass `texts`, not `pairs`.")
        return list(request.texts)
    if request.texts:
        raise InvalidInput(f"model {request.model!r}", "classifies pairs of texts", "Pass `pairs`, not `texts`.")
    return [joined(pair.text, pair.text_pair) for pair in request.pairs]


def _thresholds(space: LabelSpace) -> dict[str, float] | None:
    """Return the thresholds of labels that answers in `space` go by, if there are any."""
    return dict(zip(space.labels, space.thresholds, strict=True)) if space.several else dict(space.own) or None


def _work(request: ClassifyRequest, sizes: Sizes) -> Work:
    """As long as the texts take the model; of a dataset the labelled rows are read too, for the table."""
    size = shown_bytes(str(text) for text in (*request.texts, *request.pairs))
    if request.dataset:
        size = sizes.dataset(request.dataset, task_of(request.dataset), ("unlabelled", *LABELLED_BUT_TEST))
    return computing(int(size * sizes.slowness(request.model)), stores=request.dataset is not None)


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
            f"resource all; of a dataset the {LEAST_SURE_SHOWN} least sure rows, a CSV all."
        ),
    ),
)
