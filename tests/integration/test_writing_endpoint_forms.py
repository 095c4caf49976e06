"""The forms in which the endpoint writer asks for items: the simplest that works is found and remembered."""

from __future__ import annotations

import pytest

from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from support.endpoint import FORMS, STREAM, form_of, takes, write, write_all, written_by
from support.writing import (
    PaperClock,
    Said,
    ScriptedEndpoint,
    Seen,
    echoed,
    in_turn,
    said,
    said_status,
)

NO_ROUTE = '{"error":{"message":"No endpoints found that can handle the requested parameters.","code":404}}'


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize(
    "refusal",
    [
        said_status(500, '{"error":"failed to compile grammar"}'),
        said_status(501, '{"error":"response_format not implemented"}'),
        said_status(404, NO_ROUTE),
        Said(body=NO_ROUTE.encode()),
        said_status(400, "response_format: unknown type"),
        STREAM,
    ],
)
def test_simpler_forms_are_tried_and_the_one_that_works_is_remembered(refusal: Said, form: str) -> None:
    with ScriptedEndpoint(takes(form, else_=refusal)) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny")
        assert write(writer) == write(writer)

    tried = FORMS[: FORMS.index(form) + 1]
    assert [form_of(chat) for chat in endpoint.chats] == [*tried, form]


def test_each_endpoint_has_a_form_of_its_own() -> None:
    refusing = takes("json_object", else_=said_status(500))
    with ScriptedEndpoint(refusing) as one, ScriptedEndpoint(echoed) as other:
        write_all(EndpointWriter([one.url, other.url], "tiny"), 20)

    assert form_of(one.chats[-1]) == "json_object"
    assert {form_of(chat) for chat in other.chats} == {"json_schema"}


def test_a_failure_of_an_endpoint_that_has_given_structured_output_does_not_end_it() -> None:
    with ScriptedEndpoint(in_turn(echoed, said_status(500), echoed)) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny", clock=PaperClock().clock)
        write(writer)
        write(writer)

    assert {form_of(chat) for chat in endpoint.chats} == {"json_schema"}


def test_a_model_that_loops_in_blanks_under_a_grammar_is_asked_without_one() -> None:
    blanks = said('{"items": [ ' + "\n" * 500, "length")
    with ScriptedEndpoint(takes("plain", else_=blanks)) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny")
        first = write(writer)
        write(writer)

    assert (first.tokens_in, first.tokens_out) == (200, 40)
    assert [form_of(chat) for chat in endpoint.chats] == ["json_schema", "plain", "plain"]


def test_items_before_a_loop_of_blanks_are_used() -> None:
    completion, endpoint, _ = written_by(in_turn(said('{"items": ["one", "two"] ' + "\t" * 500, "length")))

    assert completion.items == ("one", "two")
    assert len(endpoint.chats) == 1


def only_plain(seen: Seen) -> Said:
    """An endpoint that knows no structured output, no seed, and the newer name of the limit only."""
    if "response_format" in seen.body:
        return said_status(400, f"{seen.body['response_format']['type']} is not supported")
    if "seed" in seen.body:
        return said_status(422, "unknown field: seed")
    if "max_tokens" in seen.body:
        return said_status(400, "use max_completion_tokens instead")
    return echoed(seen)


def test_an_endpoint_without_structured_output_is_asked_plainly_and_that_is_remembered() -> None:
    with ScriptedEndpoint(only_plain) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny")
        first = write(writer)
        needed = len(endpoint.chats)
        second = write(writer)

    assert first == second
    assert [form_of(chat) for chat in endpoint.chats][:4] == FORMS
    assert len(endpoint.chats) == needed + 1


def test_a_refusal_for_another_reason_does_not_spoil_the_dialect() -> None:
    refused = [said_status(400, "the prompt is too long")] * len(FORMS)
    with ScriptedEndpoint(in_turn(*refused, echoed)) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny")
        with pytest.raises(WriterFailed):
            write(writer)
        write(writer)

    assert form_of(endpoint.chats[len(FORMS)]) == "json_schema"
