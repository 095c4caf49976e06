"""What a client can read: tasks, cards, reports and their pages, rows of datasets, jobs' results, files in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import MCPServer

from classwright_server.backend import Backend
from classwright_server.errors import resource_errors
from classwright_server.told import escaped_json
from classwright_tools.domain.invisible import plain_text

JSON = "application/json"
T = TypeVar("T")


@dataclass(frozen=True)
class Offer:
    """One kind of resource: its URI, the function that reads it, and what a client is told of it."""

    uri: str
    read: Callable[..., Any]
    title: str
    description: str
    mime_type: str = JSON


def add_resources(server: MCPServer[Backend], backend: Backend) -> None:
    """Register the resources. A URI is read by the first offer that it fits."""
    shelf = Shelf(backend)
    offers = (
        Offer("classwright://tasks", shelf.tasks, "Tasks", "Every task of the workspace."),
        Offer(
            "classwright://jobs/{job_id}/result",
            shelf.job_result,
            "A job's result",
            "The whole result of a completed job, also what its answer left out.",
        ),
        Offer("classwright://{task}", shelf.task, "A task", "The task and its newest artifacts."),
        Offer(
            "classwright://{task}/artifacts/{artifact}/files",
            shelf.files,
            "An artifact's files",
            "Names, sizes, SHA-256 and number of parts of the files of a model, dataset, report or export.",
        ),
        Offer(
            "classwright://{task}/artifacts/{artifact}/files/{name}/{part}",
            shelf.file_part,
            "A part of a file",
            "At most 3 MiB of a file, as a blob; its name percent-encoded, parts numbered from 0.",
            "application/octet-stream",
        ),
        Offer(
            "classwright://{task}/reports/{artifact}/report.html",
            shelf.report_page,
            "A report's page",
            "The report with its plots, as one HTML page.",
            "text/html",
        ),
        Offer(
            "classwright://{task}/reports/{artifact}/{plot}.png",
            shelf.report_plot,
            "A report's plot",
            "A plot of a report, such as confusion.png.",
            "image/png",
        ),
        Offer(
            "classwright://{task}/datasets/{artifact}/{split}{?offset,limit}",
            shelf.rows,
            "Rows of a dataset",
            "Rows of a split ('train', 'validation', 'test', 'unlabelled'), page by page, as JSON.",
        ),
        Offer(
            "classwright://{task}/{kind}/{artifact}",
            shelf.artifact,
            "An artifact",
            "The card of a dataset or model, a report, a topic tree, a plan an assignment or generated rows, as JSON. "
            "Kinds: datasets, models, reports, topics, plans, assignments, exports, augmentations.",
        ),
    )
    for offer in offers:
        register = server.resource(
            offer.uri, title=offer.title, description=offer.description, mime_type=offer.mime_type
        )
        register(offer.read)


class Shelf:
    """Reads resources. The parameters of a method are the placeholders of its URI."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def tasks(self) -> str:
        """Return the tasks of the workspace."""
        return await self._read("classwright://tasks", lambda readings, workspace: readings.tasks(workspace))

    async def job_result(self, job_id: str) -> str:
        """Return the whole result of a job."""
        uri = f"classwright://jobs/{job_id}/result"
        with resource_errors(uri):
            record = await self._backend.record(job_id)
            from classwright_server.readings import job_result

            return escaped_json(job_result(record))

    async def task(self, task: str) -> str:
        """Return a task and its newest artifacts."""
        return await self._read(f"classwright://{task}", lambda readings, workspace: readings.task(workspace, task))

    async def files(self, task: str, artifact: str) -> str:
        """Return the list of an artifact's files."""
        uri = f"classwright://{task}/artifacts/{artifact}/files"
        return await self._read(uri, lambda readings, workspace: readings.files(workspace, task, artifact))

    async def file_part(self, task: str, artifact: str, name: str, part: int) -> bytes:
        """Return a part of a file."""
        uri = f"classwright://{task}/artifacts/{artifact}/files/{name}/{part}"
        return await self._read(uri, lambda readings, workspace: readings.part(workspace, task, artifact, name, part))

    async def report_page(self, task: str, artifact: str) -> str:
        """Return the page of a report."""
        uri = f"classwright://{task}/reports/{artifact}/report.html"
        page = await self._read(uri, lambda readings, workspace: readings.page(workspace, task, artifact))
        return plain_text(page.decode())

    async def report_plot(self, task: str, artifact: str, plot: str) -> bytes:
        """Return a plot of a report."""
        uri = f"classwright://{task}/reports/{artifact}/{plot}.png"
        return await self._read(uri, lambda readings, workspace: readings.plot(workspace, task, artifact, plot))

    async def rows(self, task: str, artifact: str, split: str, offset: int = 0, limit: int = 50) -> str:
        """Return a page of a dataset's rows."""
        uri = f"classwright://{task}/datasets/{artifact}/{split}"
        page = slice(offset, offset + limit)
        return await self._read(uri, lambda readings, workspace: readings.rows(workspace, task, artifact, split, page))

    async def artifact(self, task: str, kind: str, artifact: str) -> str:
        """Return the JSON document that describes an artifact."""
        uri = f"classwright://{task}/{kind}/{artifact}"
        return await self._read(uri, lambda readings, workspace: readings.artifact(workspace, task, kind, artifact))

    async def _read(self, uri: str, read: Callable[[Any, Any], T]) -> T:
        """Call `read` with the module of readings and the workspace, in a thread; failures become resource errors."""
        with resource_errors(uri):
            workspace = await self._backend.workspace()
            from classwright_server import readings  # it needs the workspace's libraries: not before they are needed

            found = await anyio.to_thread.run_sync(read, readings, workspace)
            return escaped_json(found) if isinstance(found, str) else found  # type: ignore[return-value]  # text as text
