"""The endpoint writer's settings, and its check of an endpoint and a model before they are used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from classwright_tools.domain.writer import WriterUnavailable
from classwright_tools.errors import ClasswrightError, InvalidInput, WriterFailed
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from support.endpoint import KEY, write
from support.writing import (
    Said,
    ScriptedEndpoint,
    Seen,
    dead_port,
    echoed,
    in_turn,
    said,
    said_status,
)


@pytest.mark.parametrize(
    ("urls", "key", "complaint"),
    [
        ([], None, "no endpoint"),
        (["ftp://host/v1"], None, "not an http or https URL"),
        (["http://"], None, "not an http or https URL"),
        (["http://host:99999999/v1"], None, "not an http or https URL"),
        *(
            ([url], None, "not an http or https URL")
            for url in (
                "file:///etc/passwd",
                "//host/v1",
                "host/v1",
                "gopher://host/",
                "unix:///socket",
                "http:///v1",
                "http://[::1/v1",
                "http://host:-1/v1",
                "http://\x00/v1",
                "javascript:1",
                "",
            )
        ),
        *(
            ([url], None, "holds a user, a password, a query or a fragment")
            for url in (
                "http://me@host/v1",
                "http://@host/v1",
                "http://:@host/v1",
                "http://good\\@host/v1",
                "https://good.example@host/v1",
                "http://host/v1?key=sk-secret-key",
                "http://host#@evil/v1",
            )
        ),
        (["http://me:sk-secret-key@host/v1"], None, "holds a user"),
        (["http://one/v1", "http://two/v1"], KEY, "any of the hosts one, two"),
        (["http://one/v1"], {"two": KEY}, "belongs to no base URL"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(urls: list[str], key: str | dict[str, str], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint) as caught:
        EndpointWriter(urls, "tiny", key)

    assert KEY not in str(caught.value)


def listing(*models: str) -> Callable[[Seen], Said]:
    """An endpoint that lists `models` and answers only for "tiny"."""

    def script(seen: Seen) -> Said:
        if seen.method == "GET":
            return Said(body=json.dumps({"data": [{"id": model} for model in models]}).encode())
        return echoed(seen) if seen.body["model"] == "tiny" else said_status(404)

    return script


@pytest.mark.parametrize("models", [("other", "tiny"), ("other",), ()])
def test_a_check_asks_a_model_as_the_writer_asks_whether_it_is_listed_or_not(models: tuple[str, ...]) -> None:
    with ScriptedEndpoint(listing(*models)) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny", thinking_tokens=50)
        sentence = asyncio.run(writer.check())
        write(writer)

    assert sentence == f"Model 'tiny' answers at 127.0.0.1:{endpoint.port}."
    trial, real = endpoint.chats
    assert trial.body.keys() == real.body.keys()
    assert trial.body["max_tokens"] == real.body["max_tokens"]


def test_a_check_finds_a_form_that_the_endpoint_takes() -> None:
    with ScriptedEndpoint(in_turn(listing("tiny"), said_status(500), echoed)) as endpoint:
        assert "answers at" in asyncio.run(EndpointWriter([endpoint.url], "tiny").check())


@pytest.mark.parametrize("once", [Said(then="reset"), Said(status=429, headers={"Retry-After": "0.1"})])
def test_a_check_takes_what_passes_for_none_of_the_endpoints_faults(once: Said) -> None:
    with ScriptedEndpoint(in_turn(listing("tiny"), once, echoed)) as endpoint:
        assert "answers at" in asyncio.run(EndpointWriter([endpoint.url], "tiny").check())


def test_a_check_says_that_the_model_needs_room_to_think() -> None:
    thinking = said(None, "length", reasoning_content="Okay, so")
    with (
        ScriptedEndpoint(in_turn(listing("tiny"), thinking)) as endpoint,
        pytest.raises(WriterFailed, match="--writer-thinking-tokens N") as caught,
    ):
        asyncio.run(EndpointWriter([endpoint.url], "tiny").check())

    assert "Check that it runs" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "failure", "complaint"),
    [
        (listing("other"), WriterFailed, "it has 'other'"),
        (in_turn(said_status(401)), WriterFailed, "refused the API key"),
        (
            in_turn(said_status(503)),
            WriterUnavailable,
            "overloaded or loading .HTTP 503.. Wait until it",
        ),
    ],
)
def test_a_check_says_why_the_model_cannot_be_used(
    script: Callable[[Seen], Said], failure: type[ClasswrightError], complaint: str
) -> None:
    with ScriptedEndpoint(script) as endpoint:
        writer = EndpointWriter([endpoint.url], "absent")
        with pytest.raises(failure, match=complaint):
            asyncio.run(writer.check())


def test_a_check_names_the_endpoint_that_is_down_beside_the_one_that_answers() -> None:
    with dead_port() as port, ScriptedEndpoint(listing("tiny")) as endpoint:
        sentence = asyncio.run(EndpointWriter([endpoint.url, f"http://127.0.0.1:{port}"], "tiny").check())

    assert f"answers at 127.0.0.1:{endpoint.port}; but 127.0.0.1:{port} cannot be connected to." in sentence
