"""Classifying: the order of the texts, calibrated answers, abstaining, and empty texts."""

from __future__ import annotations

import dataclasses

import pytest

from classwright.predict import MOST_CHARS
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.caveats import how_sure
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.learning import save_rows, written_rows
from support.shop import shop_task

TEXTS = ("where is my parcel", "refund my money please", "i cannot log in", "refund my money please")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A probe on the thirty written rows."""

    def fill(workspace: Workspace) -> str:
        workspace.save_task(shop_task())
        return save_rows(workspace, written_rows())

    return Filled(tmp_path_factory.mktemp("filled"), fill)


def test_answers_come_in_the_order_of_the_texts_with_the_three_likeliest(context: ToolContext, model: str) -> None:
    result = classify(ClassifyRequest(model=model, texts=TEXTS, threshold=0.0), context)
    assert [answer.label for answer in result.results] == ["delivery", "refund", "account", "refund"]
    assert result.results[1] == result.results[3]
    for answer in result.results:
        shares = [share for _, share in answer.likeliest]
        assert answer.likeliest[0] == (answer.label, answer.probability)
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
    backwards = classify(ClassifyRequest(model=model, texts=TEXTS[::-1], threshold=0.0), context)
    assert backwards.results == result.results[::-1]


def test_it_abstains_below_the_threshold_and_says_how_often(context: ToolContext, model: str) -> None:
    sure = classify(ClassifyRequest(model=model, texts=TEXTS, threshold=1.0), context)
    assert sure.abstained == 4
    assert {answer.label for answer in sure.results} == {None}
    assert sure.results[0].likeliest[0][0] == "delivery"
    limit = sorted(answer.probability for answer in sure.results)[2]
    some = classify(ClassifyRequest(model=model, texts=TEXTS, threshold=limit), context)
    assert some.abstained == sum(answer.probability < limit for answer in sure.results)


def test_the_summary_has_the_label_of_one_text_and_the_counts_of_several(context: ToolContext, model: str) -> None:
    def told(*texts: str, threshold: float) -> str:
        return classify(ClassifyRequest(model=model, texts=texts, threshold=threshold), context).summary

    assert told(TEXTS[0], threshold=0.0).startswith("It is 'delivery', with a probability of ")
    assert told(TEXTS[0], threshold=1.0).startswith("Not sure: most likely 'delivery', with a probability of ")
    assert told(*TEXTS, threshold=0.0) == "Classified 4 texts; abstained on 0, below 0.00."
    assert "A threshold of 0.3 leaves no text out: the likeliest of 3 labels has 0.33 at least." in told(
        *TEXTS, threshold=0.3
    )
    assert "leaves no text out" not in told(*TEXTS, threshold=0.4)


def test_where_it_abstains_it_says_how_often_the_model_is_sure_and_right(
    context: ToolContext, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.learning import model_cache

    own = load_model(context.workspace, model)
    set_by = {"unsure": 0.81, "sure_right": 0.97, "sure_rows": 100.0, "threshold": 1.0}
    card = own.card.model_copy(update=set_by)
    monkeypatch.setattr(model_cache, "cached_model", lambda *_: dataclasses.replace(own, card=card))

    told = classify(ClassifyRequest(model=model, texts=TEXTS), context).summary
    sure = classify(ClassifyRequest(model=model, texts=TEXTS, threshold=0.0), context).summary

    assert own.card.sure_on == own.card.validation.data
    assert (
        f"It is sure of 19% of {own.card.sure_on} texts like the training rows held out, and labels 97% "
        "of these right (95% interval 92% to 99%); below a probability of 1.00 it is not sure." in told
    )
    assert "It is sure of" not in sure


def test_few_sure_rows_are_counted_also_where_they_weigh_by_the_shares_of_labels(
    context: ToolContext, model: str
) -> None:
    card = load_model(context.workspace, model).card
    counted = {"refund": (3, 2), "delivery": (3, 3)}
    weighted = {"unsure": 0.98, "sure_right": 0.86, "sure_rows": 5.4, "threshold": 0.7, "sure_by_label": counted}

    told = how_sure(card.model_copy(update=weighted))

    assert "and labelled 5 of 6 such rows right (95% interval 44% to 97%): 2 of 3 answers 'refund'" in told


def test_an_answer_says_once_that_a_text_without_a_label_may_be_called_sure(context: ToolContext, model: str) -> None:
    result = classify(ClassifyRequest(model=model, texts=TEXTS, threshold=0.0), context)

    assert (result.summary + result.next_step).count("A text that fits no label may be called sure too.") == 1


def test_the_models_own_threshold_is_the_default(context: ToolContext, model: str) -> None:
    from classwright_tools.learning.model import load_model

    result = classify(ClassifyRequest(model=model, texts=TEXTS), context)
    assert result.threshold == load_model(context.workspace, model).threshold


def test_the_callers_texts_are_not_kept(context: ToolContext, model: str) -> None:
    from classwright_tools.context import DEFAULT_ENCODER
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder

    classify(ClassifyRequest(model=model, texts=("a private text",)), context)
    cache = EmbeddingCache(context.workspace.root / "cache")
    assert cache.get(open_encoder(DEFAULT_ENCODER).ref.digest, ["a private text", *TEXTS]) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (None, "is empty"),
        ("\n\t", "is empty"),
        ("lone \ud83d", "has broken characters"),
        ("x" * 20_001, "has more than 20,000 characters: split it"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_by_its_place_and_the_others_are_answered(
    context: ToolContext, model: str, text: str | None, problem: str
) -> None:
    request = ClassifyRequest.model_validate({"model": model, "texts": [*TEXTS[:2], text, *TEXTS[2:]]})
    found = classify(request, context)
    others = classify(ClassifyRequest(model=model, texts=TEXTS), context)

    assert (*found.results[:2], *found.results[3:]) == others.results
    assert found.results[2].model_dump() == {
        "label": None, "labels": None, "sure": False, "out_of_scope": False, "probability": None, "likeliest": (),
        "problem": problem,
    }  # fmt: skip
    assert (found.unanswered, found.abstained) == (1, others.abstained)
    assert found.summary == others.summary.replace(
        f"below {found.threshold:.2f}.", f"below {found.threshold:.2f}. 1 text has no answer: texts[2] {problem}.", 1
    )


def test_texts_of_which_none_can_be_read_are_refused(context: ToolContext, model: str) -> None:
    with pytest.raises(InvalidInput, match=r"hold none to classify \(texts\[0\] is empty; texts\[1\] is empty\)"):
        classify(ClassifyRequest(model=model, texts=("", "  ")), context)


def test_one_rule_says_how_long_a_text_may_be_that_is_learnt_from_and_that_is_answered() -> None:
    assert MOST_CHARS == MAX_TEXT_CHARS


def test_an_unknown_model_is_named_with_the_nearest_one(context: ToolContext, model: str) -> None:
    with pytest.raises(NotFound, match=f"Did you mean '{model}'"):
        classify(ClassifyRequest(model="suport-m1", texts=("a",)), context)
