"""The verb `sleep_a_while`, for the benchmark of workers: a job that takes a time and no processor."""

from __future__ import annotations

import time

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import computing


class SleepRequest(ToolRequest):
    """How long."""

    seconds: float = Field(ge=0, le=60)


class SleepResult(ToolResult):
    """When it began and ended, in seconds of the machine's clock."""

    began: float
    ended: float


def sleep_a_while(request: SleepRequest, _context: ToolContext) -> SleepResult:
    """Sleep, and say when."""
    began = time.time()
    time.sleep(request.seconds)
    return SleepResult(summary="It slept.", next_step="None.", began=began, ended=time.time())


TOOL = ToolSpec(
    run=sleep_a_while,
    request=SleepRequest,
    result=SleepResult,
    work=lambda _request, _sizes: computing(0),
    text=ToolText(title="Sleep", description="Sleep a while."),
)
