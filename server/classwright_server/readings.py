"""What the resources hold, read from a workspace: each function returns a resource's text or bytes."""

from __future__ import annotations

import json
from itertools import chain, islice

from classwright_server.answers import KIND_FOLDERS, artifact_uri
from classwright_server.files import KINDS, files_of, find_artifact, inner_path, main_document, part_of
from classwright_server.jobs.durable import JobRecord
from classwright_tools.domain.example import SPLITS
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.workspace.datasets import iterate_rows, read_card
from classwright_tools.workspace.workspace import KIND_LETTERS, Artifact, Workspace

MAX_ROWS = 200
NEWEST = 20


def tasks(workspace: Workspace) -> str:
    """Return the slugs and URIs of all tasks."""
    slugs = workspace.tasks()
    return json.dumps({"tasks": slugs, "uris": [f"classwright://{slug}" for slug in slugs]})


def job_result(record: JobRecord) -> str:
    """Return the whole result of a completed job.

    Raises:
        NotFound: it has none.
    """
    if record.outcome is None or record.outcome.result is None:
        raise NotFound(f"the result of job {record.id!r}", f"is not there: it is {record.status}", "Call get_job.")
    return json.dumps(record.outcome.result, ensure_ascii=False)


def task(workspace: Workspace, slug: str) -> str:
    """Return a task, the ids of its newest artifacts by kind, and the URI of the newest of each."""
    found = workspace.task(slug)
    newest = {
        kind: [artifact.id for artifact in workspace.artifacts(slug, kind, limit=NEWEST)]
        for kind in sorted(KINDS.values())
    }
    uris = {kind: artifact_uri(slug, KIND_LETTERS[kind], ids[0]) for kind, ids in newest.items() if ids}
    overview = {"task": found.model_dump(mode="json"), "newest_first": newest, "newest_uris": uris}
    return json.dumps(overview, ensure_ascii=False)


def files(workspace: Workspace, slug: str, id_: str) -> str:
    """Return the list of an artifact's files."""
    return files_of(find_artifact(workspace, slug, id_)).model_dump_json()


def part(workspace: Workspace, slug: str, id_: str, name: str, number: int) -> bytes:
    """Return part `number` of the file `name` of an artifact."""
    return part_of(find_artifact(workspace, slug, id_), name, number)


def page(workspace: Workspace, slug: str, id_: str) -> bytes:
    """Return the HTML page of a report."""
    return inner_path(_of_kind(workspace, slug, "reports", id_), "report.html").read_bytes()


def plot(workspace: Workspace, slug: str, id_: str, name: str) -> bytes:
    """Return the plot `name` of a report, as PNG."""
    return inner_path(_of_kind(workspace, slug, "reports", id_), f"{name}.png").read_bytes()


def artifact(workspace: Workspace, slug: str, folder: str, id_: str) -> str:
    """Return the JSON document of an artifact; `folder` is the plural of its kind."""
    return main_document(_of_kind(workspace, slug, folder, id_))


def rows(workspace: Workspace, slug: str, id_: str, split: str, wanted: slice) -> str:
    """Return the rows `wanted` of a split, how many there are, and where the next page begins.

    Raises:
        InvalidInput: there is no such split, or too many rows are wanted at once.
    """
    _of_kind(workspace, slug, "datasets", id_)
    if split not in SPLITS:
        raise InvalidInput(f"split {split[:40]!r}", "does not exist", f"Use one of {', '.join(SPLITS)}.")
    if wanted.start < 0 or not 1 <= wanted.stop - wanted.start <= MAX_ROWS:
        raise InvalidInput("offset and limit", "are out of bounds", f"offset is 0 or more, limit 1 to {MAX_ROWS}.")
    total = read_card(workspace, id_).rows(split)
    shown = islice(chain.from_iterable(iterate_rows(workspace, id_, split)), wanted.start, wanted.stop)
    page_rows = [row.model_dump(mode="json", exclude_none=True) for row in shown]
    end = wanted.start + len(page_rows)
    next_offset = end if end < total else None
    found = {"split": split, "total": total, "rows": page_rows, "next_offset": next_offset}
    return json.dumps(found, ensure_ascii=False)


def _of_kind(workspace: Workspace, slug: str, folder: str, id_: str) -> Artifact:
    """Return an artifact that lies in `folder`, such as "reports"."""
    found = find_artifact(workspace, slug, id_)
    its_folder = KIND_FOLDERS[KIND_LETTERS[found.kind]]
    if its_folder != folder:
        raise NotFound(
            f"{id_!r} in {folder[:40]!r}", "does not exist", f"Read classwright://{slug}/{its_folder}/{id_}."
        )
    return found
