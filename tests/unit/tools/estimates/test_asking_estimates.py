"""Estimates of what asks a language model: tokens and money by the prompts, then by what the writer took a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.annotate_examples import TOOL as ANNOTATE
from classwright_tools.annotate_examples import AnnotateExamplesRequest
from classwright_tools.annotation.batches import make_batches
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.estimates.history import History
from classwright_tools.estimates.running import estimated, run_told
from classwright_tools.synthesize_examples import TOOL, SynthesizeExamplesRequest
from support.learning import save_rows, unlabelled_rows, written_rows
from support.synthesize import with_writer

PRICES = Prices(tokens_in=1_000, tokens_out=2_000)
REQUEST = SynthesizeExamplesRequest(task="support", rows=24)
WRITING = "writing by scripted"


@pytest.mark.usefixtures("tree")
def test_before_the_first_writing_tokens_and_money_are_told_and_no_time(context: ToolContext) -> None:
    own = with_writer(context, prices=PRICES)

    told = estimated(TOOL, REQUEST, own)

    assert told is not None
    assert told.seconds is None
    assert (told.texts, told.texts_most) == (24, 36)
    assert "an unknown time, 24 texts (at most 36 with those that are refused), " in told.in_words
    assert 24 <= told.model_calls < 40
    assert told.tokens_in > 24 * 50
    assert told.tokens_out > 0
    assert told.dollars == pytest.approx(PRICES.cost(TokenCount(told.tokens_in, told.tokens_out)), rel=0.01)
    assert "its first run will tell the time" in told.rests_on


@pytest.mark.usefixtures("tree")
def test_after_a_writing_the_next_is_told_by_what_it_took(context: ToolContext) -> None:
    own = with_writer(context, prices=None)
    result = run_told(TOOL, REQUEST, own, lambda _: None)
    assert result.usage is not None

    twice = SynthesizeExamplesRequest(task="support", rows=2 * result.wanted)
    told = estimated(TOOL, twice, replace(own, run_key="next"))

    assert told is not None
    assert told.model_calls == result.usage.requests  # each cell is asked once, for two texts in place of one
    assert told.tokens_in == pytest.approx(result.usage.tokens_in, rel=0.1)
    assert told.tokens_out == pytest.approx(2 * result.usage.tokens_out, rel=0.01)
    assert told.dollars is None
    assert told.seconds is not None


@pytest.mark.usefixtures("tree")
def test_of_long_real_texts_fewer_are_asked_for_at_a_time_and_so_told(context: ToolContext) -> None:
    long = [make_example(f"{'word ' * 900}{number}", None) for number in range(30)]
    save_rows(context.workspace, written_rows(), unlabelled=long)

    told = estimated(TOOL, SynthesizeExamplesRequest(task="support", rows=240), with_writer(context))

    assert told is not None
    assert told.model_calls > 100


@pytest.mark.usefixtures("tree")
def test_answers_that_were_in_the_store_teach_nothing(context: ToolContext) -> None:
    for run in ("first", "again"):
        run_told(
            TOOL,
            SynthesizeExamplesRequest(task="support", new_dataset=True),
            with_writer(context, run_key=run),
            lambda _: None,
        )

    assert len(History(context.workspace.engine).of(WRITING)) == 1


@pytest.mark.usefixtures("tree")
def test_without_a_writer_it_is_said_that_the_calling_model_is_not_counted(context: ToolContext) -> None:
    told = estimated(TOOL, REQUEST, context)

    assert told is not None
    assert told.model_calls == 0
    assert ", 24 texts; " in told.in_words
    assert "the calling model" in told.rests_on


@pytest.mark.usefixtures("task")
def test_labels_are_told_before_they_are_asked_for(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows(), unlabelled=unlabelled_rows(refund=40, delivery=40))
    own = with_writer(context)

    told = estimated(ANNOTATE, AnnotateExamplesRequest(task="support", rows=50, order="random"), own)

    assert told is not None
    assert 2 <= told.model_calls <= 4
    assert (told.texts, told.texts_most) == (56, 0)
    assert told.tokens_in > 50 * 5


@pytest.mark.usefixtures("task")
def test_long_texts_are_asked_about_in_as_many_calls_as_they_take(context: ToolContext) -> None:
    long = [make_example(f"{row.text} {'and so on ' * 200}", None) for row in unlabelled_rows(refund=20)]
    save_rows(context.workspace, written_rows(), unlabelled=long)
    own = with_writer(context)
    request = AnnotateExamplesRequest(task="support", rows=20, order="random")

    told = estimated(ANNOTATE, request, own)

    assert told is not None
    assert told.texts == 25
    assert told.model_calls >= len(make_batches(long, long[:5], 0)) == 5
    assert told.tokens_in > 20 * 1_000 / 4
