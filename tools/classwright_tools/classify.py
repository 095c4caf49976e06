"""The verb `classify`: labels and calibrated probabilities for texts or pairs, abstaining where unsure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.domain.kinds import ModelId
from classwright_tools.domain.label_names import other_labels
from classwright_tools.domain.noun import LabelName, Noun, Share, ToolRequest, ToolResult
from classwright_tools.domain.pair import AnyText, GivenPair, joined
from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.caveats import how_sure
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing, shown_bytes

if TYPE_CHECKING:
    import numpy as np

    from classwright_tools.learning.label_space import LabelSpace

MOST_TEXTS = 1_000
MOST_LIKELY = 3  # labels that are told with their probabilities, or as many as apply
ABOUT_SHOWN = ANSWER_BYTES // 180  # bytes of an answer to one text


class ClassifyRequest(ToolRequest):
    """Texts to classify, or for a model of a pair task pairs."""

    model: ModelId
    texts: tuple[AnyText, ...] = Field(default=(), max_length=MOST_TEXTS, description="The texts, one string each.")
    pairs: tuple[GivenPair, ...] = Field(
        default=(), max_length=MOST_TEXTS, description="For a model of a pair task: the pairs, in place of `texts`."
    )
    threshold: Share | None = Field(
        default=None,
        description="Abstain below this probability. Default: the model's own; 0 never abstains.",
    )
    prior: Literal["task", "training"] = Field(
        default="task",
        description="'training': without the task's label shares.",
    )

    @model_validator(mode="after")
    def _texts_or_pairs(self) -> ClassifyRequest:
        if bool(self.texts) == bool(self.pairs):
            raise ValueError("pass `texts`, or `pairs` for a model of a pair task: one of the two")
        return self


class Classified(Noun):
    """One text's answer."""

    label: LabelName | None = Field(description="None where the model abstains, and of a multi-label model.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, description="Of a multi-label model: all that apply, those of unsure texts too."
    )
    sure: bool = Field(description="Whether `probability` reaches the threshold.")
    probability: float = Field(
        ge=0,
        le=1,
        description="Calibrated: that the likeliest label is right; of a multi-label model, that the whole set is.",
    )
    likeliest: tuple[tuple[LabelName, float], ...] = Field(description="The likeliest labels, best first.")


class ClassifyResult(ToolResult):
    """One answer a text, in the order of the texts."""

    model: ModelId
    threshold: float
    thresholds: dict[LabelName, float] | None = Field(
        default=None, description="Of a multi-label model: the probability from which on each label applies."
    )
    abstained: int = Field(ge=0, description="Texts of which it is not sure.")
    results: tuple[Classified, ...]


def classify(request: ClassifyRequest, context: ToolContext) -> ClassifyResult:
    """Classify texts.

    Raises:
        NotFound: there is no such model, or its encoder is nowhere to be found.
        DamagedArtifact: the model does not read back.
        InvalidInput: a text is empty, or the model is for pairs and got texts, or the other way round.
    """
    from classwright_tools.learning.kept_models import kept_model

    _check_texts(request)
    context.progress(0.0, f"loading {request.model}")
    model = kept_model(context.workspace, request.model)
    contents = _contents(request, model.card.kind)
    threshold = model.threshold if request.threshold is None else request.threshold
    context.progress(0.1, f"classifying {len(contents)} texts")
    proba = model.predict_proba(contents, as_trained=request.prior == "training")
    if model.space.several:
        results = _with_labels(model.space, proba, threshold)
    else:
        results = tuple(_classified(model.labels, row, threshold) for row in proba.tolist())
    abstained = sum(not result.sure for result in results)
    labels = context.workspace.task(model.card.task).label_names
    told = (
        _in_a_sentence(results, abstained, threshold),
        how_sure(model.card) if abstained and request.threshold is None else "",
        other_labels(request.model, model.labels, labels),
    )
    return ClassifyResult(
        summary=" ".join(filter(None, told)),
        next_step="Texts of which it is not sure are best read by a person, and make good training rows once labelled."
        if abstained
        else "Probabilities are calibrated: raise the threshold to trade answers for accuracy.",
        model=request.model,
        threshold=threshold,
        thresholds=dict(zip(model.labels, model.card.thresholds, strict=True)) if model.space.several else None,
        abstained=abstained,
        results=results,
    )


def _check_texts(request: ClassifyRequest) -> None:
    """Raise an `InvalidInput` if a text is empty."""
    named = {f"texts[{place}]": text for place, text in enumerate(request.texts)}
    for place, pair in enumerate(request.pairs):
        named |= {f"pairs[{place}].text": pair.text, f"pairs[{place}].text_pair": pair.text_pair}
    for name, text in named.items():
        if not text.strip():
            raise InvalidInput(name, "is empty", "Leave it out or send its text.")


def _contents(request: ClassifyRequest, kind: TaskKind) -> list[str]:
    """Return what to classify by a model of a task of `kind`."""
    if kind == "text":
        if request.pairs:
            raise InvalidInput(f"model {request.model!r}", "classifies single texts", "Pass `texts`, not `pairs`.")
        return list(request.texts)
    if request.texts:
        raise InvalidInput(f"model {request.model!r}", "classifies pairs of texts", "Pass `pairs`, not `texts`.")
    return [joined(pair.text, pair.text_pair) for pair in request.pairs]


def _with_labels(space: LabelSpace, proba: np.ndarray, threshold: float) -> tuple[Classified, ...]:
    """Return the answers at the probabilities (n, k) of a model whose rows may have several labels."""
    named, right = space.answers(proba)
    ranked = (-proba).argsort(axis=1, kind="stable").tolist()
    answers = zip(proba.tolist(), named, right.tolist(), ranked, strict=True)
    return tuple(
        Classified(
            label=None,
            labels=tuple(own),
            sure=certain >= threshold,
            probability=min(1.0, certain),
            likeliest=tuple((space.labels[place], row[place]) for place in order[: max(MOST_LIKELY, len(own))]),
        )
        for row, own, certain, order in answers
    )


def _classified(labels: tuple[str, ...], probabilities: list[float], threshold: float) -> Classified:
    """Return the answer for one text; `probabilities` is in the order of `labels`."""
    order = sorted(range(len(labels)), key=lambda place: -probabilities[place])
    best = order[0]
    return Classified(
        label=labels[best] if probabilities[best] >= threshold else None,
        sure=probabilities[best] >= threshold,
        probability=min(1.0, probabilities[best]),
        likeliest=tuple((labels[place], min(1.0, probabilities[place])) for place in order[:MOST_LIKELY]),
    )


def _in_a_sentence(results: tuple[Classified, ...], abstained: int, threshold: float) -> str:
    """Return the answers in a sentence: the label or labels of one text, the counts of several."""
    several = results[0].labels is not None
    if len(results) > 1 and several:
        below = f": it is less than {threshold:.2f} probable that all of them are right" if abstained else ""
        counts = f"sure of the labels of {len(results) - abstained}, unsure of those of {abstained}"
        return f"Classified {len(results)} texts; {counts}{below}."
    if len(results) > 1:
        return f"Classified {len(results)} texts; abstained on {abstained}, below {threshold:.2f}."
    [result] = results
    if several:
        named = ", ".join(map(repr, result.labels or ())) or "none of the labels"
        probable = f"with a probability of {result.probability:.2f} that the whole set is right"
        return (
            f"It is {named}, {probable}." if result.sure else f"Not sure: {named}, {probable}, below {threshold:.2f}."
        )
    label = repr(result.likeliest[0][0])
    if result.label is None:
        return f"Not sure: most likely {label}, with a probability of {result.probability:.2f}, below {threshold:.2f}."
    return f"It is {label}, with a probability of {result.probability:.2f}."


def _work(request: ClassifyRequest, sizes: Sizes) -> Work:
    """As long as the texts take the model."""
    size = shown_bytes(str(text) for text in (*request.texts, *request.pairs))
    return computing(int(size * sizes.slowness(request.model)))


TOOL = ToolSpec(
    run=classify,
    request=ClassifyRequest,
    result=ClassifyResult,
    work=_work,
    multi_label=True,
    job="if large",
    text=ToolText(
        title="Classify texts",
        description=(
            f"Label up to {MOST_TEXTS:,} texts or pairs with a model: calibrated probabilities, and no label where the "
            f"model is unsure. An answer shows about {ABOUT_SHOWN} texts; send more in several calls, or read the "
            "result resource. Not for measuring: import labelled rows and call evaluate. Answered at once; long texts "
            "by the hundred are a job."
        ),
        reads_only=True,
    ),
)
