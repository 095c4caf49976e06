"""Forked compute processes as the server sees them: asked for from a fork server, watched, and their ends told."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from classwright_server.jobs.environment import import_environment
from classwright_server.jobs.messages import READY
from classwright_tools.work import Lane

CAN_FORK = hasattr(os, "pidfd_open")
"""Whether processes are forked: on Linux. On macOS the system's own libraries may not be used after a fork."""
RETRY_SECONDS = 300.0
"""How long after its start a fork server that failed has no successor: it may be that none can work here."""


class NoFork(Exception):
    """The fork server ended before it forked, or there is no descriptor left to watch the process by."""


class Forked:
    """A process that a fork server was asked for, much as a `Popen`. Safe for several threads once it has begun."""

    def __init__(self, status: socket.socket) -> None:
        self.pid = 0
        """0 until it has begun."""
        self.returncode: int | None = None
        self._status = status
        self._end = -1
        self._lock = threading.Lock()

    def begins_within(self, seconds: float) -> bool:
        """Return whether it has begun, after `seconds` at most.

        Raises:
            NoFork: it never will.
        """
        if not self.pid and _readable(self._status.fileno(), seconds):
            with contextlib.suppress(ConnectionError):
                told, ends, *_ = socket.recv_fds(self._status, 32, 1)
                if ends:
                    self._end, self.pid = ends[0], int(told)
            if not self.pid:
                raise NoFork
        return bool(self.pid)

    def poll(self) -> int | None:
        """Return its exit code, None while it lives; a negative one is a signal's number."""
        return self._ended_within(0)

    def wait(self) -> int | None:
        """Return its exit code once it has ended, which it must have been told to."""
        return self._ended_within(None)

    def close(self) -> None:
        """Give back the way to it: one that has not begun will find the server gone, and end."""
        with self._lock:
            self._status.close()
            if self._end >= 0:
                os.close(self._end)
                self._end = -1

    def _ended_within(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and self._end >= 0 and _readable(self._end, seconds):
                told = b""
                with contextlib.suppress(ConnectionError):
                    told = self._status.recv(32)
                # Where the fork server went too, nobody knows the code, and most likely memory ran out.
                self.returncode = int(told) if told else -signal.SIGKILL
            return self.returncode


class ForkServer:
    """One fork server, which imports what embeds texts from now on, and the way to it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.began = time.monotonic()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "classwright_server.jobs.fork_server"],
                stdin=theirs.fileno(),
                stdout=2,  # what a library prints goes to the log
                env=dict(environment),
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process's id."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it has imported everything, and so forks at once."""
        with contextlib.suppress(OSError):
            return self._requests.recv(len(READY), socket.MSG_PEEK | socket.MSG_DONTWAIT) == READY
        return False

    def exit_code(self) -> int | None:
        """Return the code with which it ended; None while it lives."""
        return self._process.poll()

    def fork(self, lane: Lane, orders: int, answers: int) -> Forked:
        """Ask for a compute process whose input and output are the descriptors `orders` and `answers`.

        The first line of its input is to be its environment, as a JSON object.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.suppress(ConnectionError):  # seen where the process does not begin
            descriptors = [orders, answers, theirs.fileno()]
            socket.send_fds(self._requests, [lane.encode()], descriptors)
        return Forked(ours)

    def close(self) -> None:
        """End it. The processes that it has forked go on."""
        self._process.kill()
        self._process.wait()
        self._requests.close()


class ForkServers:
    """The fork servers of one server, one for each environment that the libraries are imported in. Not for threads."""

    def __init__(self) -> None:
        self._by_environment: dict[frozenset[tuple[str, str]], ForkServer] = {}

    def one_for(self, environment: Mapping[str, str], *, needed: bool) -> ForkServer | None:
        """Return what forks for `environment`: at once, or where it is `needed`, as soon as all is imported.

        None where a process is to be started by itself.
        """
        if not CAN_FORK:
            return None
        imported_in = import_environment(environment)
        key = frozenset(imported_in.items())
        found = self._by_environment.get(key)
        code = found.exit_code() if found else None
        if found and code is not None:
            was_killed = code <= 0  # it may have been the largest when memory ran out
            if was_killed or time.monotonic() >= found.began + RETRY_SECONDS:
                self._by_environment.pop(key).close()
                found = code = None
        if found is None and needed:
            found = self._by_environment[key] = ForkServer(imported_in)
        usable = found is not None and code is None and (needed or found.is_ready())
        return found if usable else None

    def close(self) -> None:
        """End them all. The processes that they have forked go on."""
        while self._by_environment:
            self._by_environment.popitem()[1].close()


def _readable(descriptor: int, seconds: float | None) -> bool:
    """Return whether a descriptor becomes readable within `seconds`; None is for ever."""
    watched = select.poll()  # `select` itself knows no descriptor above 1,023
    watched.register(descriptor, select.POLLIN)
    return bool(watched.poll(None if seconds is None else seconds * 1000))
