"""Compute processes as the server sees them: started on need, kept warm, killed on cancel."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from pydantic import ValidationError

from classwright_server.config.settings import Lane, ToolSettings
from classwright_server.jobs.messages import Order, Outcome, Progress, Said

logger = logging.getLogger("classwright.process")

IDLE_SECONDS = 60.0
MAX_KEPT_BYTES = 6 * 2**30
"""A process that holds more than this after a job is not kept: the memory is worth more than a warm start."""
TICK_SECONDS = 0.2

# What a compute process may see of the server's environment. Keys and tokens are not in it.
_PASSED = (
    "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "TEMP", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_DATASETS_OFFLINE",
    "HF_ENDPOINT", "TRANSFORMERS_OFFLINE", "TRANSFORMERS_CACHE", "TORCH_HOME", "TOKENIZERS_PARALLELISM",
)  # fmt: skip
# OpenMP's threads sleep while they wait for each other. On two idle cores a training then takes a sixth longer than
# with threads that spin; beside another process that computes, those take seven times as long as these.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
_NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
_PASSED_PREFIXES = ("LC_", "XDG_", "OMP_", "MKL_", "CUDA_", "NVIDIA_", "PYTORCH_", "COVERAGE_", "PYTHON")


class JobCancelled(BaseException):
    """The job is not to go on here; its process was killed. Not an `Exception`: nothing may record a failure."""


class ServerStopping(BaseException):
    """The server stops: the job is not over, another server takes it up."""


def passed_on(environment: Mapping[str, str], also: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what a process may see of the server's environment; names that begin with one of `also` too."""
    prefixes = (*_PASSED_PREFIXES, *also)
    return {name: value for name, value in environment.items() if name in _PASSED or name.startswith(prefixes)}


def child_environment(tool_settings: ToolSettings, environment: Mapping[str, str], lane: Lane) -> dict[str, str]:
    """Return the environment of a compute process: no key but the writer's, and that only where it writes."""
    kept = _WAITING | passed_on(environment)
    writer = tool_settings.writer
    keys = writer.key_variables if writer and lane == "writing" else ()
    return kept | {name: environment[name] for name in keys if name in environment}


class ComputeProcess:
    """One child process and the pipe to it. Not for several threads at once."""

    def __init__(
        self, tool_settings: ToolSettings, environment: Mapping[str, str], inherited: tuple[int, ...], lane: Lane
    ) -> None:
        """Start it for jobs of `lane`.

        It keeps the descriptors `inherited` open, so that a lock on them lasts as long as it does.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "classwright_server.jobs.child", lane],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            pass_fds=inherited,
            process_group=0,
        )
        self.idle_since = time.monotonic()
        self.memory = 0
        self.filled_gpu = False
        self._pending = b""
        self._send(tool_settings.model_dump_json())

    def is_alive(self) -> bool:
        """Whether the process can take another order."""
        return self._process.poll() is None

    def run(
        self, order: Order, on_progress: Callable[[Progress], None], is_over: Callable[[], bool], *, most_seconds: float
    ) -> Outcome:
        """Run one order; a crash of the process is an outcome too, and so is its end after `most_seconds`.

        Whatever else ends it, an error of `on_progress` or `is_over` too, ends the process.

        Raises:
            JobCancelled: `is_over` said so; the process is gone.
        """
        try:
            self._send(order.model_dump_json())
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
        """End the process as `end` does, and close the pipes to it."""
        self.end()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _follow(
        self, on_progress: Callable[[Progress], None], is_over: Callable[[], bool], most_seconds: float
    ) -> Outcome:
        """Wait for the outcome of the order that was sent, and return it."""
        end = time.monotonic() + most_seconds
        while True:
            said = self._next_line()
            if is_over():
                raise JobCancelled
            if time.monotonic() > end and not (said and said.outcome):
                self.kill()
                return Outcome(error=_took_too_long(most_seconds))
            if said is None:
                continue
            if said.outcome:
                self.memory, self.filled_gpu = said.outcome.memory, said.outcome.gpu_was_full
                self.idle_since = time.monotonic()
                return said.outcome
            if said.progress:
                on_progress(said.progress)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is seen where its answer is read
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _next_line(self) -> Said | None:
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
                return Said(outcome=Outcome(error=_last_words(self._process.returncode), defect=True))
            self._pending += read
        line, newline, rest = self._pending.partition(b"\n")
        if not newline:
            return None
        self._pending = rest
        if not line:
            return None
        try:
            return Said.model_validate_json(line)
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


class ProcessPool:
    """Keeps compute processes warm for a while, apart by lane: by who may see the writer's key, and who gives way."""

    def __init__(
        self,
        tool_settings: ToolSettings,
        environment: Mapping[str, str],
        inherited: tuple[int, ...] = (),
        idle_seconds: float = IDLE_SECONDS,
        *,
        most_seconds: float,
    ) -> None:
        """Give each order `most_seconds`, and keep a process for `idle_seconds` after its last one."""
        self._tool_settings = tool_settings
        self._environment = environment
        self._inherited = inherited
        self._idle_seconds = idle_seconds
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._idle: dict[Lane, list[ComputeProcess]] = {lane: [] for lane in get_args(Lane)}
        self._busy: dict[ComputeProcess, str] = {}  # with the run_key of what each is doing
        self._closed = threading.Event()
        self._reaper = threading.Thread(target=self._reap, name="classwright-reaper", daemon=True)
        self._reaper.start()

    def run(
        self,
        order: Order,
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        lane: Lane,
    ) -> Outcome:
        """Run `order` in a warm process if there is one, else in a new one, unless it is over before it began.

        Where the GPU, which others use as well, has no room for a short job, it is run again on the processor.

        Raises:
            JobCancelled: `is_over` said so.
            ServerStopping: the pool was closed meanwhile.
        """
        outcome = self._run(order, on_progress, is_over, lane, {})
        if outcome.gpu_was_full and lane == "short":
            logger.warning("the GPU has no room for %s: it is run on the processor", order.tool)
            outcome = self._run(order, on_progress, is_over, lane, _NO_GPU)
        return outcome

    def end(self, run_key: str) -> None:
        """End what works on `run_key`, at once, and return when it is gone; its `run` must know that it is over."""
        with self._lock:  # meanwhile no process takes up another order
            for process, doing in self._busy.items():
                if doing == run_key:
                    process.end()

    def close(self) -> None:
        """End every process, those at work too."""
        self._closed.set()
        with self._lock:
            processes = [*self._busy, *(process for idle in self._idle.values() for process in idle)]
            for idle in self._idle.values():
                idle.clear()
        for process in processes:
            process.end()

    def _run(
        self,
        order: Order,
        on_progress: Callable[[Progress], None],
        is_over: Callable[[], bool],
        lane: Lane,
        own: dict[str, str],
    ) -> Outcome:
        with self._lease(order.run_key, lane, own) as process:
            if is_over():
                raise JobCancelled
            outcome = process.run(order, on_progress, is_over, most_seconds=self._most_seconds)
            if self._closed.is_set():
                raise ServerStopping
            return outcome

    @contextlib.contextmanager
    def _lease(self, run_key: str, lane: Lane, own: dict[str, str]) -> Iterator[ComputeProcess]:
        """Lend a process; one with variables of its `own` is a new one, and ends afterwards."""
        process = self._take(run_key, lane, own)
        try:
            yield process
        finally:
            with self._lock:
                del self._busy[process]
                is_usual = process.is_alive() and not own and not process.filled_gpu
                keep = is_usual and process.memory < MAX_KEPT_BYTES and not self._closed.is_set()
                if keep:
                    self._idle[lane].append(process)
            if not keep:
                process.kill()

    def _take(self, run_key: str, lane: Lane, own: dict[str, str]) -> ComputeProcess:
        with self._lock:
            idle = self._idle[lane]
            while idle and not own:
                process = idle.pop()
                if process.is_alive():
                    self._busy[process] = run_key
                    return process
                process.kill()
            environment = child_environment(self._tool_settings, self._environment, lane) | own
            process = ComputeProcess(self._tool_settings, environment, self._inherited, lane)
            self._busy[process] = run_key
            return process

    def _reap(self) -> None:
        """End processes that have been idle for long."""
        while not self._closed.wait(min(5.0, self._idle_seconds)):
            with self._lock:
                limit = time.monotonic() - self._idle_seconds
                expired = [process for idle in self._idle.values() for process in idle if process.idle_since < limit]
                for idle in self._idle.values():
                    idle[:] = [process for process in idle if process not in expired]
            for process in expired:
                process.kill()
