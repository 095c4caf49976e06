"""One OpenAI-compatible endpoint: what is sent to it, and what its answers mean."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import UnusableAnswer
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.backends.http_errors import Fault, fault_of_status
from classwright_tools.writing.backends.http_responses import Complaint, HttpAnswer, understood
from classwright_tools.writing.backends.rate_limit import Clock
from classwright_tools.writing.backends.request_forms import EndpointDialect, Question
from classwright_tools.writing.completions.retry import Reply

logger = logging.getLogger("classwright.writing")

# No honest answer is longer; a longer one is not read to its end.
MOST_ANSWER_BYTES = 16 * 2**20
LATE_SECONDS = 60.0
# So many blanks at an answer's end are no indentation.
LOOP_OF_BLANKS = 64


@dataclass
class ChatEndpoint:
    """An endpoint by its base URL. It remembers the dialect that was understood."""

    url: str
    name: str
    host: str
    api_key: str | None = field(default=None, repr=False)
    dialect: EndpointDialect = field(default_factory=EndpointDialect)
    has_answered: bool = False
    """Whether a completion has come of it."""
    was_late: bool = False
    """Whether a request has waited for `LATE_SECONDS`."""

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

        What an endpoint does not understand, or seems to stumble over, is left out; the dialect that it answered
        is used from then on.

        Raises:
            UnusableAnswer: the endpoint refuses this request, in every dialect.
        """
        late = asyncio.get_running_loop().call_later(LATE_SECONDS, self._tell_late, client.timeout.read)
        try:
            return await self._ask(client, question, clock)
        finally:
            late.cancel()

    async def _ask(self, client: httpx.AsyncClient, question: Question, clock: Clock) -> Reply | Fault:
        """Ask as `ask` does."""
        dialect: EndpointDialect | None = self.dialect
        first: Fault | Complaint | None = None
        while dialect is not None:
            answer = await self._exchange(client, "POST", "/chat/completions", dialect.body(question))
            outcome = answer if isinstance(answer, Fault) else understood(answer, question, clock.utc())
            if isinstance(outcome, Reply):
                self.dialect = dialect.plain() if _is_loop_of_blanks(outcome) else dialect
                self.has_answered = True
                return outcome
            if isinstance(outcome, Fault) and not self._doubts_form(outcome):
                return outcome
            simpler = dialect.simpler(outcome.words) if isinstance(outcome, Complaint) else dialect.less_strict()
            # A complaint that names another field than the form is answered by the next dialect, and over.
            if simpler is None or simpler.format != dialect.format:
                first = first or outcome
            dialect = simpler
        if isinstance(first, Fault):
            return first
        assert first is not None
        about, repair = first.told
        raise UnusableAnswer(
            f"writer endpoint {self.name}",
            f"refuses the request (HTTP {first.status}){about}",
            repair,
            TokenCount(0, 0),
        )

    def _tell_late(self, longest: float | None) -> None:
        """Log, once, that the endpoint takes long; it may be silent for `longest` seconds."""
        if not self.was_late:
            words = "writer endpoint %s: a request has no answer after %g s; it is given up after %g s of silence"
            logger.warning(words, self.name, LATE_SECONDS, longest)
        self.was_late = True

    def _doubts_form(self, fault: Fault) -> bool:
        """Whether to ask for a simpler form of answer; where one has come, a failure (5xx) is likelier to pass."""
        return fault.may_be_of_form and not (self.has_answered and fault.kind == "broken")

    async def models(self, client: httpx.AsyncClient, clock: Clock) -> tuple[str, ...] | Fault:
        """Return the ids of the models that the endpoint lists, or why it does not."""
        answer = await self._exchange(client, "GET", "/models", None)
        if isinstance(answer, Fault):
            return answer
        fault = fault_of_status(answer.status, answer.headers, clock.utc())
        if fault is not None:
            return fault
        try:
            return tuple(str(model["id"]) for model in json.loads(answer.content)["data"])
        except (ValueError, TypeError, KeyError):
            return ()  # the list is optional; asking the model tells

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
    ) -> HttpAnswer | Fault:
        """Return the HTTP answer, whatever its status, or why none came."""
        try:
            async with client.stream(method, self.url + path, json=body) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_ANSWER_BYTES:
                        return Fault("broken", f"answered with more than {MOST_ANSWER_BYTES >> 20} MB")
                return HttpAnswer(response.status_code, response.headers, bytes(content))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
            return Fault("unreachable", "cannot be connected to")
        except httpx.TimeoutException:
            return Fault("silent", f"did not answer within {client.timeout.read:g} s")
        except (httpx.TransportError, httpx.DecodingError):
            return Fault("broken", "broke the connection off")


def _is_loop_of_blanks(reply: Reply) -> bool:
    """Whether the model wrote blanks to its token limit, as some do where a grammar allows them anywhere."""
    blanks = len(reply.content) - len(reply.content.rstrip())
    return reply.finish_reason == "length" and blanks >= LOOP_OF_BLANKS


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


def keys_by_host(base_urls: Sequence[str], api_key: str | Mapping[str, str] | None) -> dict[str, str]:
    """Return the API keys by host.

    Raises:
        InvalidInput: one key was given for several hosts, or a key for a host that no URL has.
    """
    hosts = {chat_endpoint(url, None).host for url in base_urls}
    if api_key is None:
        return {}
    if isinstance(api_key, str):
        if len(hosts) > 1:
            raise InvalidInput(
                "the API key",
                f"could belong to any of the hosts {', '.join(sorted(hosts))}",
                "Pass a key for each host that needs one.",
            )
        return dict.fromkeys(hosts, api_key)
    for host in api_key:
        if host not in hosts:
            raise InvalidInput(
                f"the API key for {host!r}", "belongs to no base URL", f"Use a host of {', '.join(sorted(hosts))}."
            )
    return dict(api_key)
