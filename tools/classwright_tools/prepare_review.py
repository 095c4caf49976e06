"""The verb `prepare_review`: find out which rows of a dataset are worth a person's look, and lay them out on a map."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import DatasetId, ModelId, task_of
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing


class PrepareReviewRequest(ToolRequest):
    """Which dataset, and whose answers."""

    dataset: DatasetId
    model: ModelId | None = Field(default=None, description="Default: a probe alone.")


class PrepareReviewResult(ToolResult):
    """How many rows are doubted."""

    dataset: DatasetId
    answered: int = Field(ge=0, description="Rows that a classifier has answered without having seen their label.")
    disagrees: int = Field(ge=0, description="Of these, rows to which it gives another label, or other ones.")
    suspect: int = Field(ge=0, description="Of these, rows whose label is doubted.")


def prepare_review(request: PrepareReviewRequest, context: ToolContext) -> PrepareReviewResult:
    """Judge every row but the test rows and keep the answers for the review page; what is kept is not made anew.

    Raises:
        NotFound: there is no such dataset or model.
        InvalidInput: the model is of another task.
        DamagedArtifact: it does not read back.
    """
    from classwright_tools.measurement.judging import doubts_about

    doubts = doubts_about(context, request.dataset, request.model, mapped=True)
    answered, disagrees = int(doubts.answered.sum()), int(doubts.of_kind("disagrees").sum())
    return PrepareReviewResult(
        summary=f"{counted(answered, 'row is', 'rows are')} judged; of {disagrees} a classifier says otherwise.",
        next_step="Look at them on the review page.",
        dataset=request.dataset,
        answered=answered,
        disagrees=disagrees,
        suspect=int(doubts.suspect.sum()),
    )


def _work(request: PrepareReviewRequest, sizes: Sizes) -> Work:
    """As long as all its rows take the model."""
    rows = sizes.dataset(request.dataset, task_of(request.dataset), ("train", "validation", "unlabelled"))
    return computing(int(rows * (sizes.slowness(request.model) if request.model else 1)))


TOOL = ToolSpec(
    run=prepare_review,
    request=PrepareReviewRequest,
    result=PrepareReviewResult,
    work=_work,
    for_page=True,
    multi_label=True,
    before_labels=True,
    text=ToolText(
        title="Prepare a review",
        description="Judge the rows of a dataset for the review page: which are doubtful, and their places on a map.",
        repeatable=True,
    ),
)
