"""What the tests of the endpoint writer share: one request, several at once, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from classwright_tools.domain.writer import Completion
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from support.writing import (
    PaperClock,
    Said,
    ScriptedEndpoint,
    Seen,
    echoed,
    writing_request,
    writing_requests,
)

KEY = "sk-secret-key"


def write(writer: EndpointWriter) -> Completion:
    return asyncio.run(writer.write(writing_request()))


def write_all(writer: EndpointWriter, n: int) -> list[Completion | BaseException]:
    async def together() -> list[Completion | BaseException]:
        return await asyncio.gather(*map(writer.write, writing_requests(n)), return_exceptions=True)

    return asyncio.run(together())


def written_by(script: Callable[[Seen], Said], **settings: object) -> tuple[Completion, ScriptedEndpoint, PaperClock]:
    """What one request got from an endpoint with this script."""
    paper = PaperClock()
    with ScriptedEndpoint(script, paper.now) as endpoint:
        return write(EndpointWriter([endpoint.url], "tiny", clock=paper.clock, **settings)), endpoint, paper


def failure_of(script: Callable[[Seen], Said], **settings: object) -> tuple[WriterFailed, ScriptedEndpoint]:
    with ScriptedEndpoint(script) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny", KEY, clock=PaperClock().clock, **settings)
        with pytest.raises(WriterFailed) as caught:
            write(writer)
    assert KEY not in str(caught.value)
    assert "SECRET-BODY" not in str(caught.value)
    return caught.value, endpoint


FORMS = ["json_schema", "json_object with schema", "json_object", "plain"]


def form_of(chat: Seen) -> str:
    """The form of answer that a request asks for."""
    form = chat.body.get("response_format", {"type": "plain"})
    return f"{form['type']} with schema" if "schema" in form else str(form["type"])


def takes(*forms: str, else_: Said) -> Callable[[Seen], Said]:
    """An endpoint that answers a request for one of `forms`, and says `else_` to others."""
    return lambda seen: echoed(seen) if form_of(seen) in forms else else_


STREAM = Said(
    body=b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\ndata: [DONE]\n\n',
    headers={"Content-Type": "text/event-stream"},
)
