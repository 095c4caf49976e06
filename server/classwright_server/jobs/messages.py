"""Messages between the server and its processes, one JSON line each."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from classwright_server.config.settings import ToolSettings
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.noun import Noun

READY = b"ready"
"""What a fork server says once it forks without delay."""


class Order(Noun):
    """A verb to run: from the server to the process."""

    run_key: str
    tool_settings: ToolSettings
    owner: str | None = Field(default=None, description="Whose workspace it works in; None is the operator's.")
    tool: str
    request: dict[str, Any]
    dry_run: bool = Field(default=False, description="Only what it would take is asked for.")


class Progress(Noun):
    """How far it is: from the process to the server, a few times a second at most."""

    fraction: float | None = Field(default=None, ge=0, le=1)
    message: str = ""
    ends: float | None = Field(default=None, description="When it should be done, in seconds since the epoch.")
    estimate: CostEstimate | None = Field(default=None, description="Of the whole; told once, at its beginning.")


class Outcome(Noun):
    """How a verb ended: with its result, or with an error that says what repairs it."""

    result: dict[str, Any] | None = None
    estimate: CostEstimate | None = Field(default=None, description="What a dry run comes to.")
    error: str | None = None
    defect: bool = Field(default=False, description="The error is not the verb's own: it broke, or its process did.")
    gpu_was_full: bool = Field(default=False, description="The error is that the GPU had no room for the work.")
    memory: int = Field(default=0, ge=0, description="Bytes that the process has grown by; 0 if unknown.")


class Message(Noun):
    """One line of the process."""

    progress: Progress | None = None
    outcome: Outcome | None = None
