"""The validation rows that generated rows are checked by are those that count in every figure."""

from __future__ import annotations

from classwright_tools.augmentation.scarce_rows import checked_rows
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Origin, make_example
from classwright_tools.domain.task import Task
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder


def rows(origin: Origin, count: int) -> list[Example]:
    return [make_example(f"{origin} text number {n}", "refund", origin=origin) for n in range(count)]


def test_real_texts_that_a_model_labelled_check_until_enough_real_rows_are_there_and_written_ones_never(
    context: ToolContext, task: Task
) -> None:
    def checked(*validation: Example) -> int:
        found = checked_rows(
            context,
            open_encoder(context.encoder),
            EmbeddingCache(context.workspace.embeddings),
            task,
            {"train": [], "validation": list(validation), "test": []},
        )
        return len(found.labels) if found else 0

    assert checked(*rows("real", 3), *rows("annotated", 4), *rows("written", 5)) == 7
    assert checked(*rows("real", 50), *rows("annotated", 4)) == 50
    assert checked(*rows("written", 5)) == 0
