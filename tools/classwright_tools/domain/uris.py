"""The URIs under which the server shows artifacts, their files and the results of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from classwright_tools.domain.kinds import kind_of, task_of

TASKS_URI = "classwright://tasks"


def task_uri(task: str) -> str:
    """Return the URI of a task: its labels, the model in use, and what happened in it."""
    return f"classwright://{task}"


def artifact_uri(id_: str) -> str:
    """Return the URI of an artifact's document, whose kind follows from the letter in its id."""
    kind = kind_of(id_)
    assert kind, f"{id_!r} is no artifact's id"
    return f"{task_uri(task_of(id_))}/{kind.folder}/{id_}"


def files_uri(id_: str) -> str:
    """Return the URI of the list of an artifact's files."""
    return f"{task_uri(task_of(id_))}/artifacts/{id_}/files"


def file_uri(id_: str, name: str) -> str:
    """Return the URI of the file `name` of an artifact, which is read whole."""
    return f"{files_uri(id_)}/{quote(name, safe='')}"


def job_uri(job_id: str) -> str:
    """Return the URI of the whole result of a job."""
    return f"classwright://jobs/{job_id}/result"


def uris_of(ids: Mapping[str, str]) -> dict[str, str]:
    """Return the URI of each of the artifacts `ids` by the name of its field; a report's page and a README too."""
    uris = {}
    for name, id_ in ids.items():
        kind = kind_of(id_)
        if kind is None:
            continue
        uris[name] = artifact_uri(id_)
        if kind.name == "report":
            uris["page"] = f"{uris[name]}/report.html"
        if kind.name == "export":
            uris["readme"] = file_uri(id_, "README.md")
    return uris
