"""`annotate_examples` where texts may have several labels: every one that applies, or that none does, is an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, TextToLabel
from classwright_tools.domain.example import make_example
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows, save_dataset
from support.several import several_dataset
from support.writing_verbs import ScriptedWriter

TOPICS = {"money": "refund", "parcel": "delivery", "password": "account"}
UNLABELLED = [
    make_example(f"{words} {number}", None)
    for number in range(4)
    for words in ("give me money for the parcel", "the password is gone", "nothing in particular, greetings")
]


def labels_of(text: str) -> list[str]:
    """Return the labels that the annotator gives a text: by the words in it."""
    return [label for word, label in TOPICS.items() if word in text]


@pytest.fixture
def pool(context: ToolContext) -> str:
    """A dataset of labelled rows and twelve unlabelled ones."""
    parent = several_dataset(context.workspace)
    return save_dataset(
        context.workspace, "mail", {"unlabelled": UNLABELLED}, parent=parent, run_key="pool", made_by="import_examples"
    ).id


def annotated(context: ToolContext, dataset: str | None) -> dict[str, tuple[str, ...] | None]:
    """Return the labels of annotated rows by their texts."""
    rows = read_rows(context.workspace, dataset or "", "train")
    return {row.text: row.labels for row in rows if row.origin == "annotated"}


def test_a_calling_model_names_every_label_and_says_where_none_applies(context: ToolContext, pool: str) -> None:
    first = annotate_examples(AnnotateExamplesRequest(task="mail", rows=12, order="random"), context)
    rows = context.workspace.document(first.annotation, "annotation", Annotation).rows
    labels = {row.id: labels_of(row.text) for row in rows if labels_of(row.text)}
    rest = [row.id for row in rows if row.id not in labels]
    unsure = next(row.id for row in rows if "greetings" in row.text)
    request = AnnotateExamplesRequest(
        task="mail",
        annotation=first.annotation,
        labels=labels,
        fits_none=[id_ for id_ in rest if id_ != unsure],
        unsure=[unsure],
    )

    result = annotate_examples(request, replace(context, run_key="answer"))

    assert any("every label that applies" in rule for rule in first.rules)
    found = annotated(context, result.dataset)
    assert len(found) == len(UNLABELLED) - 1
    assert all(found[text] == tuple(labels_of(text)) for text in found)
    assert "11 rows got their labels from a model" in result.summary
    assert "1 with an unsure answer stays unlabelled" in result.summary
    assert "Labels of 11 random texts: 'refund' 36% (15% to 65%), 'delivery' 36% (15% to 65%)," in result.summary
    assert result.checked


def test_a_person_who_says_that_no_label_applies_labels_a_row(context: ToolContext, pool: str) -> None:
    first = annotate_examples(AnnotateExamplesRequest(task="mail", rows=4, order="random"), context)
    rows = context.workspace.document(first.annotation, "annotation", Annotation).rows
    none = [row.id for row in rows]

    result = annotate_examples(
        AnnotateExamplesRequest(task="mail", annotation=first.annotation, fits_none=none, decided_by="person"),
        replace(context, run_key="answer"),
    )

    assert "4 rows got their labels from a person and are training rows now." in result.summary
    assert "stay unlabelled" not in result.summary
    assert "'refund' 0% (0% to 49%)" in result.summary  # of a label that no text has it is told how frequent it may be


def test_a_writer_is_told_that_a_text_may_have_several_labels_or_none(context: ToolContext, pool: str) -> None:
    def answer(text: TextToLabel) -> str:
        return f"{text.id}: {'|'.join(labels_of(text.text)) or '-'}"

    def labelled(request: WritingRequest) -> Completion:
        assert request.multi_label
        return Completion(items=tuple(map(answer, request.texts)))

    train_classifier(TrainClassifierRequest(task="mail"), replace(context, run_key="training"))
    asked = AnnotateExamplesRequest(task="mail", rows=6)

    result = annotate_examples(asked, replace(context, writer=ScriptedWriter(labelled), run_key="written"))

    found = annotated(context, result.dataset)
    assert len(found) == 6
    assert all(labels == tuple(labels_of(text)) for text, labels in found.items())


def test_random_rows_tell_how_often_the_model_has_all_labels_right(context: ToolContext, pool: str) -> None:
    def labelled(request: WritingRequest) -> Completion:
        return Completion(items=tuple(f"{text.id}: account" for text in request.texts))

    train_classifier(TrainClassifierRequest(task="mail"), replace(context, run_key="training"))
    asked = AnnotateExamplesRequest(task="mail", rows=12, order="random")

    result = annotate_examples(asked, replace(context, writer=ScriptedWriter(labelled), run_key="written"))

    assert result.model_accuracy is not None
    assert result.model_accuracy.value == pytest.approx(4 / 12)
