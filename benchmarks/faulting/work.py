"""The work of a fault run: jobs of every kind, and clients that follow them from server to server."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult

from classwright_server.jobs.view import FINISHED
from faulting.replicas import Replicas
from support.server import TASK, rows, topics

BASE = "support"
"""The task whose dataset and model the computing jobs use; it is made before the first kill."""
BASE_ROWS = 48
IMPORTED_ROWS = 40
WRITTEN_ROWS = 60
CELLS_A_LABEL = 10
TRAINING_SECONDS = 15.0
MOST_SLOWNESS = 4.0
CALL_SECONDS = 40.0
LOOK_SECONDS = 5
PAUSE_SECONDS = 0.5
TRIES = 4
WRITING_KINDS = ("synthesize", "import")

Arguments = dict[str, Any]


_MODEL = f"{BASE}-m1"
_TEXTS = [row["text"] for row in rows(20, 900)]

KINDS: dict[str, Callable[[int], tuple[str, Arguments]]] = {
    "synthesize": lambda n: ("synthesize_examples", {"task": f"written{n}", "rows": WRITTEN_ROWS}),
    "import": lambda n: (
        "import_examples",
        {"task": f"imported{n}", "split": "train", "rows": rows(IMPORTED_ROWS, 1000 * (n + 1))},
    ),
    "train probe": lambda n: ("train_classifier", {"task": BASE, "method": "probe", "seed": n}),
    "train contrastive": lambda n: (
        "train_classifier",
        {"task": BASE, "method": "contrastive", "epochs": 1, "seed": n},
    ),
    "evaluate": lambda _: ("evaluate", {"model": _MODEL, "split": "validation"}),
    "error_analysis": lambda _: ("error_analysis", {"model": _MODEL}),
    "gan_augment": lambda n: ("gan_augment", {"task": BASE, "method": "smote", "target": 40, "seeds": 1, "seed": n}),
    "export": lambda _: ("export_model", {"model": _MODEL, "onnx": False}),
    "classify": lambda _: ("classify", {"model": _MODEL, "texts": _TEXTS}),
}
"""For each kind of job, the tool and the arguments of its n-th job."""
COMPUTING_KINDS = tuple(kind for kind in KINDS if kind not in WRITING_KINDS)


class ToolRefused(Exception):
    """A tool's error, which says what is wrong."""


@dataclass
class Job:
    """A job as the client that called for it knows it."""

    kind: str
    tool: str
    arguments: Arguments
    id: str | None = None
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """What it was when it was last looked at."""
        return str(self.view.get("status", "queued"))

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whichever way."""
        return self.status in FINISHED


class Work:
    """Keeps servers at work with jobs of all kinds, each followed by a client of its own until it is over."""

    def __init__(self, replicas: Replicas, seed: int) -> None:
        self.jobs: list[Job] = []
        self.broken_calls = 0
        self.slowness = 1.0
        """How many times longer a training takes here, now, than on two idle cores."""
        self._replicas = replicas
        self._random = random.Random(seed)
        self._started: Counter[str] = Counter()
        self._stopping = False

    async def prepare(self) -> None:
        """Make the dataset and the model that the computing jobs use."""
        await self.follow("propose_topics", "propose_topics", {**TASK, **topics(1)})
        for split, count, first in (("train", BASE_ROWS, 0), ("validation", BASE_ROWS // 2, 500)):
            await self.follow("import", "import_examples", {"task": BASE, "split": split, "rows": rows(count, first)})
        started = time.monotonic()
        trained = await self.follow("train probe", "train_classifier", {"task": BASE, "method": "probe"})
        if trained.status != "completed":
            raise RuntimeError(f"the base could not be made: {trained.view}")
        self.slowness = min(MOST_SLOWNESS, max(1.0, (time.monotonic() - started) / TRAINING_SECONDS))

    async def lane(self, kinds: Sequence[str]) -> None:
        """Do one job of `kinds` after the other, always one of the kind begun least often, until `stop`."""
        while not self._stopping:
            kind = min(kinds, key=lambda kind: self._started[kind])
            self._started[kind] += 1
            await self._do(kind, self._started[kind])

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True

    def running(self) -> set[str]:
        """Return the kinds of the jobs that ran when they were last looked at."""
        return {job.kind for job in self.jobs if job.status == "running"}

    async def follow(self, kind: str, tool: str, arguments: Arguments) -> Job:
        """Start a job and return it when it is over."""
        job = Job(kind, tool, arguments)
        self.jobs.append(job)
        try:
            job.view = await self._submit(job)
            job.id = job.view["job_id"]
            while not job.is_over:
                job.view = await self.call("get_job", {"job_id": job.id, "wait_seconds": LOOK_SECONDS})
        except ToolRefused as refused:
            job.view = {"status": "failed", "error": str(refused)}
        return job

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the structured answer of the first server that gives one.

        Raises:
            ToolRefused: the tool answered with an error.
        """
        while True:
            answer = await self._try(tool, arguments)
            if answer is not None:
                return answer

    async def listed(self) -> list[dict[str, Any]]:
        """Return every job that the servers list."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = await self.call("list_jobs", {"limit": 50, "cursor": cursor})
            found += page["jobs"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    # --- inside

    async def _do(self, kind: str, number: int) -> None:
        tool, arguments = KINDS[kind](number)
        if kind in WRITING_KINDS:
            tree = {**TASK, "task": arguments["task"], **topics(CELLS_A_LABEL, f"case {number}")}
            await self._until_completed("propose_topics", "propose_topics", tree)
            await self._until_completed(kind, tool, arguments)
        else:
            await self.follow(kind, tool, arguments)

    async def _until_completed(self, kind: str, tool: str, arguments: Arguments) -> None:
        """Call again after each failure, as its text says, for as often as a patient user does."""
        for _ in range(TRIES):
            if (await self.follow(kind, tool, arguments)).status == "completed":
                return

    async def _submit(self, job: Job) -> dict[str, Any]:
        """Call for `job` without waiting; where the answer got lost with its server, find the job in the list."""
        while True:
            answer = await self._try(job.tool, {**job.arguments, "wait_seconds": 0})
            if answer is not None:
                return answer
            known = {other.id for other in self.jobs}
            page = await self.call("list_jobs", {"limit": 50})
            task = job.arguments.get("task", BASE)
            for line in page["jobs"]:
                if line["job_id"] not in known and (line["tool"], line["task"]) == (job.tool, task):
                    return {**line, "status": "queued"}

    async def _try(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer of one of the servers, or None if the call broke.

        Raises:
            ToolRefused: the tool answered with an error.
        """
        replica = self._random.choice(self._replicas.all)
        try:
            with anyio.fail_after(CALL_SECONDS):
                async with Client(replica.url) as client:
                    result = await client.call_tool(tool, dict(arguments))
        except Exception:  # noqa: BLE001  # a killed server breaks a call in many ways, and all are meant here
            self.broken_calls += 1
            await anyio.sleep(PAUSE_SECONDS)
            return None
        assert isinstance(result, CallToolResult)
        if result.is_error or result.structured_content is None:
            raise ToolRefused(str(result.content[0].text))  # type: ignore[union-attr]  # an error is one text
        return result.structured_content
