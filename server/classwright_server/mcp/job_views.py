"""Jobs as their callers see them: one job with what to do next, and a page of many."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classwright_server.jobs.view import JobLine, JobList, JobView
from classwright_server.mcp.arguments import MAX_WAIT_SECONDS
from classwright_server.mcp.results import fits
from classwright_tools.domain.cost import CostEstimate, spoken
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.kinds import task_of

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord

DONE = "done"
_WORDS = ("summary", "next_step")


def view_of(record: JobRecord, root: Path | None = None) -> JobView:
    """Return the job as a client sees it, with what to do next.

    A client on this machine is told where in the workspace at `root` the files for a person are.
    """
    result = record.outcome.result if record.outcome else None
    error = record.outcome.error if record.outcome else None
    again = f"Call get_job with job_id={record.id!r} and wait_seconds={MAX_WAIT_SECONDS}."
    match record.status:
        case "queued":
            where = f": {record.outlook.full}" if record.outlook else "."
            summary, next_step = f"{record.tool} waits for its turn{where}", again
        case "running":
            summary, next_step = f"{record.tool} is running: {message_of(record)}.{_estimated(record)}", again
        case "completed":
            assert result is not None
            summary, next_step = result["summary"], result["next_step"] + _place(result, root)
        case "failed":
            summary, next_step = f"{record.tool} failed.", "Read the error, repair what it names, call the tool again."
        case "cancelled":
            summary, next_step = f"{record.tool} was {_cancelled(record)}.", "Call the tool again to start anew."
            if record.made:
                next_step = f"Go on with {record.made[-1]!r}, or call the tool again to start anew."
    return JobView(
        summary=summary,
        next_step=next_step,
        **_split(result),
        job_id=record.id,
        tool=record.tool,
        status=record.status,
        progress=_share(record),
        message=message_of(record),
        estimate=_estimate(record.progress.estimate),
        error=error,
        usage=record.usage.model_dump(exclude={"estimated_tokens", "completions_reused"}) if record.usage else {},
    )


def view_at_once(tool: str, result: dict[str, Any], root: Path | None = None) -> JobView:
    """Return the answer of a call that was no job, in the form of one that is completed; `root` as of `view_of`."""
    words = {"summary": result["summary"], "next_step": result["next_step"] + _place(result, root)}
    return JobView(**words, **_split(result), tool=tool, status="completed", progress=1.0, message=DONE)


def view_of_dry_run(tool: str, estimate: CostEstimate | None) -> JobView:
    """Return the answer of a call that only asked what it would take."""
    told = f"would take {estimate.in_words}" if estimate else "tells no estimate: it is done in seconds, or by you"
    return JobView(
        summary=f"Nothing was done. {tool} {told}.",
        next_step=f"Call {tool} without dry_run.",
        tool=tool,
        status="completed",
        progress=1.0,
        message=DONE,
        estimate=_estimate(estimate),
    )


def _place(result: dict[str, Any], root: Path | None) -> str:
    """Return the sentence on where the report or the export is that a call made, if there is one at `root`."""
    made = result.get("export") or result.get("report")
    folder = root / task_of(made) / made if root and isinstance(made, str) else None
    return f" On this machine its files are in {folder}." if folder and folder.is_dir() else ""


def _estimate(estimate: CostEstimate | None) -> dict[str, Any]:
    return estimate.model_dump(exclude_defaults=True) if estimate else {}


def _estimated(record: JobRecord) -> str:
    """Return a sentence that tells what a running job should have taken in all, if that was known before it began."""
    told = record.progress.estimate
    return f" Before it began the estimate was {told.in_words}." if told else ""


def _split(result: dict[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a view that come from a tool's result: what is told of the whole answer stands beside it.

    The words do so alone: an answer that says them twice costs its reader twice.
    """
    if result is None:
        return {"result": None}
    beside: dict[str, Any] = {name: result[name] for name in ("shown_in_part", "uris") if name in result}
    return {"result": {name: value for name, value in result.items() if name not in {*beside, *_WORDS}}, **beside}


def _share(record: JobRecord) -> float:
    """Return how much of a job is done, 0 to 1."""
    return 1.0 if record.status == "completed" else record.progress.fraction or 0.0


def message_of(record: JobRecord) -> str:
    """Return what a job is doing, or how it ended."""
    match record.status:
        case "completed":
            return DONE
        case "queued" if record.outlook:
            return record.outlook.brief
        case "cancelled" if record.made:
            return _cancelled(record)
        case "running" if record.progress.ends:
            return f"{record.progress.message}; {_left(record.progress.ends - time.time())}"
        case _:
            return record.progress.message or record.status


def _left(seconds: float) -> str:
    """Return what is left of a job now: it goes down also while the work tells nothing, in one long step."""
    return f"about {spoken(seconds)} left" if seconds > 0 else "it takes longer than was expected"


def _cancelled(record: JobRecord) -> str:
    """Return that a job was cancelled, and what it had made by then."""
    return f"cancelled, but had made {' and '.join(record.made)} by then" if record.made else "cancelled"


def _line(record: JobRecord) -> JobLine:
    return JobLine(
        job_id=record.id,
        tool=record.tool,
        task=record.task,
        status=record.status,
        progress=_share(record),
        message=shortened(message_of(record)),
        created=record.created,
    )


def _after_list(shown: int, offset: int) -> str:
    if shown:
        return "Call get_job with a job_id to see its result."
    return (
        "Call list_jobs without a cursor." if offset else "Call a tool, such as propose_topics: its job is listed here."
    )


def page_of(records: Sequence[JobRecord], limit: int, offset: int) -> JobList:
    """Return a page of at most `limit` jobs and as many as an answer holds; `records` are those from `offset` on."""
    lines = tuple(_line(record) for record in records)
    for shown in range(min(limit, len(lines)), -1, -1):
        page = JobList(
            summary=f"Jobs on this page: {shown}." if shown or offset else "There are no jobs yet.",
            next_step=_after_list(shown, offset),
            jobs=lines[:shown],
            next_cursor=str(offset + shown) if len(lines) > shown else None,
        )
        if shown <= 1 or fits(page.model_dump(mode="json")):
            break
    return page
