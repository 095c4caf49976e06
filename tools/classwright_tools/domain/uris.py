"""The URIs under which the server shows artifacts, their files and the results of jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

KIND_FOLDERS = {
    "d": "datasets",
    "m": "models",
    "r": "reports",
    "t": "topics",
    "p": "plans",
    "a": "assignments",
    "x": "exports",
    "g": "augmentations",
}
_ARTIFACT = re.compile(r"^(?P<task>[a-z][a-z0-9_]{0,39})-(?P<letter>[dmrtpaxg])[0-9]{1,9}$")
_NAMING = ("dataset", "model", "report", "topic_tree", "plan", "assignment", "export", "augmentation")


def task_uri(task: str) -> str:
    """Return the URI of a task: its labels, and its newest artifacts."""
    return f"classwright://{task}"


def artifact_uri(id_: str) -> str:
    """Return the URI of an artifact's document, whose kind is told by the letter in its id."""
    found = _ARTIFACT.match(id_)
    assert found, f"{id_!r} is no artifact's id"
    return f"{task_uri(found['task'])}/{KIND_FOLDERS[found['letter']]}/{id_}"


def files_uri(id_: str) -> str:
    """Return the URI of the list of an artifact's files."""
    return f"{task_uri(id_.rpartition('-')[0])}/artifacts/{id_}/files"


def file_uri(id_: str, name: str) -> str:
    """Return the URI of the file `name` of an artifact, which is read whole."""
    return f"{files_uri(id_)}/{quote(name, safe='')}"


def job_uri(job_id: str) -> str:
    """Return the URI of the whole result of a job."""
    return f"classwright://jobs/{job_id}/result"


def uris_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the URI of each artifact that a result names in a field of its own, by the field; pages and files too."""
    uris = {}
    for name in _NAMING:
        id_ = fields.get(name)
        found = _ARTIFACT.match(id_) if isinstance(id_, str) else None
        if found:
            uris[name] = artifact_uri(found[0])
            if found["letter"] == "r":
                uris["page"] = f"{uris[name]}/report.html"
            if found["letter"] == "x":
                uris["readme"] = file_uri(found[0], "README.md")
    return uris
