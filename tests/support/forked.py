"""Compute processes of a test's own, and a tool that tells what the process that runs it is like."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psutil

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.fork_server import LIBRARIES
from classwright_server.jobs.messages import Order, Outcome
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.warm import WarmProcesses
from classwright_tools.work import Lane

TELLING = '''
"""A tool that tells what its process is like. It makes what is made of embeddings, or so it says."""
import gc, os, subprocess, sys, threading, time
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import computing

class Request(ToolRequest):
    sleeps: bool = False
    exits: int | None = None
    starts: bool = False
    fails: str | None = None

class Result(ToolResult):
    parent: int
    environment: dict[str, str]
    libraries: bool
    collects: bool
    threads: int
    descriptors: int
    niceness: int
    started: int | None

def tell_process(request, context):
    while request.sleeps:
        time.sleep(1)
    if request.exits is not None:
        os._exit(request.exits)
    if request.fails is not None:
        raise ValueError(request.fails)
    print("a library that prints", flush=True)
    started = subprocess.Popen(["sleep", "1000"]).pid if request.starts else None
    return Result(
        summary="told", next_step="none", parent=os.getppid(), environment=dict(os.environ),
        libraries="sentence_transformers" in sys.modules, collects=gc.isenabled(), threads=threading.active_count(),
        descriptors=len(os.listdir("/proc/self/fd")) - 1, niceness=os.nice(0), started=started,
    )

TOOL = ToolSpec(
    run=tell_process, request=Request, result=Result, work=lambda *_: computing(0), makes=("annotation",),
    text=ToolText(title="Tell", description="Tells."),
)
'''


WITHOUT_LIBRARIES = f"""
import os, pathlib, sys, threading, types
if "classwright_server.jobs.fork_server" in sys.orig_argv:
    sys.modules.update(dict((name, types.ModuleType(name)) for name in {LIBRARIES!r}))
"""
"""As `sitecustomize`, it makes of the fork server one that has nothing to import. Lines of its own may follow."""


class Processes:
    """A server's processes, and the tool `tell_process` for them."""

    def __init__(self, folder: Path, customized: str = "", **environment: str) -> None:
        (folder / "telling.py").write_text(TELLING)
        (folder / "sitecustomize.py").write_text(customized)
        self.environment = {**os.environ, "PYTHONPATH": str(folder), **environment}
        self.warm = WarmProcesses()
        self.order = Order(
            run_key="r",
            tool_settings=ToolSettings(workspace=folder / "workspace", tools=("telling",)),
            tool="tell_process",
            request={},
        )

    def outcome(self, lane: Lane = "short", more: Mapping[str, str] | None = None, **request: Any) -> Outcome:
        """What becomes of a call of the tool in a lane, with `more` in the environment."""
        pool = ProcessPool(self.warm, {**self.environment, **(more or {})}, most_seconds=300)
        order = self.order.model_copy(update={"request": request})
        return pool.run(order, lambda _: None, lambda: False, lane)

    def told(self, lane: Lane = "short", more: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What a process of a lane is like."""
        outcome = self.outcome(lane, more)
        assert outcome.result is not None, outcome.error
        return outcome.result

    async def told_later(self, lane: Lane = "short") -> dict[str, Any]:
        """The same, beside others."""
        return await anyio.to_thread.run_sync(self.told, lane)

    def fork_server(self) -> int:
        """The id of the only fork server; 0 if there is none."""
        ids = [one.pid for one in self.warm._fork_servers._by_environment.values()]
        assert len(ids) <= 1
        return ids[0] if ids else 0

    def forked(self) -> dict[str, psutil.Process]:
        """The processes that the fork server has forked, by their names."""
        children = psutil.Process(self.fork_server()).children() if self.fork_server() else []
        return {child.name(): child for child in children if child.name().startswith("cw-")}
