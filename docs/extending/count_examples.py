"""The verb `count_examples`: how many rows of each label a dataset holds."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Split
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.errors import NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import always, computing


class CountExamplesRequest(ToolRequest):
    """Which rows to count."""

    dataset: DatasetId
    split: Split = Field(default="train", description="The split whose rows are counted.")


class CountExamplesResult(ToolResult):
    """The rows of a split, by label."""

    dataset: DatasetId
    rows: int = Field(ge=1)
    labels: dict[str, int] = Field(description="Rows by label, the most frequent first.")


def count_examples(request: CountExamplesRequest, context: ToolContext) -> CountExamplesResult:
    """Count the rows of a split by label.

    Raises:
        NotFound: there is no such dataset.
        NotEnoughData: the split is empty.
    """
    from classwright_tools.workspace.datasets import read_card  # heavy libraries are imported where they are used

    context.progress(0.0, f"counting {request.dataset}")
    counts: Counter[str] = Counter()
    for count in read_card(context.workspace, request.dataset).counts:
        if count.split == request.split:
            counts[count.label or "no label"] += count.rows
    if not counts:
        raise NotEnoughData(
            f"split {request.split!r} of {request.dataset!r}", "is empty", "Import rows, or name another split."
        )
    return CountExamplesResult(
        summary=f"{request.dataset} holds {counts.total():,} {request.split} rows of {len(counts)} labels.",
        next_step="Call synthesize_examples or import_examples for the labels that have few.",
        dataset=request.dataset,
        rows=counts.total(),
        labels=dict(counts.most_common()),
    )


TOOL = ToolSpec(
    run=count_examples,
    request=CountExamplesRequest,
    result=CountExamplesResult,
    work=always(computing(0)),  # it reads the card alone
    text=ToolText(
        title="Count examples",
        description="Count the rows of a dataset's split by label. Not for figures of a model: call evaluate.",
        reads_only=True,
    ),
)
