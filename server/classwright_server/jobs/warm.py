"""Compute processes that are kept warm for the next order, of whatever workspace: starting one takes seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from classwright_server.jobs.forking import ForkServers
from classwright_server.jobs.process import ComputeProcess
from classwright_tools.work import Lane

IDLE_SECONDS = 60.0
KEEPING_SECONDS = 900.0
"""A process that keeps something in memory for the next call, while someone talks about what came of the last one."""
MAX_KEPT_BYTES = 6 * 2**30
"""A process that holds more than this after a job is not kept: the memory is worth more than a warm start."""


class WarmProcesses:
    """Lends compute processes, one to one borrower at a time, and keeps those that are given back for a while.

    They are kept apart by what they were started with: by the lane, which says who gives way, and by the environment,
    which says who may see the writer's key. Safe for several threads.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS, keeping_seconds: float = KEEPING_SECONDS) -> None:
        """Keep a process for `idle_seconds` after its last order, for `keeping_seconds` if it keeps something."""
        self._idle_seconds = idle_seconds
        self._keeping_seconds = keeping_seconds
        self._lock = threading.Lock()
        self._idle: list[ComputeProcess] = []
        self._lent = 0
        self._given_back = 0.0
        self._fork_servers = ForkServers()
        self._closed = threading.Event()
        self._reaper = threading.Thread(target=self._reap, name="classwright-reaper", daemon=True)
        self._reaper.start()

    def take(
        self, lane: Lane, environment: Mapping[str, str], keeps: str = "", *, embeds: bool = False
    ) -> ComputeProcess:
        """Return a process of this lane that was started with just this environment: a warm one, or a new one.

        One that `keeps` this in memory is taken first, and from now on keeps it; "" is nothing. One that `embeds` texts
        is forked, and waits for the fork server's imports; any other is forked where there is nothing to wait for.
        """
        with self._lock:
            process = self._warm_or_new(lane, environment, keeps, embeds=embeds)
            process.keeps = keeps or process.keeps
            self._lent += 1  # not where none could be started: nobody would give it back
        return process

    def give_back(self, process: ComputeProcess) -> None:
        """Keep a process for the next order, unless it has ended or holds too much."""
        with self._lock:
            is_usual = process.is_alive() and not process.filled_gpu and process.memory < MAX_KEPT_BYTES
            keep = is_usual and not self._closed.is_set()
            if keep:
                self._idle.append(process)
            self._lent -= 1
            self._given_back = time.monotonic()
        if not keep:
            process.kill()

    def close(self) -> None:
        """End every process that is kept; one that is lent ends when it is given back."""
        self._closed.set()
        self._end(lambda _process: True)
        with self._lock:
            self._fork_servers.close()

    def _warm_or_new(self, lane: Lane, environment: Mapping[str, str], keeps: str, *, embeds: bool) -> ComputeProcess:
        fork_server = self._fork_servers.one_for(environment, needed=embeds)
        usable = [
            one
            for one in self._idle
            if (one.lane, one.environment) == (lane, environment) and (one.is_forked or not (embeds and fork_server))
        ]
        for process in sorted(usable, key=lambda one: (one.keeps != keeps, bool(one.keeps))):
            self._idle.remove(process)
            if process.is_alive():
                return process
            process.kill()
        return ComputeProcess(environment, lane, fork_server)

    def _reap(self) -> None:
        """End processes that have been idle for long."""
        while not self._closed.wait(min(5.0, self._idle_seconds)):
            self._end(self._is_expired)
            with self._lock:
                in_use = self._lent or self._idle
                if not in_use and self._given_back <= time.monotonic() - self._keeping_seconds:
                    self._fork_servers.close()

    def _is_expired(self, process: ComputeProcess) -> bool:
        kept_for = self._keeping_seconds if process.keeps else self._idle_seconds
        return process.idle_since <= time.monotonic() - kept_for

    def _end(self, is_over: Callable[[ComputeProcess], bool]) -> None:
        with self._lock:
            ended = [process for process in self._idle if is_over(process)]
            self._idle = [process for process in self._idle if process not in ended]
        for process in ended:
            process.kill()
