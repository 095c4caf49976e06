"""The accounts of a fault run: what became of the jobs, the rows, the completions and the artifacts."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.index import CompletionRow
from classwright_tools.workspace.workspace import Artifact, Workspace
from classwright_tools.writing.completions.retry import MOST_ASKS, sampling_seed
from classwright_tools.writing.prompts import render
from faulting.endpoint import PaidEndpoint, digest, paid_twice
from faulting.replicas import Kill
from faulting.work import Work

ADDED = {"synthesize_examples": "accepted", "import_examples": "imported"}
"""For each tool that adds rows, the field of its result that counts them."""
MASKED = "lies in Classwright"
"""What the server says of a failure that it did not expect."""


async def job_account(work: Work) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what became of every job, and the views of those that are over."""
    listed = {line["job_id"] for line in await work.listed()}
    views = [await work.call("get_job", {"job_id": job_id, "wait_seconds": 0}) for job_id in sorted(listed)]
    told = {job.id for job in work.jobs if job.id}
    refused = [job.view["error"] for job in work.jobs if job.id is None and job.view.get("error")]
    over = [view for view in views if view["status"] in ("completed", "failed")]
    errors = [view["error"] or "" for view in over if view["status"] == "failed"]
    account = {
        "made": len(listed),
        "finished": sum(view["status"] == "completed" for view in over),
        "finished_by_tool": dict(Counter(view["tool"] for view in over if view["status"] == "completed")),
        "failed_with_a_reason": sum(bool(error) and MASKED not in error for error in errors),
        "reasons": dict(Counter(map(_reason, errors)).most_common()),
        "calls_refused": dict(Counter(map(_reason, refused)).most_common()),
        "defects": sum(MASKED in error for error in (*errors, *refused)),
        "lost": len(told - listed) + len(views) - len(over) + errors.count(""),
    }
    return account, over


def row_account(workspace: Workspace, views: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return how many rows were accepted, how many of them are in no dataset any more, and how many are there twice."""
    accepted = lost = duplicate = 0
    for view in views:
        if view["status"] == "completed" and view["tool"] in ADDED and view["result"]["dataset"]:
            added = view["result"][ADDED[view["tool"]]]
            accepted += added
            lost += max(0, added - _added_to_parent(workspace, view["result"]["dataset"]))
    for task in workspace.tasks():
        versions = [list(_ids(workspace, artifact.id)) for artifact in workspace.artifacts(task, "dataset")]
        duplicate += sum(len(ids) - len(set(ids)) for ids in versions)
        if versions:
            lost += len(set().union(*versions) - set(versions[0]))  # the newest is the first
    return {"accepted": accepted, "lost": lost, "duplicate": duplicate}


def completion_account(workspace: Workspace, endpoint: PaidEndpoint, kills: Sequence[Kill]) -> dict[str, Any]:
    """Return what the endpoint was asked, and which completions were paid twice."""
    spans = [(kill.begin, kill.end) for kill in kills]
    in_flight, beyond = paid_twice(endpoint.servings, _stored(workspace), spans)
    return {
        "calls": endpoint.calls,
        "faults": dict(sorted(endpoint.faults.items())),
        "served": len(endpoint.servings),
        "paid_twice_in_flight_at_a_kill": in_flight,
        "paid_twice_beyond": beyond,
    }


def artifact_account(workspace: Workspace) -> dict[str, Any]:
    """Return how many artifacts there are, and which of them, or which folders, are not whole."""
    checked = 0
    halves: list[str] = []
    for task in workspace.tasks():
        artifacts = workspace.artifacts(task)
        folder = workspace.root / task
        on_disk = (
            {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.exists() else set()
        )
        halves += [f"{name}: is on the disk or in the index alone" for name in on_disk ^ {one.id for one in artifacts}]
        for artifact in artifacts:
            checked += 1
            halves += [f"{artifact.id}: {problem}" for problem in _problems(artifact)]
    return {"checked": checked, "half_written": len(halves), "which": halves[:20]}


def _problems(artifact: Artifact) -> Iterator[str]:
    """Yield what is wrong with an artifact's files: by their digests in its card, and by what they are."""
    files = [path for path in artifact.path.rglob("*") if path.is_file()]
    if not files:
        yield "has no files"
    card = artifact.path / "card.json"
    told = json.loads(card.read_bytes()).get("files", {}) if card.exists() else {}
    for name, sha256 in told.items():
        path = artifact.path / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"{name} is not what the card tells"
    for path in files:
        if not _is_whole(path):
            yield f"{path.name} is cut off"


def _is_whole(path: Path) -> bool:
    """Whether a file of a known form is complete."""
    content = path.read_bytes()
    match path.suffix:
        case ".json":
            return _reads(content)
        case ".jsonl":
            return content.endswith(b"\n") and all(_reads(line) for line in content.splitlines())
        case ".svg":
            return content.endswith(b"</svg>")
        case ".html":
            return content.rstrip().endswith(b"</html>")
        case ".parquet":
            return content.startswith(b"PAR1") and content.endswith(b"PAR1")
        case ".safetensors":
            header = int.from_bytes(content[:8], "little")
            tensors = json.loads(content[8 : 8 + header])
            ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
            return len(content) == 8 + header + max(ends, default=0)
    return True


def _reads(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _added_to_parent(workspace: Workspace, dataset: str) -> int:
    """Return how many rows a dataset holds that its parent does not."""
    parent = read_card(workspace, dataset).parent
    return len(set(_ids(workspace, dataset)) - set(_ids(workspace, parent) if parent else ()))


def _ids(workspace: Workspace, dataset: str) -> Iterator[str]:
    for split in SPLITS:
        yield from (row.id for row in read_rows(workspace, dataset, split))


def _stored(workspace: Workspace) -> dict[str, float]:
    """Return when the completion of each request was stored, in seconds since the epoch, by what the endpoint saw."""
    with Session(workspace.engine) as session:
        rows = session.execute(select(CompletionRow.request, CompletionRow.created)).all()
    stored: dict[str, float] = {}
    for written, created in rows:
        request = WritingRequest.model_validate(written)
        messages = [dict(message) for message in render.chat_messages(request)]
        at = (created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp()  # SQLite keeps no zone
        stored |= {digest(messages, sampling_seed(request, turn)): at for turn in range(MOST_ASKS)}
    return stored


def _reason(error: str) -> str:
    """Return an error without what differs from one time to the next."""
    return re.sub(r"\(incident [0-9a-f]+\)|job_[0-9a-f]+|\d+", "…", error)[:160]
