"""One OpenAI-compatible endpoint: what is sent to it, and what its answers mean."""

from __future__ import annotations

import ipaddress
import json
import ssl
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from classwright_tools.domain.usage import TokenCount
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.asking import Reply
from classwright_tools.writing.concurrency import Clock
from classwright_tools.writing.faults import Fault, fault_of_status
from classwright_tools.writing.prompting import Message, answer_schema
from classwright_tools.writing.writer import UnusableAnswer

# No honest answer is longer; a longer one is not read to its end.
MOST_ANSWER_BYTES = 16 * 2**20

_FORMATS: tuple[dict[str, Any] | None, ...] = (
    {"type": "json_schema", "json_schema": {"name": "items", "strict": True, "schema": answer_schema()}},
    {"type": "json_object"},
    None,  # the prompt alone asks for JSON
)


@dataclass(frozen=True)
class Question:
    """What is asked, before it is put in the endpoint's dialect."""

    model: str
    messages: list[Message]
    most_tokens_out: int
    temperature: float
    seed: int
    bound: TokenCount  # counted where the endpoint does not report its tokens


@dataclass(frozen=True)
class Dialect:
    """Which optional parts of a request an endpoint understands."""

    format: int = 0  # into _FORMATS
    temperature: bool = True
    seed: bool = True
    limit: str = "max_tokens"

    def body(self, question: Question) -> dict[str, Any]:
        """Return the JSON body that asks `question`."""
        body: dict[str, Any] = {
            "model": question.model,
            "messages": question.messages,
            self.limit: question.most_tokens_out,
        }
        if self.temperature:
            body["temperature"] = question.temperature
        if self.seed:
            body["seed"] = question.seed
        if _FORMATS[self.format] is not None:
            body["response_format"] = _FORMATS[self.format]
        return body

    def simpler(self, complaint: str) -> Dialect | None:
        """Return a dialect without what `complaint`, the body of a refusal, names; None if none is left to try."""
        if self.limit == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in complaint:
            return replace(self, temperature=False)
        if self.seed and "seed" in complaint:
            return replace(self, seed=False)
        if self.format + 1 < len(_FORMATS):
            return replace(self, format=self.format + 1)
        return None


@dataclass
class ChatEndpoint:
    """An endpoint by its base URL. It remembers the dialect that was understood."""

    url: str
    name: str
    host: str
    api_key: str | None = field(default=None, repr=False)
    dialect: Dialect = Dialect()

    def client(self, connect_timeout: float, read_timeout: float) -> httpx.AsyncClient:
        """Return a client that sends the key to this endpoint alone and follows no redirect.

        Proxies of the environment are used, but not to reach this machine itself.
        """
        return httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            follow_redirects=False,
            trust_env=not _is_loopback(self.host),
            verify=_tls(),
        )

    async def ask(self, client: httpx.AsyncClient, question: Question, clock: Clock) -> Reply | Fault:
        """Return the endpoint's reply to `question`, or the fault that stood in its way.

        Raises:
            UnusableAnswer: the endpoint refuses this request, in every dialect.
        """
        dialect = self.dialect
        while True:
            answer = await self._exchange(client, "POST", "/chat/completions", dialect.body(question), clock)
            if isinstance(answer, Fault):
                return answer
            status, body = answer
            if status < 400:
                reply = _reply(body, question)
                if not isinstance(reply, Fault):
                    self.dialect = dialect
                return reply
            simpler = dialect.simpler(body.decode(errors="replace"))
            if simpler is None:
                raise UnusableAnswer(
                    f"writer endpoint {self.name}",
                    f"refuses the request (HTTP {status})",
                    "Ask for fewer texts at a time, or use a model with a longer context.",
                    TokenCount(0, 0),
                )
            dialect = simpler

    async def models(self, client: httpx.AsyncClient, clock: Clock) -> tuple[str, ...] | Fault:
        """Return the ids of the models that the endpoint lists, or why it does not."""
        answer = await self._exchange(client, "GET", "/models", None, clock)
        if isinstance(answer, Fault):
            return answer
        try:
            return tuple(str(model["id"]) for model in json.loads(answer[1])["data"])
        except (ValueError, TypeError, KeyError):
            return ()  # the list is optional; asking the model tells

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, clock: Clock
    ) -> tuple[int, bytes] | Fault:
        """Return status and body of the answer: a success, or a complaint about the request itself."""
        try:
            async with client.stream(method, self.url + path, json=body) as response:
                fault = fault_of_status(response.status_code, response.headers, clock.utc())
                if fault is not None:
                    return fault
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_ANSWER_BYTES:
                        return Fault("broken", f"answered with more than {MOST_ANSWER_BYTES >> 20} MB")
                return response.status_code, bytes(content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
            return Fault("unreachable", "cannot be connected to")
        except httpx.TimeoutException:
            return Fault("silent", f"did not answer within {client.timeout.read:g} s")
        except (httpx.TransportError, httpx.DecodingError):
            return Fault("broken", "broke the connection off")


def chat_endpoint(base_url: str, api_key: str | None) -> ChatEndpoint:
    """Return the endpoint at `base_url`; "/v1" is added to a URL without a path.

    Raises:
        InvalidInput: it is no plain http or https URL.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
        httpx.URL(base_url)  # which is stricter, and what the requests go by
    except (ValueError, httpx.InvalidURL):
        parts, port = urlsplit(""), -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise InvalidInput(
            "a writer's base URL", "is not an http or https URL", "Pass one such as http://127.0.0.1:8000/v1."
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput(
            f"the base URL of {parts.hostname}",
            "holds a user, a password, a query or a fragment",
            "Pass the plain URL, and the key as the API key.",
        )
    name = f"{parts.hostname}:{port or (443 if parts.scheme == 'https' else 80)}"
    path = parts.path.rstrip("/") or "/v1"
    return ChatEndpoint(f"{parts.scheme}://{parts.netloc}{path}", name, parts.hostname, api_key)


@cache
def _tls() -> ssl.SSLContext:
    """Return the trusted certificates; reading them takes longer than everything else about a client."""
    return httpx.create_ssl_context()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reply(body: bytes, question: Question) -> Reply | Fault:
    """Return what an answer's body says."""
    try:
        answer = json.loads(body)
        choice = answer["choices"][0]
        message = choice["message"]
        content = message.get("content") or message.get("refusal") or ""
        if isinstance(content, list):  # parts, as some servers send them
            content = "".join(part.get("text") or "" for part in content)
        return Reply(str(content), choice.get("finish_reason"), _tokens(answer.get("usage"), question.bound))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return Fault("broken", "answered with something that is no chat completion")


def _tokens(usage: Any, bound: TokenCount) -> TokenCount:
    """Return the tokens that the endpoint reported, or their upper bound where it reported none."""
    reported = usage if isinstance(usage, dict) else {}
    return TokenCount(
        _count(reported.get("prompt_tokens"), bound.tokens_in),
        _count(reported.get("completion_tokens"), bound.tokens_out),
    )


def _count(reported: Any, bound: int) -> int:
    return reported if isinstance(reported, int) and reported >= 0 else bound
