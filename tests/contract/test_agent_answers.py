"""What the agent reads of an answer is what the tools answer: the two are written down apart, and meet here."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from classwright_agents.answers import RESULTS, Answer, Job, Jobs, Report, Row
from classwright_server.jobs.view import JobList, JobView
from classwright_server.verbs import VERBS
from classwright_tools.domain.example import Example
from classwright_tools.measurement.evaluation import EvaluationReport


def inner(annotation: Any, base: type[BaseModel]) -> type[BaseModel] | None:
    """The model in an annotation such as `tuple[Model, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, base):
        return annotation
    return next((found for part in get_args(annotation) if (found := inner(part, base))), None)


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
        own, its = inner(field.annotation, Answer), inner(of_tool, BaseModel)
        if own and its:
            found += missing(own, its, f"{path}{name}.")
    return found


@pytest.mark.parametrize("tool", RESULTS)
def test_the_agent_reads_what_a_tool_answers(tool: str) -> None:
    assert missing(RESULTS[tool], VERBS[tool].result) == []


def test_the_agent_reads_what_jobs_reports_and_rows_are_told_as() -> None:
    assert missing(Job, JobView) == []
    assert missing(Jobs, JobList) == []
    assert missing(Report, EvaluationReport) == []
    assert missing(Row, Example) == ["label may be null", "provenance may be null"]  # and are then left out of a page
