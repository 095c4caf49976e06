"""What the tests of `submit_examples` share: texts, and calls that submit them."""

from __future__ import annotations

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Batch
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.submit_examples import SubmitExamplesRequest, SubmitExamplesResult, submit_examples
from support.writing_verbs import sentence


def submit(context: ToolContext, batch: str, texts: list[str], *, finish: bool = False) -> SubmitExamplesResult:
    return submit_all(context, {batch: texts} if texts else {}, finish=finish)


def submit_all(context: ToolContext, texts: dict[str, list[str]], *, finish: bool = False) -> SubmitExamplesResult:
    request = SubmitExamplesRequest.model_validate({"assignment": "support-a1", "texts": texts, "finish": finish})
    return submit_examples(request, context)


def sentences(start: int, count: int) -> list[str]:
    return [sentence(number) for number in range(start, start + count)]


def numbered(batches: tuple[Batch, ...]) -> dict[str, list[str]]:
    """Return good texts for each batch."""
    return {batch.batch: sentences(100 * number, batch.count) for number, batch in enumerate(batches, start=1)}


def cells_of(batch: Batch) -> list[Cell]:
    """Return the cell of each text of a batch, in the order in which they are to be written."""
    return [cell.cell for cell in batch.cells for _ in range(cell.count)]
