"""The compute process: runs one verb after another, so that a crash or a cancellation takes nobody along.

Its argument is the lane whose jobs it runs; a fork server passes it to `serve`. Its input is a socket, of which each
line is an order. It dies with the server, which has the other end.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, NoReturn, cast

from pydantic import ValidationError

from classwright_server.config.settings import ToolSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.extensions import check_extensions
from classwright_server.incidents import masked
from classwright_server.jobs.disk_quota import room_left
from classwright_server.jobs.memory import memory_after_job, resident_bytes
from classwright_server.jobs.messages import Message, Order, Outcome, Progress
from classwright_server.sanitize import log_plainly, sanitized
from classwright_tools.catalogue import catalogue
from classwright_tools.context import ToolContext
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.excerpt import SHORT, shortened
from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.domain.writer import Writer
from classwright_tools.errors import ClasswrightError, InvalidInput, NotFound
from classwright_tools.estimates.remaining import seconds_left
from classwright_tools.estimates.running import estimated, run_told
from classwright_tools.tool import ToolSpec, returned
from classwright_tools.work import Lane
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.restarts import outlasting_restarts

REPORT_EVERY_SECONDS = 0.25
READ_BYTES = 1 << 16
MOST_HELD = 8
"""Descriptors that come with one order at most."""
GIVES_WAY = 10
"""Steps of niceness by which long work gives way to short work: a tenth of the processor where both want all of it."""


class Wire:
    """The process's own end of the pipe; whatever a library prints goes to the log instead."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._out.write("\n")  # ends what was printed before, so that the first line is ours alone
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Send one line."""
        with self._lock:
            self._out.write(message.model_dump_json(exclude_none=True) + "\n")
            self._out.flush()


class Reporter:
    """Sends a verb's progress on, with the time that is left, not more often than a reader can follow."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._next = 0.0
        self._began = time.monotonic()
        self._expected: float | None = None

    def __call__(self, fraction: float | None, message: str) -> None:
        """Report that `fraction` (0 to 1) of the work is done."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + REPORT_EVERY_SECONDS
            bounded = None if fraction is None else min(max(fraction, 0.0), 1.0)
            words = plain_text(message[:500])
            ends = _ends(seconds_left(bounded, now - self._began, self._expected))
            self._wire.say(Message(progress=Progress(fraction=bounded, message=words, ends=ends)))

    def estimate(self, estimate: CostEstimate) -> None:
        """Tell what the work that begins now should take."""
        self._began, self._expected = time.monotonic(), estimate.seconds
        ends = _ends(estimate.seconds)
        self._wire.say(Message(progress=Progress(fraction=0, message="started", ends=ends, estimate=estimate)))


def _ends(left: float | None) -> float | None:
    """Return when work should be done of which `left` seconds are left, in seconds since the epoch."""
    return None if left is None else time.time() + left


class Bench:
    """What the verbs work with, opened when first needed and kept for the orders with the same settings that follow."""

    def __init__(self, tool_settings: ToolSettings, *, writes: bool) -> None:
        self.tool_settings = tool_settings
        self._writes = writes
        self._workspaces = Workspaces(tool_settings)

    @cached_property
    def _tools(self) -> Mapping[str, ToolSpec[Any, Any]]:
        check_extensions(self.tool_settings)  # they find another environment here than where the server checked them
        return catalogue(self.tool_settings.tools)

    @cached_property
    def _writer(self) -> Writer | None:
        settings = self.tool_settings.writer
        return settings.open(os.environ) if settings else None

    @cached_property
    def _unasked_writer(self) -> Writer | None:
        """The writer for an estimate, which asks it for nothing: where none writes, its key need not be."""
        settings = self.tool_settings.writer
        return settings.open({**dict.fromkeys(settings.key_variables, "none"), **os.environ}) if settings else None

    def clear(self) -> None:
        """Give back what is open."""
        self._workspaces.close()

    def outcome_of(self, order: Order, report: Reporter) -> Outcome:
        """Run one order to its end."""
        try:
            tool = self._tool(order.tool)
            workspace = self._workspaces.of(order.owner)
            context = ToolContext(
                workspace=workspace,
                run_key=order.run_key,
                writer=self._unasked_writer if order.dry_run else self._writer if self._writes else None,
                encoder=self.tool_settings.encoder,
                import_folders=self.tool_settings.import_folders,
                hub=self.tool_settings.hub,
                is_operator=order.owner is None,
                room=partial(room_left, workspace.root, self.tool_settings.most_bytes(order.owner)),
                caps=self.tool_settings.caps,
                report=report,
            )
            request = _request(tool, order.request)
            if order.dry_run:
                return Outcome(estimate=estimated(tool, request, context))

            def run() -> ToolResult:
                result: ToolResult = returned(tool, run_told(tool, request, context, report.estimate))
                return result

            # A tool finds what it had done by the run_key, so it may be called again.
            with storage_errors(order.tool):
                result = outlasting_restarts(workspace.engine, run)
            return Outcome(result=result.model_dump(mode="json"))
        except ClasswrightError as error:
            return Outcome(error=sanitized(error), gpu_was_full=gpu_was_full(error))
        except Exception as error:  # noqa: BLE001  # a defect of one job must not end the process without a word
            words, full = masked(order.tool, error, for_operator=order.owner is None), gpu_was_full(error)
            return Outcome(error=words, defect=True, gpu_was_full=full)

    def _tool(self, name: str) -> ToolSpec[Any, Any]:
        """Return the tool `name`, which another server of the workspace may have been given alone."""
        if name not in self._tools:
            reason = "is not served by the process that took the job"
            raise NotFound(f"tool {name!r}", reason, "Start the workspace's servers and workers with the same --tool.")
        return self._tools[name]


def _request(tool: ToolSpec[Any, Any], sent: dict[str, Any]) -> ToolRequest:
    """Return the request of a job.

    Raises:
        InvalidInput: the server that took the call could read it, and this process cannot.
    """
    try:
        request: ToolRequest = tool.request.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        reason = "was taken by a server of this workspace that has other packages than the one that was called"
        raise InvalidInput(
            "This job",
            f"{reason}, and does not take {field}={shortened(repr(first['input']), SHORT)}",
            "Give all servers and workers of the workspace the same version and packages, or stop that one.",
        ) from error
    return request


def gpu_was_full(error: BaseException | None) -> bool:
    """Whether an error comes of a lack of memory on the GPU: each library has a class of its own for it."""
    while error:
        if "CUDA" in str(error) and "out of memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def follow(parent: socket.socket, orders: queue.Queue[tuple[bytes, list[int]]]) -> None:
    """Pass on the parent's orders, each with the descriptors to hold until it is answered.

    When they end the parent is gone, and this whole process group goes too.
    """
    line = b""
    held: list[int] = []
    while True:
        received, descriptors, *_ = socket.recv_fds(parent, READ_BYTES, MOST_HELD)
        if not received:
            break
        line, held = line + received, held + descriptors
        if line.endswith(b"\n"):  # the next order is not sent before this one is answered
            orders.put((line, held))
            line, held = b"", []
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def serve(lane: Lane) -> NoReturn:
    """Serve orders for jobs of `lane` until the server is gone."""
    log_plainly()
    began_with = resident_bytes()  # most of it a fork shares with its fork server
    wire = Wire()
    orders: queue.Queue[tuple[bytes, list[int]]] = queue.Queue()
    threading.Thread(target=follow, args=(socket.socket(fileno=0), orders), daemon=True).start()
    if lane == "long":
        os.nice(GIVES_WAY)
    bench: Bench | None = None
    while True:
        line, held = orders.get()
        order = Order.model_validate_json(line)
        if bench is None or bench.tool_settings != order.tool_settings:
            if bench:
                bench.clear()
            bench = Bench(order.tool_settings, writes=lane == "writing")
        before = resident_bytes()
        outcome = bench.outcome_of(order, Reporter(wire))
        for descriptor in held:
            os.close(descriptor)
        memory = max(memory_after_job(before) - began_with, 0)
        wire.say(Message(outcome=outcome.model_copy(update={"memory": memory})))


if __name__ == "__main__":
    serve(cast("Lane", sys.argv[1]))
