"""The driver's endpoint: one OpenAI-compatible chat completion with tools, asked again where the network fails."""

from __future__ import annotations

import json
import os
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any

import anyio
import httpx2
from pydantic import BaseModel, Field, ValidationError

from classwright_agents.errors import ServerError
from classwright_agents.steps import RETRY_SECONDS
from classwright_agents.task_file import DriverEntry
from classwright_tools.contract import WriterUsage
from classwright_tools.errors import unusable_secret

# A decision is short; a model that thinks first needs room, and one that talks on and on is cut here.
MOST_TOKENS = 8_000
CONNECT_SECONDS, READ_SECONDS = 10, 600
PASSING = (408, 409, 425, 429)  # beside 5xx: HTTP statuses that asking again may mend
MALFORMED = (400, 422)  # HTTP statuses of a request that the endpoint reads and does not take as it is put
# What a request can do without, where the endpoint's complaint names it.
OPTIONAL = ("temperature", "max_completion_tokens", "tool_choice")
MOST_QUOTED = 300  # characters of a complaint
# Of English and JSON, where an endpoint does not count its tokens, and before it is asked.
CHARS_A_TOKEN = 4

Messages = list[dict[str, str]]


class _Function(BaseModel):
    name: str
    arguments: str | dict[str, Any] = ""


class _Call(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Answer(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


@dataclass(frozen=True)
class Reply:
    """The calls that the model made, each with its arguments as it wrote them, and what asking took."""

    calls: tuple[tuple[str, Any], ...]
    usage: WriterUsage


class Endpoint:
    """A model behind the endpoint that a task file names."""

    def __init__(self, entry: DriverEntry) -> None:
        """Take the entry, and the key from the environment.

        Raises:
            ServerError: the variable of the key is not set, or holds no key.
        """
        self._entry = entry
        self._left_out: set[str] = set()
        self._key = os.environ.get(entry.key_env) if entry.key_env else None
        if entry.key_env and (reason := unusable_secret(self._key)):
            raise ServerError(f"Environment variable {entry.key_env!r}", reason, "Set it to the driver's key.")

    @property
    def model(self) -> str:
        """The model's name."""
        return self._entry.model

    async def ask(self, messages: Messages, tools: list[dict[str, Any]]) -> Reply:
        """Return the model's reply to `messages`, which is to be a call of one of `tools`.

        An optional part of the request that the endpoint refuses is left out from then on.

        Raises:
            ServerError: the endpoint does not answer, refuses, or answers something else than a chat completion.
        """
        body = {
            "model": self.model,
            "messages": messages,
            "tools": tools,
            "tool_choice": "required",
            "temperature": 0,
            "max_completion_tokens": MOST_TOKENS,
        }
        timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        async with httpx2.AsyncClient(headers=headers, timeout=timeout, verify=_tls()) as http:
            for pause in RETRY_SECONDS:
                answer = await self._posted(http, body)
                if isinstance(answer, _Answer):
                    break
                await anyio.sleep(pause)
            else:
                answer = await self._posted(http, body)
        if isinstance(answer, str):
            repair = "Look whether it runs, then resume the run."
            raise ServerError(self._subject, answer, repair)
        return Reply(
            tuple((call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls or ()),
            self._usage(answer, messages, tools),
        )

    async def _posted(self, http: httpx2.AsyncClient, body: dict[str, Any]) -> _Answer | str:
        """Return the answer, or why there is none though asking again may bring one."""
        sent = {name: value for name, value in body.items() if name not in self._left_out}
        try:
            response = await http.post(f"{self._entry.url.rstrip('/')}/chat/completions", json=sent)
        except httpx2.HTTPError as error:
            return f"does not answer ({type(error).__name__})"
        status = response.status_code
        if status in PASSING or status >= 500:
            return f"answers with an error (HTTP {status})"
        if status in MALFORMED:
            refused = next((name for name in OPTIONAL if name in sent and name in response.text), None)
            if refused:
                self._left_out.add(refused)
                return await self._posted(http, body)
            repair = "Mend that at the endpoint, or name another model in 'driver.model'; it must take tools."
            reason = f"refuses the request (HTTP {status}), saying {self._quoted(response.text)!r}"
            raise ServerError(self._subject, reason, repair)
        if status != 200:
            repair = "Check its URL, model and key in 'driver', and that it takes tools (function calling)."
            raise ServerError(self._subject, f"refuses the request (HTTP {status})", repair)
        try:
            return _Answer.model_validate_json(response.content)
        except ValidationError as error:
            repair = "Name the base URL of an OpenAI-compatible endpoint in 'driver.url', such as http://host:8000/v1."
            raise ServerError(self._subject, "does not answer with a chat completion", repair) from error

    @property
    def _subject(self) -> str:
        return f"The driver's endpoint {self._entry.url!r}"

    def _quoted(self, complaint: str) -> str:
        """Return the beginning of the body of a refusal, without the key, which it may repeat."""
        words = " ".join(complaint.replace(self._key, "***").split() if self._key else complaint.split())
        return words if len(words) <= MOST_QUOTED else f"{words[:MOST_QUOTED]}…"

    def _usage(self, answer: _Answer, messages: Messages, tools: list[dict[str, Any]]) -> WriterUsage:
        """Return what asking took, at the entry's prices; tokens that the endpoint does not count are estimated."""
        if answer.usage:
            tokens = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
        else:
            said = answer.choices[0].message.model_dump_json()
            tokens = (tokens_of([messages, tools]), tokens_of(said))
        cost = (tokens[0] * self._entry.price_in + tokens[1] * self._entry.price_out) / 1e6
        return WriterUsage(writer=self.model, requests=1, tokens_in=tokens[0], tokens_out=tokens[1], cost=cost)


@cache
def _tls() -> ssl.SSLContext:
    """Return the trusted certificates; reading them takes longer than everything else about a client."""
    return httpx2.create_ssl_context()


def tokens_of(value: Any) -> int:
    """Return about how many tokens a JSON value takes."""
    return len(json.dumps(value, ensure_ascii=False)) // CHARS_A_TOKEN
