"""A compute process as the server sees it: started, given one order after another, and killed on cancel."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from classwright_server.jobs.messages import Message, Order, Outcome, Progress
from classwright_tools.work import Lane

logger = logging.getLogger("classwright.process")

TICK_SECONDS = 0.2


class JobCancelled(BaseException):
    """The job is not to go on here; its process was killed. Not an `Exception`: nothing may record a failure."""


class ServerStopping(BaseException):
    """The server stops: the job is not over, another server takes it up."""


class ComputeProcess:
    """One child process and the way to it. Not for several threads at once."""

    def __init__(self, environment: Mapping[str, str], lane: Lane) -> None:
        """Start it for jobs of `lane`."""
        self.environment = dict(environment)
        self.lane = lane
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "classwright_server.jobs.child", lane],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                env=self.environment,
                process_group=0,
            )
        self.idle_since = time.monotonic()
        self.keeps = ""
        """What it has in memory for the next order that uses it, by its owner and id."""
        self.memory = 0
        self.filled_gpu = False
        self._pending = b""

    def is_alive(self) -> bool:
        """Whether the process can take another order."""
        return self._process.poll() is None

    def run(
        self,
        order: Order,
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        *,
        held: Sequence[int],
        most_seconds: float,
    ) -> Outcome:
        """Run one order; a crash of the process is an outcome too, and so is its end after `most_seconds`.

        Until it is answered the process holds the descriptors `held` open, so that a lock on them lasts as long as the
        work. Whatever else ends it, an error of `on_progress` or `is_over` too, ends the process.

        Raises:
            JobCancelled: `is_over` said so; the process is gone.
        """
        try:
            self._send(order, held)
            return self._follow(on_progress, is_over, most_seconds)
        except BaseException:  # it would answer the next order, perhaps another principal's, with the end of this one
            self.kill()
            raise

    def end(self) -> None:
        """End the process and everything that it started, at once; a `run` under way sees it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """End the process as `end` does, and close the way to it."""
        self.end()
        self._orders.close()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _follow(
        self, on_progress: Callable[[Progress], None], is_over: Callable[[], bool], most_seconds: float
    ) -> Outcome:
        """Wait for the outcome of the order that was sent, and return it."""
        end = time.monotonic() + most_seconds
        while True:
            message = self._next_line()
            if is_over():
                raise JobCancelled
            if time.monotonic() > end and not (message and message.outcome):
                self.kill()
                return Outcome(error=_took_too_long(most_seconds))
            if message is None:
                continue
            if message.outcome:
                self.memory, self.filled_gpu = message.outcome.memory, message.outcome.gpu_was_full
                self.idle_since = time.monotonic()
                return message.outcome
            if message.progress:
                on_progress(message.progress)

    def _send(self, order: Order, held: Sequence[int]) -> None:
        line = order.model_dump_json().encode() + b"\n"
        with contextlib.suppress(ConnectionError):  # its end is seen where its answer is read
            # A descriptor that is under way is held by the system, also while the process is still starting.
            sent = socket.send_fds(self._orders, [line], held)
            self._orders.sendall(line[sent:])

    def _next_line(self) -> Message | None:
        """Return what the process says within a tick, or None; its end is returned as an outcome."""
        assert self._process.stdout is not None
        if b"\n" not in self._pending:
            descriptor = self._process.stdout.fileno()
            watched = select.poll()  # `select` itself knows no descriptor above 1,023
            watched.register(descriptor, select.POLLIN)
            if not watched.poll(TICK_SECONDS * 1000):
                return None
            read = os.read(descriptor, 1 << 16)
            if not read:
                self.kill()
                return Message(outcome=Outcome(error=_last_words(self._process.returncode), defect=True))
            self._pending += read
        line, newline, rest = self._pending.partition(b"\n")
        if not newline:
            return None
        self._pending = rest
        if not line:
            return None
        try:
            return Message.model_validate_json(line)
        except ValidationError:  # printed by a library before the process had redirected its output
            logger.warning("a compute process printed: %r", line[:200])
            return None


def _last_words(code: int) -> str:
    """Say why a process ended that had not finished its job; a negative code is a signal's number."""
    if code == -signal.SIGKILL:
        reason = "was killed by the system, most likely because memory ran out"
        repair = "Try fewer rows or texts at once, a smaller encoder, or a machine with more memory."
    elif code < 0:
        reason = f"crashed ({signal.Signals(-code).name})"
        repair = "Call the tool again; if it stays, report it with the server's log."
    else:
        reason = f"ended early (exit code {code})"
        repair = "See the server's log for the reason, then call the tool again."
    return f"The job's process: {reason}. {repair}"


def _took_too_long(most_seconds: float) -> str:
    return (
        f"The job: ran for longer than the {most_seconds / 3600:g} hours that are allowed. Ask for less at once, such "
        "as fewer rows or epochs, or have the operator raise --job-hours."
    )
