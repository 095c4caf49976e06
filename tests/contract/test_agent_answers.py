"""The agent reads answers as the tools' own types; its types of what the server adds around them fit the server's."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from classwright_agents.answers import Job, Jobs, TopicsResult, read_as
from classwright_server.jobs.durable import JobRecord
from classwright_server.jobs.messages import Outcome, Progress
from classwright_server.jobs.outlook import Outlook
from classwright_server.jobs.view import JobList, JobStatus, JobView
from classwright_server.mcp.job_views import view_of
from classwright_server.mcp.results import answer
from classwright_tools.catalogue import catalogue
from classwright_tools.contract import (
    ErrorAnalysisResult,
    EvaluateResult,
    ExportModelResult,
    ImportExamplesResult,
    ProposeTopicsResult,
    SynthesizeExamplesResult,
    TrainClassifierResult,
    WriterUsage,
)
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.propose_topics import GrownTopicsResult

CALLED: dict[str, type[BaseModel]] = {
    "import_examples": ImportExamplesResult,
    "synthesize_examples": SynthesizeExamplesResult,
    "train_classifier": TrainClassifierResult,
    "evaluate": EvaluateResult,
    "error_analysis": ErrorAnalysisResult,
    "export_model": ExportModelResult,
}
"""The tools that the agent calls, and what it reads their answers as."""


def inner(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `tuple[Model, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := inner(part))), None)


def missing(read: type[BaseModel], given: type[BaseModel], path: str = "") -> list[str]:
    """The fields that the agent reads and the tool does not give, or may give as null where the agent takes none."""
    found = []
    for name, field in read.model_fields.items():
        if name not in given.model_fields:
            found += [f"{path}{name}"] if field.is_required() else []
            continue
        of_tool = given.model_fields[name].annotation
        if type(None) in get_args(of_tool) and type(None) not in get_args(field.annotation):
            found.append(f"{path}{name} may be null")
        own, its = inner(field.annotation), inner(of_tool)
        if own and its and own is not its:
            found += missing(own, its, f"{path}{name}.")
    return found


@pytest.mark.parametrize("tool", CALLED)
def test_the_agent_reads_what_a_tool_answers(tool: str) -> None:
    assert catalogue()[tool].result is CALLED[tool]


@pytest.mark.parametrize("result", [ProposeTopicsResult, GrownTopicsResult])
def test_the_agent_reads_topics_of_a_server_with_a_writer_and_of_one_without(result: type[BaseModel]) -> None:
    assert missing(TopicsResult, result) == []


def test_the_agent_reads_what_jobs_are_told_as() -> None:
    assert missing(Job, JobView) == []
    assert missing(Jobs, JobList) == []


SPENT = WriterUsage(
    writer="recorded", requests=4, completions_reused=1, tokens_in=300, tokens_out=20, cost=0.25, estimated_tokens=900
)
ENDS: dict[JobStatus, tuple[Outcome | None, ...]] = {
    "queued": (None,),
    "running": (None,),
    "completed": tuple(
        Outcome(
            result={
                "summary": "Two rows.",
                "next_step": "Train.",
                "uris": {},
                "shown_in_part": shown_in_part,
                "refusals": refusals,
            }
        )
        for shown_in_part in ({}, {"refusals": {"shown": 1, "total": 9, "uri": "classwright://shop/datasets/shop-d1"}})
        for refusals in ([], ["a refusal" * 40] * (ANSWER_BYTES // 100))
    ),
    "failed": (Outcome(error="Dataset 'shop-d1': does not exist."), Outcome(error="no", defect=True), None),
    "cancelled": (None,),
}


def job_views(status: JobStatus) -> list[JobView]:
    """Every kind of view that the server gives of a job with `status`: with and without each thing it may tell."""
    now = datetime.now(UTC)
    return [
        view_of(JobRecord("job_1", "evaluate", None, status, progress, outcome, now, now, made, usage, outlook))
        for outcome, progress, made, usage, outlook in product(
            ENDS[status],
            (Progress(fraction=None, message=""), Progress(fraction=0.5, message="writing")),
            ((), ("shop-d1", "shop-m1")),
            (None, WriterUsage(writer="recorded"), SPENT),
            (None, Outlook(brief="second in its lane", full="second in its lane, about 2 minutes")),
        )
    ]


@pytest.mark.parametrize("status", get_args(JobStatus))
def test_the_agent_takes_every_view_of_a_job(status: JobStatus) -> None:
    for view in job_views(status):
        told = answer(view.model_dump(mode="json")).structured_content
        read = read_as(Job, told, "The job")

        assert read.status == status
        assert (read.spent and read.spent.tokens_in) == view.usage.get("tokens_in")
        assert (read.result is None) == (status != "completed")
