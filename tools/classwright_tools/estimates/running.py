"""The run of a tool whose cost is told before, and measured for the next time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from classwright_tools.context import ToolContext
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.errors import Cancelled, ClasswrightError
from classwright_tools.estimates.estimating import MEMORY, estimate_of
from classwright_tools.estimates.expectation import guessed
from classwright_tools.estimates.guesses import LOADED
from classwright_tools.estimates.history import History
from classwright_tools.estimates.parts import Part
from classwright_tools.meter import LOADING, Meter
from classwright_tools.tool import ToolSpec

Q = TypeVar("Q", bound=ToolRequest)
R = TypeVar("R", bound=ToolResult)

logger = logging.getLogger("classwright.estimates")

_PEAK_IS_RESET_BY = "5"  # see proc(5), /proc/pid/clear_refs


def estimated(tool: ToolSpec[Q, R], request: Q, context: ToolContext) -> CostEstimate | None:
    """Return what a call should take; None for a tool that nothing is told of.

    At the first use of an encoder on this machine its pace is measured, which takes some seconds.

    Raises:
        ClasswrightError: what the request names does not exist or does not fit, as the call itself would say.
    """
    if tool.workload is None:
        return None
    workload = tool.workload(request, context)
    if workload.loads:  # the job's own process may be a new one
        workload = replace(workload, parts=(*workload.parts, Part(LOADING, 1, LOADED)))
    return estimate_of(workload, History(context.workspace.engine))


def run_told(tool: ToolSpec[Q, R], request: Q, context: ToolContext, tell: Callable[[CostEstimate], None]) -> R:
    """Run a tool, having told what it should take, and keep what it took.

    A run that was begun before is not measured: it finds much done already.
    """
    if tool.workload is None:
        return tool.run(request, context)
    is_new = not any(context.workspace.made_by(context.run_key, kind) for kind in tool.makes)
    history = History(context.workspace.engine)
    try:
        workload = tool.workload(request, context)
        tell(estimate_of(workload, history))
    except Cancelled:
        raise
    except ClasswrightError:  # the tool itself says what is wrong
        return tool.run(request, context)
    except Exception:  # a job does not fail because its cost could not be told
        logger.exception("the cost of %s could not be told", tool.name)
        return tool.run(request, context)
    meter = Meter()
    _reset_peak()
    with meter.running(), meter.of(workload.own.kind, workload.own.units) as own:
        result = tool.run(request, context)
    for part in workload.parts:
        if part.kind in meter.kinds:
            meter.kinds[part.kind].counts.update({guessed(name): count for name, count in part.counts.items()})
    peak = _peak_mb()
    if peak:
        own.counts[MEMORY] = peak
    if is_new:
        with suppress(SQLAlchemyError):  # nor because it could not be kept
            history.add(meter)
    return result


def _reset_peak() -> None:
    """Let the most memory that this process has held begin anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_PEAK_IS_RESET_BY, encoding="ascii")


def _peak_mb() -> int | None:
    """Return the most memory that this process has held since, in megabytes; None where the system does not tell."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        held = next(line for line in lines if line.startswith("VmHWM:"))
        return int(held.split()[1]) // 1024
    return None
