"""A `vllm serve` of the server's own: started, watched, and put to sleep while a training job needs the GPU.

Sleep mode (docs.vllm.ai, "Sleep Mode"): with `--enable-sleep-mode` and VLLM_SERVER_DEV_MODE=1 the engine answers
POST /sleep?level=1, which moves the weights to the CPU's memory and drops the cache, POST /wake_up, and GET
/is_sleeping.
"""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import httpx

from classwright_server.jobs.environment import passed_on
from classwright_server.jobs.process import ServerStopping
from classwright_tools.errors import InvalidInput, WriterFailed
from classwright_tools.work import Lane
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from classwright_tools.writing.backends.settings import WriterSettings

logger = logging.getLogger("classwright.vllm")

START_SECONDS = 1800.0
"""A large model is first downloaded, then compiled."""
CALL_SECONDS = 120.0
LOOK_SECONDS = 0.5
_VLLM_PREFIXES = ("VLLM_", "HF_", "HUGGING_FACE_", "TRANSFORMERS_", "NCCL_", "GLOO_", "RAY_", "CC", "CXX", "TRITON_")
"""Of the variables that vLLM may see beside those of the compute processes: its own, and the token of gated models."""
MAX_ENDS = 3
"""After so many ends in a row it is not started again: it would end the same way."""


class GpuShare(Protocol):
    """Who may use the GPU: many writing jobs at once, or one long job; short jobs take what room there is."""

    def of(self, lane: Lane) -> AbstractContextManager[Any]:
        """Hold the GPU for a job of `lane`."""
        ...


class NoGpuShare:
    """No sharing: the writer does not use this machine's GPU, so no job waits for it."""

    def of(self, _lane: Lane) -> AbstractContextManager[None]:
        """Begin at once."""
        return nullcontext()


class OneWriter:
    """Of the writing jobs, one at a time: each loads the writer's model.

    The queue of the lane lets through what the last server to start has set, which may have another writer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def of(self, lane: Lane) -> AbstractContextManager[Any]:
        """Begin a job of `lane`: one that writes, when no other does."""
        return self._lock if lane == "writing" else nullcontext()


def share_with(writer: WriterSettings | None) -> GpuShare:
    """Return how jobs share the GPU with a `writer` that the server does not start itself."""
    return OneWriter() if writer is not None and writer.loads_model else NoGpuShare()


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def vllm_program(environment: Mapping[str, str]) -> str:
    """Return the path of the program `vllm`.

    Raises:
        InvalidInput: it is not installed.
    """
    program = shutil.which("vllm", path=environment.get("PATH"))
    if program is None:
        raise InvalidInput(
            "--vllm",
            "needs the program 'vllm', which is not on the PATH",
            "Install it with pip install 'classwright[vllm]', in an environment of its own if its torch differs.",
        )
    return program


class VllmServer:
    """One `vllm serve` on loopback. It ends with this process, however that ends."""

    def __init__(self, model: str, environment: Mapping[str, str], thinking_tokens: int = 0) -> None:
        """Start it on a free port; it may take minutes until it answers.

        `thinking_tokens` are what the model may think on top of an answer's size.

        Raises:
            InvalidInput: vLLM is not installed.
        """
        self._environment = passed_on(environment, _VLLM_PREFIXES)
        self._port = free_port()
        self.endpoint = EndpointSettings(base_urls=(f"{self.url}/v1",), model=model, thinking_tokens=thinking_tokens)
        self._command = [
            *(sys.executable, "-m", "classwright_server.jobs.supervise"),
            *(vllm_program(environment), "serve", model, "--host", "127.0.0.1", "--port", str(self._port)),
            "--enable-sleep-mode",
        ]
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self._asleep = False
        self._writing = 0
        self._turn = threading.Condition()
        self._process = self._start()
        self._watcher = threading.Thread(target=self._watch, name="classwright-vllm", daemon=True)
        self._watcher.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def of(self, lane: Lane) -> AbstractContextManager[None]:
        """Hold the GPU for a job of `lane`; a short one shares it, for it is done before a model falls asleep."""
        match lane:
            case "writing":
                return self.writing()
            case "long":
                return self.computing()
            case "short":
                return nullcontext()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the GPU for a writing job, once no computing job has it and the model answers.

        Raises:
            WriterFailed: vLLM did not come up.
        """
        with self._turn:
            self._turn.wait_for(lambda: self._stopping.is_set() or not self._asleep)
            self._writing += 1
        try:
            self.wait_until_ready()
            yield
        finally:
            with self._turn:
                self._writing -= 1
                self._turn.notify_all()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Hold the GPU for a long job: the model sleeps meanwhile, unless it is writing just now."""
        with self._turn:
            sleeps = self._asleep = self._writing == 0 and self._is_healthy() and self._falls_asleep()
        try:
            yield
        finally:
            if sleeps:
                self._wake()
                with self._turn:
                    self._asleep = False
                    self._turn.notify_all()

    def wait_until_ready(self) -> None:
        """Return once the model answers, and is awake: where it slept on, it is woken again.

        Raises:
            WriterFailed: it ended too often, or did not answer in time.
            ServerStopping: the server stops first.
        """
        deadline = time.monotonic() + START_SECONDS
        while not (self._is_healthy() and self._is_awake()):
            if self._given_up.is_set() or time.monotonic() > deadline:
                raise WriterFailed(
                    "the server's own vLLM", "did not come up", "See the server's log for what vLLM printed."
                )
            if self._stopping.wait(LOOK_SECONDS):
                raise ServerStopping

    def close(self) -> None:
        """End it, and what it started."""
        self._stopping.set()
        with self._turn:
            self._turn.notify_all()
        self._watcher.join()
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,  # the supervisor ends vLLM when this pipe closes
            stdout=sys.stderr.fileno(),
            env=self._environment | {"VLLM_SERVER_DEV_MODE": "1"},
            process_group=0,
        )

    def _end(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def _watch(self) -> None:
        """Start it again when it ends on its own, unless it has ended several times without ever answering."""
        ends = 0
        while not self._stopping.wait(LOOK_SECONDS):
            if self._process.poll() is None:
                if ends and self._is_healthy():
                    ends = 0
                continue
            ends += 1
            self._end()
            if ends == MAX_ENDS:
                logger.error("vLLM ended %d times without answering: it is not started again", ends)
                self._given_up.set()
                return
            logger.warning("vLLM ended: starting it again")
            self._process = self._start()

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _is_awake(self) -> bool:
        """Return whether the model is awake; one that sleeps is told to wake up. What does not tell counts as awake."""
        try:
            told = httpx.get(f"{self.url}/is_sleeping", timeout=5, trust_env=False)
            if not (told.is_success and told.json()["is_sleeping"]):
                return True
        except (httpx.HTTPError, ValueError, LookupError, TypeError):  # it is busy with falling asleep, or ends
            return False
        self._wake()
        return False

    def _falls_asleep(self) -> bool:
        """Tell the model to sleep; say whether it does, or may yet. One that does not only slows the training down."""
        try:
            self._post("/sleep?level=1")
        except httpx.TimeoutException as error:
            logger.warning("vLLM takes long to fall asleep: %r", error)
        except httpx.HTTPError as error:
            logger.warning("vLLM does not sleep: %s", error)
            return False
        return True

    def _wake(self) -> None:
        """Tell the model to wake up; whoever writes sees whether it did."""
        try:
            self._post("/wake_up")
        except httpx.HTTPError as error:
            logger.warning("vLLM did not wake up: %r", error)

    def _post(self, path: str) -> None:
        httpx.post(f"{self.url}{path}", timeout=CALL_SECONDS, trust_env=False).raise_for_status()
