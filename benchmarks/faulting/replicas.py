"""The servers and the worker of a fault run: real processes on one workspace, killed and started again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
import psutil

from classwright_server.vllm import free_port
from support.server import compute_processes, is_alive

START_SECONDS = 300.0
ORPHAN_SECONDS = 300.0
"""A compute process that is importing sees late that its parent is gone, on a busy machine very late."""


class Program:
    """A server or a worker, started again after each end."""

    def __init__(self, kind: str, arguments: tuple[str, ...], log: Path) -> None:
        """Start `classwright` with `arguments`; what it says goes to the end of `log`."""
        self.kind = kind
        self._log = log
        self._command = [sys.executable, "-m", "classwright_server.cli", *arguments]
        self.start()

    def start(self) -> None:
        """Start it, again after its end."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log)

    def compute_processes(self) -> list[int]:
        """Return the ids of its compute processes."""
        with suppress(psutil.NoSuchProcess):
            return compute_processes(self.process.pid)
        return []

    def stop(self) -> None:
        """End it as an operator does."""
        self.process.terminate()
        self.process.wait()


class Replica(Program):
    """A `classwright serve --http`, always on the same port."""

    def __init__(self, flags: tuple[str, ...], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        super().__init__("server", ("serve", "--http", "--port", str(self.port), *flags), log)

    def answers(self) -> bool:
        """Whether it answers now."""
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/health", trust_env=False).is_success
        return False


class Replicas:
    """Several servers and a worker of one workspace. Used as a context, they are stopped at its end."""

    def __init__(self, servers: int, log: Path, *flags: str) -> None:
        self.all = [Replica(flags, log) for _ in range(servers)]
        self.programs: list[Program] = [*self.all, Program("worker", ("worker", *flags), log)]

    def __enter__(self) -> Replicas:
        self.await_answer(all)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for program in self.programs:
            program.stop()

    def await_answer(self, enough: Callable[[Iterable[bool]], bool] = any) -> None:
        """Return when `any`, or `all`, of the servers answer."""
        deadline = time.monotonic() + START_SECONDS
        while not enough(replica.answers() for replica in self.all):
            if time.monotonic() > deadline:
                raise TimeoutError("the servers did not start")
            time.sleep(0.2)


@dataclass(frozen=True)
class Kill:
    """What was killed, and between which moments, in seconds since the epoch: its compute processes die after it."""

    target: str
    begin: float
    end: float


def kill_one(replicas: Replicas, moments: random.Random) -> Kill:
    """Kill a program or, as often and if there is one, a compute process; return when nothing of it lives."""
    begin = time.time()
    at_work = [(program, process) for program in replicas.programs for process in program.compute_processes()]
    if at_work and moments.random() < 0.5:
        _end([moments.choice(at_work)[1]])
        return Kill("compute process", begin, time.time())
    chosen = moments.choice(replicas.programs)
    chosen.process.kill()
    chosen.process.wait()
    _await_end([process for program, process in at_work if program is chosen])
    end = time.time()
    chosen.start()
    return Kill(chosen.kind, begin, end)


def _end(processes: list[int]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process).kill()
    _await_end(processes)


def _await_end(processes: list[int]) -> None:
    """Wait until none of `processes` runs: the orphans of a killed server end by themselves."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            raise TimeoutError("the compute processes of a killed server live on")
        time.sleep(0.01)
