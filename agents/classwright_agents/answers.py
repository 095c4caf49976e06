"""Reading of answers: each is checked against its type before anything is done with it.

A server may be older, newer, or not a Classwright server at all. A field that this version does not know is left aside;
one that is missing or of another type is refused in a sentence. The types of the tools' results are those of
`classwright_tools.contract`; those of what the server adds around them stand here.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, RootModel, ValidationError

from classwright_agents.errors import ServerError
from classwright_tools.contract import Example, Part, ProposeTopicsResult, WriterUsage


class TopicsResult(ProposeTopicsResult):
    """The result of `propose_topics`, of a server with a writer or without one."""

    usage: WriterUsage | None = None


class Job(BaseModel):
    """A job as the server tells of it."""

    job_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    progress: float | None = None
    message: str = ""
    error: str | None = None
    usage: WriterUsage | Annotated[dict[str, Any], Field(max_length=0)] | None = None
    shown_in_part: dict[str, Part] = {}
    summary: str = ""
    next_step: str = ""
    result: dict[str, Any] | None = None

    @property
    def whole(self) -> dict[str, Any]:
        """The tool's own result, with what a view of a job has beside it: the words, and what it shows in part."""
        parts = {name: part.model_dump() for name, part in self.shown_in_part.items()}
        beside = {"summary": self.summary, "next_step": self.next_step} | ({"shown_in_part": parts} if parts else {})
        return beside | (self.result or {})

    @property
    def is_working(self) -> bool:
        """Whether it has not ended."""
        return self.status in ("queued", "running")

    @property
    def spent(self) -> WriterUsage | None:
        """What it has spent so far; None if it has a result, which tells it, or spent nothing."""
        return self.usage if isinstance(self.usage, WriterUsage) else None


class JobLine(BaseModel):
    """A job in a list."""

    job_id: str
    tool: str


class Jobs(BaseModel):
    """The result of `list_jobs`."""

    jobs: list[JobLine]


class Rows(BaseModel):
    """A page of a dataset's rows."""

    total: Annotated[int, Field(ge=0)]
    rows: list[Example]


WholeResult = RootModel[dict[str, Any]]
"""The result of a job that its answer has only in part."""

A = TypeVar("A", bound=BaseModel)


def read_as(model: type[A], answer: Any, subject: str) -> A:
    """Return `answer`, a value or JSON in bytes, as a `model`; fields that it does not have are left aside.

    Raises:
        ServerError: it is not what a Classwright server answers.
    """
    try:
        value = json.loads(answer) if isinstance(answer, bytes) else answer
        # As strict JSON once more: Python's reader takes NaN and infinite numbers, which no figure may be.
        return model.model_validate_json(json.dumps(value, allow_nan=False), extra="ignore")
    except (ValueError, TypeError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "it is no JSON"}
        place = " ".join((".".join(map(str, first["loc"]))[:80], str(first["msg"])[:120]))
        reason = f"is not what a Classwright server answers ({place.strip()})"
        raise ServerError(subject, reason, "Connect to a Classwright server of this version.") from error
