"""`annotate_examples` with a writer: labels by the texts' ids, nothing paid twice, and nothing taken on trust."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, AnnotateExamplesResult, annotate_examples
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.domain.usage import Caps, Prices
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import BudgetExceeded, WriterFailed
from classwright_tools.workspace.datasets import read_rows
from support.learning import real_rows, written_rows
from support.writing_verbs import ScriptedWriter, import_beside, sentence

UNLABELLED = [make_example(sentence(number), None) for number in range(60)]
LABELS = ("refund", "delivery", "account")
KNOWN = {row.text: row.label for row in real_rows()}


def label_of(text: str) -> str:
    """Return the label that the writer gives a text: the known one of a check."""
    return KNOWN.get(text) or LABELS[len(text) % 3]


def well_labelled(request: WritingRequest) -> Completion:
    items = tuple(f"{text.id}: {label_of(text.text)}" for text in request.texts)
    return Completion(items=items, tokens_in=100, tokens_out=2 * len(items))


@pytest.fixture
def pool(context: ToolContext, task: Task) -> None:
    """A dataset of written training rows, real validation rows and 60 unlabelled rows."""
    rows = {"train": written_rows(), "validation": real_rows(), "unlabelled": UNLABELLED}
    import_beside(context.workspace, "pool", rows)  # type: ignore[arg-type]  # the keys are splits


def annotate(
    context: ToolContext, writer: ScriptedWriter, run_key: str = "run", **more: object
) -> AnnotateExamplesResult:
    request = AnnotateExamplesRequest(task="support", **{"rows": 50, "order": "random", **more})
    return annotate_examples(request, replace(context, writer=writer, run_key=run_key))


@pytest.mark.usefixtures("pool")
def test_answers_in_any_order_of_completion_reach_the_rows_of_their_ids(context: ToolContext) -> None:
    writer = ScriptedWriter(well_labelled, turns=random.Random(1))

    result = annotate(context, writer)

    rows = [row for row in read_rows(context.workspace, "support-d2", "train") if row.origin == "annotated"]
    assert len(rows) == 50
    assert all(row.label == label_of(row.text) for row in rows)
    assert {(row.provenance.writer, row.provenance.prompt) for row in rows if row.provenance} == {
        ("scripted", writer.prompt_digest("labels"))
    }
    assert result.agreement
    assert (result.agreement.value, result.checked, result.have, result.want) == (1.0, 6, 56, 56)
    assert result.usage
    assert (result.usage.requests, result.usage.tokens_in) == (len(writer.asked), 100 * len(writer.asked))
    assert result.usage.estimated_tokens >= result.usage.tokens_in


@pytest.mark.usefixtures("pool")
def test_what_is_no_answer_to_a_text_is_asked_once_more_and_then_left_out(context: ToolContext) -> None:
    def careless(request: WritingRequest) -> Completion:
        first, second, _, *others = request.texts
        if request.attempt:
            return Completion(items=(f"{first.id}: refund", f"{second.id}: no such label"))
        items = ["delivery", f"{first.id} delivery", f"{second.id}: refunds", "t999: refund"]
        return Completion(items=(*items, *(f"{text.id}: {label_of(text.text)}" for text in others)))

    writer = ScriptedWriter(careless)
    result = annotate(context, writer, rows=10)

    assert [len(request.texts) for request in writer.asked] == [15, 3]
    assert (result.have, result.want) == (13, 15)
    assert "2 of 15 texts got no answer." in result.summary


@pytest.mark.usefixtures("pool")
def test_candidates_none_and_unsure_are_kept_and_are_no_labels(context: ToolContext) -> None:
    answers = ("refund|Delivery", "refund | account", "-", "?")

    def doubting(request: WritingRequest) -> Completion:
        return Completion(items=tuple(f"{text.id}: {answers[place % 4]}" for place, text in enumerate(request.texts)))

    result = annotate(context, ScriptedWriter(doubting))

    assert result.have == 56
    assert "0 rows got a label" in result.summary
    assert result.dataset  # which rows fit no label is kept
    assert not any(row.origin == "annotated" for row in read_rows(context.workspace, result.dataset, "train"))
    assert "several candidates" in result.summary


@pytest.mark.usefixtures("pool")
def test_a_run_that_is_repeated_after_a_crash_pays_nothing_twice(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise OSError("the power fails")

    with monkeypatch.context() as patch:
        patch.setattr("classwright_tools.annotation.answers.AnnotationAnswers.receive", crash)
        with pytest.raises(OSError, match="power"):
            annotate(context, ScriptedWriter(well_labelled))
    again = ScriptedWriter(well_labelled)

    result = annotate(context, again)

    assert again.asked == []
    assert (result.annotation, result.dataset, result.have) == ("support-n1", "support-d2", 56)
    assert annotate(context, again).dataset == "support-d2"


@pytest.mark.usefixtures("pool")
def test_a_cap_ends_with_the_labels_that_it_paid_for_or_with_an_error(context: ToolContext) -> None:
    with pytest.raises(BudgetExceeded):
        annotate(context, ScriptedWriter(well_labelled), "none", max_tokens=10)
    priced = ScriptedWriter(well_labelled, prices=Prices(tokens_in=1e6))
    with pytest.raises(BudgetExceeded):
        annotate(replace(context, caps=Caps(max_cost=1.0)), priced, "dear")

    some = annotate(context, ScriptedWriter(well_labelled), "some", max_tokens=700)

    assert 0 < some.have < some.want
    assert f"{some.want - some.have} of {some.want} texts got no answer (" in some.summary


@pytest.mark.usefixtures("pool")
def test_a_writer_that_never_answers_in_the_form_asked_for_is_told_so(context: ToolContext) -> None:
    with pytest.raises(WriterFailed, match="no answer of the writer named a text"):
        annotate(context, ScriptedWriter(lambda request: Completion(items=("refund",) * request.count)))
