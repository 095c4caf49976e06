"""Readers of resources: each function returns a resource's text or bytes from a workspace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain, islice

from classwright_server.jobs.records import JobRecord
from classwright_server.mcp.files import file_of, files_of, find_artifact, inner_path, main_document, part_of
from classwright_tools.chronicle.events import events, happened
from classwright_tools.chronicle.task_lines import readable_line
from classwright_tools.domain.example import SPLITS, Example
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.uris import artifact_uri, task_uri
from classwright_tools.errors import InvalidInput, NotFound, unknown_id
from classwright_tools.workspace.datasets import iterate_rows, read_card
from classwright_tools.workspace.workspace import Artifact, Workspace

MAX_ROWS = 200
MAX_OFFSET = 10**12
NEWEST = 50
"""Events of a task; find_examples tells all, page by page."""


def tasks(workspace: Workspace) -> str:
    """Return the slugs and URIs of all tasks, and what one learns first of each."""
    slugs = workspace.tasks()
    lines = [readable_line(workspace, slug).model_dump(mode="json") for slug in slugs]
    overview = {"tasks": slugs, "uris": [task_uri(slug) for slug in slugs], "in_short": lines}
    return json.dumps(overview, ensure_ascii=False)


def job_result(record: JobRecord) -> str:
    """Return the whole result of a completed job, but for its picture, which get_job shows.

    Raises:
        NotFound: it has none.
    """
    if record.outcome is None or record.outcome.result is None:
        raise NotFound(f"the result of job {record.id!r}", f"is not there: it is {record.status}", "Call get_job.")
    page = {name: value for name, value in record.outcome.result.items() if name != "picture"}
    return json.dumps(page, ensure_ascii=False)


def task(workspace: Workspace, slug: str) -> str:
    """Return a task, what one learns first of it, what happened in it last, and the URI of the newest of each kind."""
    found = workspace.task(slug)
    newest = {kind: workspace.latest(kind, slug) for kind in sorted(KINDS)}
    made = happened(workspace, slug)
    overview = {
        "task": found.model_dump(mode="json"),
        "in_short": readable_line(workspace, slug).model_dump(mode="json"),
        "history": [event.model_dump(mode="json") for event in events(workspace, made[:NEWEST])],
        "events": len(made),
        "in_all": {kind: there.number for kind, there in newest.items() if there},  # numbered from 1, without gaps
        "newest_uris": {kind: artifact_uri(there.id) for kind, there in newest.items() if there},
    }
    return json.dumps(overview, ensure_ascii=False)


def files(workspace: Workspace, slug: str, id_: str) -> str:
    """Return the list of an artifact's files."""
    return files_of(find_artifact(workspace, slug, id_)).model_dump_json()


def part(workspace: Workspace, slug: str, id_: str, name: str, number: int) -> bytes:
    """Return part `number` of the file `name` of an artifact."""
    return part_of(find_artifact(workspace, slug, id_), name, number)


def file(workspace: Workspace, slug: str, id_: str, name: str) -> bytes:
    """Return the file `name` of an artifact, whole."""
    return file_of(find_artifact(workspace, slug, id_), name)


def page(workspace: Workspace, slug: str, id_: str) -> bytes:
    """Return the HTML page of a report."""
    return inner_path(_of_kind(workspace, slug, "reports", id_), "report.html").read_bytes()


def chart(workspace: Workspace, slug: str, id_: str, name: str) -> bytes:
    """Return the chart `name` of a report, as SVG."""
    return inner_path(_of_kind(workspace, slug, "reports", id_), f"{name}.svg").read_bytes()


def artifact(workspace: Workspace, slug: str, folder: str, id_: str) -> str:
    """Return the JSON document of an artifact; `folder` is the plural of its kind."""
    return main_document(_of_kind(workspace, slug, folder, id_))


def rows(
    workspace: Workspace, slug: str, id_: str, split: str, page_of: tuple[int, int], label: str, words: str
) -> str:
    """Return a page of a split's rows, how many there are, and where the next page begins.

    The page is told by its offset and its most rows. Only rows with `label` are counted and shown if it is not "", and
    only those with `words` in them, in upper or lower case.

    Raises:
        NotFound: the task has no such label.
        InvalidInput: there is no such split, or too many rows are wanted at once.
    """
    _of_kind(workspace, slug, "datasets", id_)
    if split not in SPLITS:
        raise InvalidInput(f"split {split[:40]!r}", "does not exist", f"Use one of {', '.join(SPLITS)}.")
    offset, limit = page_of
    if not 0 <= offset <= MAX_OFFSET or not 1 <= limit <= MAX_ROWS:
        bounds = f"offset is 0 to {MAX_OFFSET:,}, limit 1 to {MAX_ROWS}."
        raise InvalidInput("offset and limit", "are out of bounds", bounds)
    known = workspace.task(slug).label_names
    if label and label not in known:
        raise unknown_id("label", label, known)
    there: Iterable[Example] = chain.from_iterable(iterate_rows(workspace, id_, split))
    total = read_card(workspace, id_).rows(split)
    if label or words:
        found = [row for row in there if _has(row, label, words)]
        there, total = found, len(found)
    page_rows = [row.model_dump(mode="json", exclude_none=True) for row in islice(there, offset, offset + limit)]
    end = offset + len(page_rows)
    page = {"split": split, "total": total, "rows": page_rows, "next_offset": end if end < total else None}
    return json.dumps(page, ensure_ascii=False)


def _has(row: Example, label: str, words: str) -> bool:
    return label in ("", row.label, *(row.labels or ())) and words.casefold() in row.shown.casefold()


def _of_kind(workspace: Workspace, slug: str, folder: str, id_: str) -> Artifact:
    """Return an artifact that lies in `folder`, such as "reports"."""
    folders = {kind.folder for kind in KINDS.values()}
    if folder not in folders:
        raise unknown_id("kind of artifact", folder, folders)
    found = find_artifact(workspace, slug, id_)
    if KINDS[found.kind].folder != folder:
        raise NotFound(f"{id_!r} in {folder[:40]!r}", "does not exist", f"Read {artifact_uri(id_)}.")
    return found
