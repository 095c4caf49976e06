"""A writer behind one or several OpenAI-compatible endpoints that share the load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePath

import httpx

from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.domain.writer import (
    Completion,
    UnusableAnswer,
    WriterUnavailable,
    WritingKind,
    WritingRequest,
)
from classwright_tools.errors import InvalidInput, WriterFailed
from classwright_tools.writing.backends.http_client import ChatEndpoint, chat_endpoint, keys_by_host
from classwright_tools.writing.backends.http_errors import Fault
from classwright_tools.writing.backends.rate_limit import LONGEST_PAUSE, Clock, Gate, RateLimiter
from classwright_tools.writing.backends.request_forms import Question
from classwright_tools.writing.completions.retry import (
    FIRST_TEMPERATURE,
    Reply,
    ask_until_usable,
    most_tokens_of_asks,
    sampling_seed,
    temperature,
)
from classwright_tools.writing.prompts import render

CONNECT_TIMEOUT_SECONDS = 10.0
# A big batch on a small machine takes minutes, and an answer that comes is never a failure.
READ_TIMEOUT_SECONDS = 900.0
# What a check asks for.
_TRIAL = WritingRequest(
    kind="examples",
    task="check",
    instruction="Classify a message to a shop's support.",
    labels=(
        Label(name="refund", description="wants money back"),
        Label(name="delivery", description="asks for a parcel"),
    ),
    languages=("en",),
    cell=Cell(label="refund", topic="damaged goods", subtopic="a broken lamp", source_type="email"),
    count=2,
)
# Of the models that an endpoint has when it has not the one that was named.
_LISTED_MODELS = 5


@dataclass
class _Pool:
    """The connections and gates of one event loop."""

    clients: dict[str, httpx.AsyncClient]
    gates: RateLimiter
    stack: AsyncExitStack
    users: int = 0


class EndpointWriter:
    """Asks a model over HTTP. May be used from several threads, each with an event loop of its own."""

    def __init__(
        self,
        base_urls: Sequence[str],
        model: str,
        api_key: str | Mapping[str, str] | None = None,
        *,
        prices: Prices | None = None,
        thinking_tokens: int = 0,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        connect_timeout: float = CONNECT_TIMEOUT_SECONDS,
        clock: Clock | None = None,
        seed: int = 0,
    ) -> None:
        """Share the work on `model` among the endpoints at `base_urls`.

        `api_key` is one key if all endpoints are on one host, else the keys by host; a key is sent to its host only.
        `thinking_tokens` are allowed on top of an answer's size, for a model that thinks first. Timeouts are in
        seconds. `seed` is the retries' jitter's.

        Raises:
            InvalidInput: there is no endpoint, a URL cannot be used, or a key is not clearly one host's.
        """
        if not base_urls:
            raise InvalidInput("the writer", "was given no endpoint", "Name at least one base URL.")
        keys = keys_by_host(base_urls, api_key)
        self._endpoints = {
            endpoint.url: endpoint
            for endpoint in (chat_endpoint(url, keys.get(chat_endpoint(url, None).host)) for url in base_urls)
        }
        self._model = model
        # Servers name a model by the folder it was loaded from; where that is concerns nobody else.
        self._name = PurePath(model).name if PurePath(model).is_absolute() else model
        self._prices = prices
        self._thinking_tokens = thinking_tokens
        self._read_timeout = read_timeout
        self._connect_timeout = connect_timeout
        self._clock = clock or Clock()
        self._seed = seed
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def identity(self) -> str:
        """The model, with the digest of the prompts and the settings of sampling; not where it runs."""
        return (
            f"{self._model} prompts {render.prompts_digest()} "
            f"temperature {FIRST_TEMPERATURE} thinking {self._thinking_tokens}"
        )

    @property
    def prices(self) -> Prices | None:
        """The model's prices; None when the operator has set none."""
        return self._prices

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        """Return an upper bound of what answering `request` takes, all re-asks included."""
        return most_tokens_of_asks(request, self._thinking_tokens)

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the digest of the templates that `kind` is asked with."""
        return render.prompt_digest(kind)

    async def write(self, request: WritingRequest) -> Completion:
        """Ask for `request`, again if nothing in the answer can be used, and return what could be.

        Raises:
            WriterUnavailable: no endpoint answers.
            UnusableAnswer: the endpoint refuses the request, or nothing usable came; it says what that took.
            WriterFailed: the endpoint failed too often at this request.
        """
        async with self._pool() as pool:

            async def ask(turn: int) -> Reply:
                question = self._question(request, turn)

                async def send(gate: Gate) -> Reply | Fault:
                    endpoint = self._endpoints[gate.key]
                    return await endpoint.ask(pool.clients[gate.key], question, self._clock)

                return await pool.gates.send(send)

            return await ask_until_usable(f"model {self._name!r}", request.kind, ask)

    async def check(self) -> str:
        """Return in a sentence at which endpoints the model writes; for before much is spent.

        Each is asked for two texts as it will be asked for others: an endpoint may list a model that it cannot
        serve, and serve one that it does not list.

        Raises:
            WriterUnavailable: no endpoint answers.
            WriterFailed: endpoints answer, but none has the model.
        """
        async with self._pool() as pool:
            found = await asyncio.gather(
                *(self._what_is_wrong(endpoint, pool.clients[url]) for url, endpoint in self._endpoints.items())
            )
        wrong = [error for error in found if error is not None]
        reasons = "; ".join(f"{error.subject} {error.reason}" for error in wrong)
        if len(wrong) < len(self._endpoints):
            good = [endpoint.name for endpoint, error in zip(self._endpoints.values(), found, strict=True) if not error]
            return f"Model {self._name!r} answers at {', '.join(good)}" + (f"; but {reasons}." if reasons else ".")
        failed = WriterUnavailable if all(isinstance(error, WriterUnavailable) for error in wrong) else WriterFailed
        repairs = dict.fromkeys(error.repair for error in wrong)
        unable = all(isinstance(error, UnusableAnswer) for error in wrong)
        verdict = "answers, but does not write" if unable else "does not answer"
        raise failed(f"model {self._name!r}", f"{verdict}: {reasons}", " ".join(repairs))

    async def _what_is_wrong(self, endpoint: ChatEndpoint, client: httpx.AsyncClient) -> WriterFailed | None:
        """Return why the model cannot write at `endpoint`, with the endpoint's name as the subject, or None."""
        models = await endpoint.models(client, self._clock)
        if isinstance(models, Fault) and models.kind in ("unreachable", "silent"):
            return _does_not_answer(endpoint, models)
        listed = () if isinstance(models, Fault) or self._model in models else models[:_LISTED_MODELS]

        async def ask(turn: int) -> Reply:
            question = self._question(_TRIAL, turn)
            reply = await endpoint.ask(client, question, self._clock)
            if isinstance(reply, Fault) and reply.kind in ("broken", "overloaded"):
                # Once more: a busy server closes a connection that was kept open, just when it is used again, or says
                # when to come back.
                await self._clock.sleep(min(reply.retry_after or 0.0, LONGEST_PAUSE))
                reply = await endpoint.ask(client, question, self._clock)
            if isinstance(reply, Fault):
                raise _does_not_answer(endpoint, reply, listed)
            return reply

        try:
            await ask_until_usable(endpoint.name, _TRIAL.kind, ask)
        except WriterFailed as error:
            return error
        return None

    def _question(self, request: WritingRequest, turn: int) -> Question:
        """Return what the `turn`-th ask (from 0 on) of `request` is."""
        most = render.most_tokens(request)
        bound = TokenCount(most.tokens_in, render.most_tokens_out(request, turn) + self._thinking_tokens)
        return Question(
            self._model,
            render.chat_messages(request),
            bound.tokens_out,
            temperature(request, turn),
            sampling_seed(request, turn),
            bound,
        )

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[_Pool]:
        """Give the running loop's connections, which are closed when nobody there uses them any more."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            clients = {
                url: endpoint.client(self._connect_timeout, self._read_timeout)
                for url, endpoint in self._endpoints.items()
            }
            stack = AsyncExitStack()
            for client in clients.values():
                stack.push_async_callback(client.aclose)
            gates = [Gate(url, endpoint.name) for url, endpoint in self._endpoints.items()]
            pool = self._pools[loop] = _Pool(clients, RateLimiter(gates, self._clock, self._seed), stack)
        pool.users += 1
        try:
            yield pool
        finally:
            pool.users -= 1
            if pool.users == 0:
                del self._pools[loop]
                await pool.stack.aclose()


def _does_not_answer(endpoint: ChatEndpoint, fault: Fault, models: Sequence[str] = ()) -> WriterFailed:
    """Return the failure that `fault` is; `models` are what the endpoint has in place of the one that was asked for."""
    instead = f"; it has {', '.join(map(repr, models))}" if models and fault.kind == "rejected" else ""
    failed = WriterFailed if fault.kind == "rejected" else WriterUnavailable
    return failed(endpoint.name, f"{fault.reason}{instead}", fault.repair)
