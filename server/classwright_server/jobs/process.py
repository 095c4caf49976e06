"""A compute process as the server sees it: started, given one order after another, and killed on cancel."""

from __future__ import annotations

import contextlib
import json
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

from classwright_server.jobs.forking import Forked, ForkServer, NoFork
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

    def __init__(self, environment: Mapping[str, str], lane: Lane, fork_server: ForkServer | None) -> None:
        """Start it for jobs of `lane`: forked, where there is a fork server for it."""
        self.environment = dict(environment)
        self.lane = lane
        self._start(fork_server)
        self._ended = False
        self.idle_since = time.monotonic()
        self.keeps = ""
        """What it has in memory for the next order that uses it, by its owner and id."""
        self.memory = 0
        self.filled_gpu = False
        self._pending = b""

    @property
    def is_forked(self) -> bool:
        """Whether it began with the libraries that embed texts."""
        return isinstance(self._process, Forked)

    @property
    def pid(self) -> int:
        """The process's id; 0 while a fork server has not forked it yet."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process can take another order."""
        return not self._ended and self._process.poll() is None

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
            return self._follow(order, held, on_progress, is_over, most_seconds)
        except BaseException:  # it would answer the next order, perhaps another principal's, with the end of this one
            self.kill()
            raise

    def end(self) -> None:
        """End the process and everything that it started, at once; a `run` under way sees it."""
        self._ended = True
        with contextlib.suppress(OSError):  # nothing is sent from now on, so one that has yet to begin does nothing
            self._orders.shutdown(socket.SHUT_RDWR)
        if self.pid and not self._has_left_its_id():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def kill(self) -> None:
        """End the process as `end` does, and close the way to it."""
        self.end()
        self._close()

    # --- inside

    def _has_left_its_id(self) -> bool:
        """Whether the process's id may be another's: its parent has waited for it. One that is ours does so here."""
        forked = isinstance(self._process, Forked)
        return (self._process.poll() if forked else self._process.returncode) is not None

    def _start(self, fork_server: ForkServer | None) -> None:
        self._orders, orders = socket.socketpair()
        ours, answers = os.pipe()
        self._answers = open(ours, "rb", buffering=0)  # noqa: PTH123, SIM115  # a pipe, which `_close` closes
        self._process: subprocess.Popen[bytes] | Forked
        with orders, open(answers, "wb"):  # noqa: PTH123
            if fork_server:
                self._process = fork_server.fork(self.lane, orders.fileno(), answers)
            else:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "classwright_server.jobs.child", self.lane],
                    stdin=orders.fileno(),
                    stdout=answers,
                    env=self.environment,
                    process_group=0,
                )
        if fork_server:
            with contextlib.suppress(ConnectionError):  # seen where the process does not begin
                self._orders.sendall(json.dumps(self.environment).encode() + b"\n")

    def _close(self) -> None:
        self._orders.close()
        self._answers.close()
        if isinstance(self._process, Forked):
            self._process.close()

    def _begins(self) -> bool:
        """Return whether the process has begun, after a tick at most."""
        if not isinstance(self._process, Forked):
            return True
        try:
            return self._process.begins_within(TICK_SECONDS)
        except NoFork:
            logger.warning("nothing was forked: a compute process is started by itself")
            self._close()
            self._start(None)
            return not self._ended

    def _follow(
        self,
        order: Order,
        held: Sequence[int],
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        most_seconds: float,
    ) -> Outcome:
        """Send the order once the process has begun, wait for the outcome, and return it."""
        end = time.monotonic() + most_seconds
        is_sent = False
        while True:
            message = self._next_line() if is_sent else None
            if is_over():
                raise JobCancelled
            if self._ended and not is_sent:
                self.kill()
                return _killed(-signal.SIGKILL)
            if time.monotonic() > end and not (message and message.outcome):
                self.kill()
                return Outcome(error=_took_too_long(most_seconds))
            if not is_sent and self._begins():
                self._send(order, held)
                is_sent = True
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
            # A descriptor that is under way is held by the system, until the process reads it.
            sent = socket.send_fds(self._orders, [line], held)
            self._orders.sendall(line[sent:])

    def _next_line(self) -> Message | None:
        """Return what the process says within a tick, or None; its end is returned as an outcome."""
        if b"\n" not in self._pending:
            descriptor = self._answers.fileno()
            watched = select.poll()  # `select` itself knows no descriptor above 1,023
            watched.register(descriptor, select.POLLIN)
            if not watched.poll(TICK_SECONDS * 1000):
                return None
            read = os.read(descriptor, 1 << 16)
            if not read:
                self.kill()
                return Message(outcome=_killed(self._process.returncode))
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


def _killed(code: int | None) -> Outcome:
    """Return the outcome of a process that ended before its job; a negative code is a signal's number."""
    if code is None or code == -signal.SIGKILL:
        reason = "was killed by the system, most likely because memory ran out"
        repair = "Try fewer rows or texts at once, a smaller encoder, or a machine with more memory."
    elif code < 0:
        reason = f"crashed ({signal.Signals(-code).name})"
        repair = "Call the tool again; if it stays, report it with the server's log."
    else:
        reason = f"ended early (exit code {code})"
        repair = "See the server's log for the reason, then call the tool again."
    return Outcome(error=f"The job's process: {reason}. {repair}", defect=True)


def _took_too_long(most_seconds: float) -> str:
    return (
        f"The job: ran for longer than the {most_seconds / 3600:g} h that are allowed. Ask for less at once, such "
        "as fewer rows or epochs, or raise --job-hours where the server is started."
    )
