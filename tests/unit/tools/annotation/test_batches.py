"""Batches of texts to label: texts that were left unanswered come again, with as many others as fit an answer."""

from __future__ import annotations

from classwright_tools.annotation.batches import BATCH_BYTES, MOST_TEXTS, make_batches, next_batch
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.example import Example, make_example


def annotation_of(rows: list[Example]) -> Annotation:
    batches = make_batches(rows, [], seed=0)
    return Annotation(
        task="support",
        dataset="support-d1",
        on_newest=True,
        order="random",
        split="train",
        pool=len(rows),
        batches=batches,
        model=None,
    )


def test_texts_left_of_a_batch_come_with_those_of_the_next() -> None:
    annotation = annotation_of([make_example(f"where is parcel {number}", None) for number in range(60)])
    first = [row.row for row in annotation.batches[0]]

    left = next_batch(annotation, first[1:])

    assert len(first) == len(left) == MOST_TEXTS
    assert [text.id for text in left[:2]] == [annotation.batches[0][0].id, annotation.batches[1][0].id]
    assert next_batch(annotation, [row.row for batch in annotation.batches for row in batch]) == ()


def test_no_more_long_texts_come_than_fit_an_answer() -> None:
    annotation = annotation_of([make_example(f"{number} " + "a long text " * 100, None) for number in range(20)])

    for answered in ([], [annotation.batches[0][0].row]):
        texts = next_batch(annotation, answered)
        assert 1 < len(texts) < 20
        assert sum(len(text.model_dump_json().encode()) for text in texts) <= BATCH_BYTES
