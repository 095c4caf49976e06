"""A writer that runs a causal language model of the transformers library in this process, without a server."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

import anyio.to_thread

from classwright_tools.domain.usage import FREE, Prices, TokenCount
from classwright_tools.domain.writer import Completion, WritingKind, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.local_generation import CausalModel
from classwright_tools.writing.completions.retry import (
    FIRST_TEMPERATURE,
    Reply,
    ask_until_usable,
    most_tokens_of_asks,
    sampling_seed,
    temperature,
)
from classwright_tools.writing.prompts import render

# How many requests are generated together: it keeps a CPU's cores, or a small GPU with a model of a few billions, busy.
BATCH_SIZE = 8


@dataclass(eq=False)
class _Batch:
    """Prompts that are generated together, for as long as it has not started open to more of its kind."""

    temperature: float
    most_tokens_out: int
    seed: int
    prompts: list[list[render.Message]] = field(default_factory=list)
    awaited: int = 0
    started: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[list[Reply | WriterFailed]] | None = None


@dataclass
class _Queue:
    """The batches of one event loop: one is generated at a time, the newest may still grow."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: _Batch | None = None


class LocalWriter:
    """Generates with a model that is loaded at the first request; requests that wait at the same time share a batch."""

    def __init__(self, model_path: str | Path, *, thinking_tokens: int = 0) -> None:
        """Use the model in the folder, or of the name, `model_path`, on the GPU if there is one.

        `thinking_tokens` are allowed on top of an answer's size.
        """
        path = str(model_path)
        self._name = Path(path).name if Path(path).is_dir() else path
        self._model = CausalModel(path, self._name)
        self._thinking_tokens = thinking_tokens
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """The model's name, or that of its folder."""
        return self._name

    @property
    def identity(self) -> str:
        """The model, with the digest of the prompts and the settings of sampling."""
        return (
            f"local {self._name} prompts {render.prompts_digest()} {render.OPENING} "
            f"temperature {FIRST_TEMPERATURE} thinking {self._thinking_tokens}"
        )

    @property
    def prices(self) -> Prices:
        """A token on one's own machine costs nothing."""
        return FREE

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        """Return an upper bound of what answering `request` takes, all re-asks included."""
        return most_tokens_of_asks(request, self._thinking_tokens)

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the digest of the templates that `kind` is asked with."""
        return render.prompt_digest(kind)

    async def check(self) -> str:
        """Return that it is set; the model is loaded by the first request."""
        return f"Writer {self.name!r} is ready."

    async def write(self, request: WritingRequest) -> Completion:
        """Generate for `request`, again if nothing in the answer can be used, and return what could be.

        Raises:
            WriterUnavailable: the model cannot be loaded.
            UnusableAnswer: nothing usable came, or the prompt does not fit the model; it says what that took.
        """
        messages = render.chat_messages(request, opened=not self._thinking_tokens)

        async def ask(turn: int) -> Reply:
            limit = render.most_tokens_out(request, turn) + self._thinking_tokens
            return await self._generated(messages, temperature(request, turn), limit, sampling_seed(request, turn))

        return await ask_until_usable(f"model {self._name!r}", request.kind, ask)

    async def _generated(self, messages: list[render.Message], warmth: float, limit: int, seed: int) -> Reply:
        queue = self._queues.setdefault(asyncio.get_running_loop(), _Queue())
        batch = queue.newest
        if batch is None or not _takes(batch, warmth, limit):
            batch = queue.newest = _Batch(warmth, limit, seed)
            batch.task = asyncio.create_task(self._run(queue, batch))
        assert batch.task is not None
        place = len(batch.prompts)
        batch.prompts.append(messages)
        batch.awaited += 1
        try:
            reply = (await asyncio.shield(batch.task))[place]
        finally:
            batch.awaited -= 1
            if batch.awaited == 0:
                batch.stop.set()  # everybody who wanted it was cancelled, or has it
        if isinstance(reply, WriterFailed):
            raise reply
        return reply

    async def _run(self, queue: _Queue, batch: _Batch) -> list[Reply | WriterFailed]:
        async with queue.turn:
            batch.started = True
            return await anyio.to_thread.run_sync(
                self._model.generate,
                batch.prompts,
                batch.temperature,
                batch.most_tokens_out,
                batch.seed,
                batch.stop,
                "" if self._thinking_tokens else render.OPENING,  # a model that thinks begins with its thoughts
            )


def _takes(batch: _Batch, warmth: float, limit: int) -> bool:
    """Whether `batch` may grow by a prompt with these settings."""
    same = (batch.temperature, batch.most_tokens_out) == (warmth, limit)
    return same and not batch.started and not batch.stop.is_set() and len(batch.prompts) < BATCH_SIZE
