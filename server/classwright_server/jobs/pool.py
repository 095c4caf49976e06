"""The compute processes at work for one server: each can be ended with its order, and all end with the server."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from classwright_server.jobs.environment import HIDES_GPUS, child_environment
from classwright_server.jobs.messages import Order, Outcome, Progress
from classwright_server.jobs.process import ComputeProcess, JobCancelled, ServerStopping
from classwright_server.jobs.warm import WarmProcesses
from classwright_tools.catalogue import catalogue
from classwright_tools.work import Lane

logger = logging.getLogger("classwright.process")

_NO_GPU = {HIDES_GPUS: ""}


class ProcessPool:
    """Runs the orders of one server in processes that are lent from the warm ones. Safe for several threads."""

    def __init__(
        self, warm: WarmProcesses, environment: Mapping[str, str], held: tuple[int, ...] = (), *, most_seconds: float
    ) -> None:
        """Give each order `most_seconds`. A process holds the descriptors `held` open while it works."""
        self._warm = warm
        self._environment = environment
        self._held = held
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._busy: dict[ComputeProcess, str] = {}  # with the run_key of what each is doing
        self._closed = False

    def run(
        self,
        order: Order,
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        lane: Lane,
        uses: str = "",
    ) -> Outcome:
        """Run `order` in a process of its lane, unless it is over before it began.

        A process that keeps in memory what it `uses`, an artifact of the order's owner, is taken where one is free.

        Where the GPU, which others use as well, has no room for a short job, it is run again on the processor.

        Raises:
            JobCancelled: `is_over` said so.
            ServerStopping: the pool was closed meanwhile.
        """
        outcome = self._run(order, on_progress, is_over, lane, {}, uses)
        if outcome.gpu_was_full and lane == "short":
            logger.warning("the GPU has no room for %s: it is run on the processor", order.tool)
            outcome = self._run(order, on_progress, is_over, lane, _NO_GPU)
        return outcome

    def end(self, run_key: str) -> None:
        """End what works on `run_key`, at once, and return when it is gone; its `run` must know that it is over."""
        with self._lock:  # meanwhile no process is given back, and takes up another order
            for process, doing in self._busy.items():
                if doing == run_key:
                    process.end()

    def close(self) -> None:
        """End every process that is at work, and take no further order."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.end()

    # --- inside

    def _run(
        self,
        order: Order,
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        lane: Lane,
        own: dict[str, str],
        uses: str = "",
    ) -> Outcome:
        with self._lent(order, lane, own, uses) as process:
            if is_over():
                raise JobCancelled
            outcome = process.run(order, on_progress, is_over, held=self._held, most_seconds=self._most_seconds)
            if self._closed:
                raise ServerStopping
            return outcome

    @contextlib.contextmanager
    def _lent(self, order: Order, lane: Lane, own: dict[str, str], uses: str) -> Iterator[ComputeProcess]:
        """Borrow a process; one with variables of its `own` ends afterwards."""
        environment = child_environment(order.tool_settings, self._environment, lane) | own
        with self._lock:
            if self._closed:
                raise ServerStopping
            keeps = f"{order.owner} {uses}" if uses else ""
            process = self._warm.take(lane, environment, keeps, embeds=_embeds(order))
            self._busy[process] = order.run_key
        try:
            yield process
        finally:
            with self._lock:
                del self._busy[process]
            if own:
                process.kill()
            self._warm.give_back(process)


def _embeds(order: Order) -> bool:
    """Whether an order embeds texts; what is no tool here says no."""
    tool = catalogue(order.tool_settings.tools).get(order.tool)
    return tool is not None and tool.embeds(order.request, writes=order.tool_settings.writer is not None)
