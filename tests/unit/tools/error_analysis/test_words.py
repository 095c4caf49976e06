"""The words of an error analysis on what to label next, and of a training on whose texts its sureness is told by."""

from __future__ import annotations

import ast
import re

from classwright_tools.domain.example import make_example
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.caveats import how_sure
from classwright_tools.measurement.errors_in_words import ENOUGH_TEXTS, left_out
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.error_analysis import report_of
from support.measurement import context_on, dataset_of, real_rows, trained_on, written_rows
from support.shop import shop_task


def test_sureness_on_real_and_written_rows_is_not_called_that_of_written_texts(workspace: Workspace) -> None:
    workspace.save_task(shop_task())
    rows = [*written_rows(), *real_rows()]
    card = load_model(workspace, trained_on(workspace, dataset_of(workspace, train=rows))).card
    told = card.model_copy(update={"sure_on": "written", "is_set_by_validation": False})
    alone = told.model_copy(update={"training_rows": {"written": 10}})

    written = card.training_rows["written"]
    assert f"of texts like the training rows held out ({written} of {len(rows)} training rows are written)" in how_sure(
        told
    )
    assert "of written texts like the training rows held out, and" in how_sure(alone)


def test_the_label_that_is_found_worst_is_named_with_the_call_that_brings_texts_to_label(
    workspace: Workspace, model: str, confused: str
) -> None:
    rows = {split: read_rows(workspace, confused, split) for split in ("train", "validation")}
    texts = [make_example(f"question {number} about where a parcel is", None) for number in range(ENOUGH_TEXTS)]
    dataset = dataset_of(workspace, **rows, unlabelled=texts)

    result = error_analysis(ErrorAnalysisRequest(model=model, dataset=dataset), context_on(workspace))

    assert "Of one label: 'delivery' is found worst (F1 " in result.next_step
    called = re.search(r"find_examples\((.+?\}), like=(\{.+?\})\)", result.next_step)
    assert called
    assert "the word of a simple classifier" in result.summary
    like = ast.literal_eval(called[2]) | {"count": 5}
    request = {"task": "support", "dataset": dataset, "where": {"splits": ["unlabelled"]}, "like": like}
    assert len(find_examples(FindExamplesRequest.model_validate(request), context_on(workspace)).rows) == 5


def test_a_pair_that_label_shares_put_behind_others_is_told_with_the_ways_to_write_for_it(
    workspace: Workspace, model: str, confused: str
) -> None:
    report = report_of(
        workspace, error_analysis(ErrorAnalysisRequest(model=model, dataset=confused), context_on(workspace))
    )
    left = {"pairs_left_out": 1, "errors_left_out": 4}
    told = left_out(report.model_copy(update=left | {"passed_over": (("delivery", "refund"),)}))

    assert "1 of them comes behind others since errors are weighed by the label shares that" in told
    assert "decides for: 'delivery' and 'refund'. To write" in told
    called = re.search(r"synthesize_examples\(task='support', labels=(\[.+?\])\)", told)
    assert called
    request = SynthesizeExamplesRequest(task="support", labels=ast.literal_eval(called[1]))
    assert request.labels == ("delivery", "refund")
    assert "propose_topics(expected_shares=...) with equal ones" in told
    assert left_out(report.model_copy(update=left)).endswith("allow for more with `rows`.")
