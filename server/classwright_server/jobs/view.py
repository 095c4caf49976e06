"""A job as a client sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from classwright_tools.domain.noun import Noun, ToolResult

JobStatus = Literal["queued", "running", "completed", "failed", "cancelled"]
FINISHED: frozenset[str] = frozenset(("completed", "failed", "cancelled"))


class JobView(ToolResult):
    """The state of a job; its result once it is completed, or what failed, why, and what repairs it."""

    job_id: str = ""
    """Empty where the call was answered at once, and is no job."""
    tool: str
    status: Annotated[JobStatus, WithJsonSchema({"type": "string"})]  # said once, in the instructions
    progress: float = Field(ge=0, le=1)
    message: str
    estimate: SkipJsonSchema[dict[str, Any]] = Field(default_factory=dict)
    """What it should take, a `CostEstimate`, told as soon as it has begun; each tool would repeat its schema."""
    result: dict[str, Any] | None = None
    """The tool's own, once it is completed."""
    error: str | None = None
    usage: dict[str, Any] = Field(default_factory=dict)
    """What it has spent so far on a language model, while it has no result that says so."""


class JobLine(Noun):
    """One job in a list."""

    job_id: str
    tool: str
    task: str | None
    status: Annotated[JobStatus, WithJsonSchema({"type": "string"})]
    progress: float = Field(ge=0, le=1)
    message: str
    created: datetime


class JobList(ToolResult):
    """The newest jobs first."""

    jobs: tuple[JobLine, ...]
    next_cursor: str | None = Field(default=None, description="Pass it as `cursor` for older jobs; null at the end.")
