"""The resources: tasks, cards, reports and their pages, rows of datasets, jobs' results, files in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import MCPServer

from classwright_server.backend import Backend
from classwright_server.mcp.apps import ANY_PAGE, APP_MIME_TYPE, read_any_page
from classwright_server.mcp.errors import resource_errors
from classwright_server.mcp.mime_types import BYTES, JSON, is_text
from classwright_server.mcp.resource_requests import ResourceRequests
from classwright_server.mcp.skills_extension import SKILL_URI
from classwright_server.sanitize import escaped_json
from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.uris import TASKS_URI, job_uri

FILE = "classwright://{task}/artifacts/{artifact}/files/{name}"
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
    """Register the resources, and what answers for the rest. A URI is read by the first offer that it fits."""
    shelf = Shelf(backend)
    offers = (
        Offer(TASKS_URI, shelf.tasks, "Tasks", "Every task of the workspace, with the model in use."),
        Offer(
            "classwright://jobs/{job_id}/result",
            shelf.job_result,
            "A job's result",
            "The whole result of a completed job, or the whole of an answer that says so in `uris`.",
        ),
        Offer("classwright://{task}", shelf.task, "A task", "The task, the model in use, and what happened."),
        Offer(
            "classwright://{task}/artifacts/{artifact}/files",
            shelf.files,
            "An artifact's files",
            "Names, sizes, SHA-256 and number of parts of the files of a model, dataset, report or export.",
        ),
        Offer(
            FILE,
            shelf.file,
            "A file",
            "A file of at most 3 MiB, whole, a plain text as text, else as a blob; its name percent-encoded.",
            BYTES,
        ),
        Offer(
            f"{FILE}/{{part}}",
            shelf.file_part,
            "A part of a file",
            "At most 3 MiB of a file, as a blob; parts are numbered from 0.",
            BYTES,
        ),
        Offer(
            "classwright://{task}/reports/{artifact}/report.html",
            shelf.report_page,
            "A report's page",
            "The report with its charts, as one HTML page.",
            "text/html",
        ),
        Offer(
            "classwright://{task}/reports/{artifact}/{chart}.svg",
            shelf.report_chart,
            "A report's chart",
            "A chart of a report, such as confusion.svg.",
            "image/svg+xml",
        ),
        Offer(
            "classwright://{task}/datasets/{artifact}/{split}{?offset,limit,label,q}",
            shelf.rows,
            "Rows of a dataset",
            "Rows of a split ('train', 'validation', 'test', 'unlabelled') as JSON, page by page, also of one label or "
            "with the words q in them.",
        ),
        Offer(
            "classwright://{task}/{kind}/{artifact}",
            shelf.artifact,
            "An artifact",
            "The card of a dataset or model, a report, a topic tree, a plan, an assignment or generated rows, as JSON. "
            f"Kinds: {', '.join(kind.folder for kind in KINDS.values())}.",
        ),
        Offer(
            ANY_PAGE, read_any_page, "The review page", "Rows to look at and correct, in a host's frame.", APP_MIME_TYPE
        ),
    )
    server.middleware.append(ResourceRequests([*(offer.uri for offer in offers), SKILL_URI], files=FILE))
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
        return await self._read(TASKS_URI, lambda readers, workspace: readers.tasks(workspace))

    async def job_result(self, job_id: str) -> str:
        """Return the whole result of a job, or the answer of a tool that is none."""
        with resource_errors(job_uri(job_id)):
            root = (await self._backend.workspace()).root
            from classwright_server.mcp.long_answers import kept_answer
            from classwright_server.mcp.resource_readers import job_result

            kept = await anyio.to_thread.run_sync(kept_answer, root, job_id)
            return escaped_json(kept or job_result(await self._backend.record(job_id)))

    async def task(self, task: str) -> str:
        """Return a task, the model in use, and what happened."""
        return await self._read(f"classwright://{task}", lambda readers, workspace: readers.task(workspace, task))

    async def files(self, task: str, artifact: str) -> str:
        """Return the list of an artifact's files."""
        uri = f"classwright://{task}/artifacts/{artifact}/files"
        return await self._read(uri, lambda readers, workspace: readers.files(workspace, task, artifact))

    async def file(self, task: str, artifact: str, name: str) -> str | bytes:
        """Return a file, whole and as it is: people keep it, and compare its SHA-256.

        What no reader would see comes as bytes: a client may show a model any text that it is sent.
        """
        uri = f"classwright://{task}/artifacts/{artifact}/files/{name}"
        content: bytes = await self._called(
            uri, lambda readers, workspace: readers.file(workspace, task, artifact, name)
        )
        try:
            text = content.decode() if is_text(name) else None
        except UnicodeDecodeError:
            return content
        if text is None:
            return content
        lines = text.replace("\r\n", "\n")
        return text if plain_text(lines) == lines else content

    async def file_part(self, task: str, artifact: str, name: str, part: str) -> str | bytes:
        """Return a part of a file, or a file in a folder whose name was not percent-encoded."""
        if not _is_number(part):
            return await self.file(task, artifact, f"{name}/{part}")
        uri = f"classwright://{task}/artifacts/{artifact}/files/{name}/{part}"
        return await self._called(
            uri, lambda readers, workspace: readers.part(workspace, task, artifact, name, int(part))
        )

    async def report_page(self, task: str, artifact: str) -> str:
        """Return the page of a report."""
        uri = f"classwright://{task}/reports/{artifact}/report.html"
        page = await self._called(uri, lambda readers, workspace: readers.page(workspace, task, artifact))
        return plain_text(page.decode())

    async def report_chart(self, task: str, artifact: str, chart: str) -> str:
        """Return a chart of a report."""
        uri = f"classwright://{task}/reports/{artifact}/{chart}.svg"
        drawn = await self._called(uri, lambda readers, workspace: readers.chart(workspace, task, artifact, chart))
        return plain_text(drawn.decode())

    async def rows(
        self, task: str, artifact: str, split: str, offset: str = "0", limit: str = "50", label: str = "", q: str = ""
    ) -> str:
        """Return a page of a dataset's rows."""
        uri = f"classwright://{task}/datasets/{artifact}/{split}"
        page = (int(offset) if _is_number(offset) else -1, int(limit) if _is_number(limit) else -1)
        return await self._read(
            uri, lambda readers, workspace: readers.rows(workspace, task, artifact, split, page, label, q)
        )

    async def artifact(self, task: str, kind: str, artifact: str) -> str:
        """Return the JSON document that describes an artifact."""
        uri = f"classwright://{task}/{kind}/{artifact}"
        return await self._read(uri, lambda readers, workspace: readers.artifact(workspace, task, kind, artifact))

    async def _read(self, uri: str, read: Callable[[Any, Any], str]) -> str:
        """Return the JSON that `read` returns, with escapes for what would not be seen."""
        return escaped_json(await self._called(uri, read))

    async def _called(self, uri: str, read: Callable[[Any, Any], T]) -> T:
        """Call `read` with the module of readers and the workspace, in a thread; failures become resource errors."""
        with resource_errors(uri):
            workspace = await self._backend.workspace()
            # It needs the workspace's libraries: not before they are needed.
            from classwright_server.mcp import resource_readers

            return await anyio.to_thread.run_sync(read, resource_readers, workspace)


def _is_number(text: str) -> bool:
    """Whether `text` is a whole number that a machine can count to."""
    return text.removeprefix("-").isdecimal() and len(text) < 18
