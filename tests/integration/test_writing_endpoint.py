"""The endpoint writer against scripted endpoints on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest

from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WriterUnavailable
from classwright_tools.errors import ClasswrightError, InvalidInput, WriterFailed
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from classwright_tools.writing.completions.parsing import answer as parsing
from support.writing import (
    HANG,
    RESET,
    PaperClock,
    Said,
    ScriptedEndpoint,
    Seen,
    dead_port,
    echoed,
    in_turn,
    said,
    said_items,
    said_status,
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


def test_a_request_carries_the_model_the_prompt_the_schema_and_a_limit() -> None:
    completion, endpoint, _ = written_by(in_turn(said_items("one", "two")))

    assert completion == Completion(items=("one", "two"), tokens_in=100, tokens_out=20)
    body = endpoint.chats[0].body
    assert body["model"] == "tiny"
    assert "broken on arrival" in endpoint.chats[0].prompt
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["items"]
    assert 0 < body["max_tokens"] <= 1000


def test_the_wait_of_a_retry_after_in_seconds_is_kept() -> None:
    completion, endpoint, _ = written_by(in_turn(said_status(429, Retry_After="17"), echoed))

    assert len(completion.items) == 2
    assert endpoint.chats[1].at - endpoint.chats[0].at >= 17


def test_the_wait_of_a_retry_after_with_a_date_is_kept() -> None:
    date = format_datetime(PaperClock().start + timedelta(seconds=40), usegmt=True)

    _, endpoint, _ = written_by(in_turn(said_status(503, Retry_After=date), echoed))

    assert endpoint.chats[1].at >= 40


def test_a_rate_limit_reached_by_many_requests_loses_none_of_them() -> None:
    paper = PaperClock()
    script = in_turn(*[said_status(429)] * 7, echoed)
    with ScriptedEndpoint(script, paper.now) as endpoint:
        answers = write_all(EndpointWriter([endpoint.url], "tiny", clock=paper.clock), 40)

    assert all(isinstance(answer, Completion) for answer in answers)
    assert len(endpoint.chats) == 47


@pytest.mark.parametrize("fault", [said_status(500), said_status(502), RESET, Said(body=b"<html>oops</html>")])
def test_a_passing_fault_is_tried_again(fault: Said) -> None:
    completion, endpoint, _ = written_by(in_turn(fault, fault, echoed))

    assert completion.items == ("broken on arrival one", "broken on arrival two")
    assert len(endpoint.chats) == 3


def test_an_endpoint_that_keeps_failing_is_named_with_the_kind_of_fault_and_nothing_else() -> None:
    error, endpoint = failure_of(in_turn(said_status(500)))

    assert f"127.0.0.1:{endpoint.port}" in str(error)
    assert "HTTP 500, 5 times for one request" in str(error)
    assert {form_of(chat) for chat in endpoint.chats} == set(FORMS)


def test_an_endpoint_that_never_answers_is_given_up_after_its_read_timeouts() -> None:
    error, endpoint = failure_of(in_turn(HANG), read_timeout=0.2)

    assert "did not answer within 0.2 s" in str(error)
    assert len(endpoint.chats) == 2


def test_a_refused_key_is_not_tried_again() -> None:
    error, endpoint = failure_of(in_turn(said_status(401, body="SECRET-BODY invalid key sk-secret-key")))

    assert isinstance(error, WriterUnavailable)
    assert "refused the API key (HTTP 401)" in str(error)
    assert len(endpoint.chats) == 1


def test_a_request_that_is_refused_as_such_does_not_bring_the_writer_down() -> None:
    error, endpoint = failure_of(in_turn(said_status(400, body="SECRET-BODY: context length exceeded")))

    assert not isinstance(error, WriterUnavailable)
    assert "refuses the request (HTTP 400)" in str(error)
    assert [form_of(chat) for chat in endpoint.chats] == FORMS


def test_a_cut_off_answer_keeps_its_complete_items() -> None:
    completion, endpoint, _ = written_by(in_turn(said('{"items": ["one", "two", "thr', "length")))

    assert completion.items == ("one", "two")
    assert completion.lost == (parsing.TOKEN_LIMIT,)
    assert len(endpoint.chats) == 1


@pytest.mark.parametrize("items", [["one"], ["one", "two", "three", "four"]])
def test_too_few_and_too_many_items_are_handed_on(items: list[str]) -> None:
    completion, _, _ = written_by(in_turn(said_items(*items)))

    assert list(completion.items) == items


def test_an_item_that_is_repeated_is_kept_once() -> None:
    completion, _, _ = written_by(in_turn(said_items("one", "one", "two")))

    assert completion.items == ("one", "two")
    assert completion.lost == (parsing.REPEATED,)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (said("I can't help with that request."), parsing.REFUSED),
        (said(None, refusal="I'm sorry, but I cannot assist with that."), parsing.REFUSED),
        (said("", "content_filter"), parsing.FILTERED),
    ],
)
def test_a_refusal_is_asked_again_and_then_reported_with_what_it_cost(refusal: Said, reason: str) -> None:
    error, endpoint = failure_of(in_turn(refusal))

    assert isinstance(error, UnusableAnswer)
    assert reason in str(error)
    assert error.tokens == TokenCount(300, 60)
    assert len(endpoint.chats) == 3
    assert len({chat.body["seed"] for chat in endpoint.chats}) == 3
    assert len({chat.body["temperature"] for chat in endpoint.chats}) == 3


def test_a_re_ask_that_helps_counts_both_answers() -> None:
    completion, _, _ = written_by(in_turn(said("no list here"), echoed))

    assert len(completion.items) == 2
    assert (completion.tokens_in, completion.tokens_out) == (200, 40)
    assert completion.lost == (parsing.NO_LIST,)


def test_a_re_ask_that_fails_still_counts_what_was_paid() -> None:
    error, _ = failure_of(in_turn(said("no list here"), said_status(400)))

    assert isinstance(error, UnusableAnswer)
    assert error.tokens == TokenCount(100, 20)


def test_an_endpoint_that_reports_no_tokens_is_counted_at_the_bound() -> None:
    completion, _, _ = written_by(in_turn(said('{"items": ["one"]}', tokens=None)))

    assert completion.tokens_in > 100
    assert completion.tokens_out > 100


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


def test_a_model_that_nobody_knows_is_told_as_that() -> None:
    error, _ = failure_of(in_turn(said_status(404, '{"error": {"message": "model tiny not found"}}')))

    assert isinstance(error, WriterUnavailable)
    assert "does not know the model or the path (HTTP 404)" in str(error)


def error_in_200(code: object, **more: object) -> Said:
    """An error that comes under the status of a success."""
    body = {"choices": None, "error": {"message": "SECRET-BODY", "code": code, **more}}
    return Said(body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (error_in_200(402), "wants to be paid first: answered with an error (code 402)"),
        (error_in_200("401"), "refused the API key: answered with an error (code 401)"),
        (error_in_200("invalid_api_key"), "refused the API key: answered with an error (code 401)"),
        (error_in_200(None, type="insufficient_quota"), "wants to be paid first"),
        (error_in_200(404), "does not know the model or the path: answered with an error (code 404)"),
        (STREAM, "answered with a stream, which was not asked for"),
        (Said(body=b'{"message": {"content": "hi"}, "done": true}'), "in the native form of Ollama"),
        (Said(body=b'{"message": {"content": "h"}, "done": false}\n{"done": true}'), "in the native form of Ollama"),
        (Said(body=b'{"type": "message", "content": [{"text": "hi"}]}'), "in the native form of Anthropic"),
        (Said(body=b'[{"generated_text": "hi"}]'), "in the native form of Text Generation Inference"),
    ],
)
def test_what_makes_every_further_request_vain_under_http_200_is_told_at_once(error: Said, reason: str) -> None:
    failure, endpoint = failure_of(in_turn(error))

    assert isinstance(failure, WriterUnavailable)
    assert reason in str(failure)
    assert len(endpoint.chats) <= len(FORMS)


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"headers": {"Retry-After": "23"}}},
        {"metadata": {"retry_after_seconds": 23}},
        {"retry_after": 23.0},
    ],
)
def test_the_wait_of_a_rate_limit_under_http_200_is_kept(more: dict[str, object]) -> None:
    completion, endpoint, _ = written_by(in_turn(error_in_200(429, **more), echoed))

    assert len(completion.items) == 2
    assert endpoint.chats[1].at - endpoint.chats[0].at >= 23


def test_a_rate_limit_under_http_200_that_lasts_is_told_as_one() -> None:
    error, _ = failure_of(in_turn(error_in_200(429)))

    assert "is rate-limiting: answered with an error (code 429)" in str(error)
    assert "Wait until it takes requests again" in error.repair


@pytest.mark.parametrize("code", [502, "server_error", 1302, None])
def test_a_passing_error_under_http_200_is_tried_again(code: object) -> None:
    completion, _, _ = written_by(in_turn(error_in_200(code), echoed))

    assert len(completion.items) == 2


def test_lines_that_keep_a_connection_open_are_no_part_of_the_answer() -> None:
    kept_open = Said(body=b": PROCESSING\n\n: PROCESSING\n\n" + said_items("one", "two").body)

    assert written_by(in_turn(kept_open))[0].items == ("one", "two")


def test_an_answer_that_comes_as_a_call_of_a_function_is_read() -> None:
    call = {"type": "function", "function": {"name": "items", "arguments": '{"items": ["one", "two"]}'}}

    assert written_by(in_turn(said(None, "tool_calls", tool_calls=[call])))[0].items == ("one", "two")
    assert written_by(in_turn(said(None, function_call=call["function"])))[0].items == ("one", "two")


def test_parts_that_hold_thoughts_are_no_part_of_the_answer() -> None:
    parts = [{"type": "reasoning", "text": '["a draft"]'}, {"type": "text", "text": '{"items": ["one"]}'}]
    answer = {"choices": [{"message": {"content": parts, "reasoning": "hm"}, "finish_reason": "stop"}]}

    assert written_by(in_turn(Said(body=json.dumps(answer).encode())))[0].items == ("one",)


@pytest.mark.parametrize(
    "thinking",
    [
        said(None, "length", reasoning_content="Okay, let me think " * 40),
        said("", "length", reasoning="Okay"),
        said("<think>Okay, let me think", "length"),
        said("[THINK]Okay", "length"),
        said_status(400, "Could not finish the message because max_tokens or model output limit was reached."),
    ],
)
def test_a_model_that_thinks_its_limit_away_is_told_with_the_setting_that_helps(thinking: Said) -> None:
    error, _ = failure_of(in_turn(thinking))

    assert parsing.THINKING_LIMIT in error.reason
    assert "--writer-thinking-tokens" in error.reason
    assert "--writer-thinking-tokens N" in error.repair


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


def test_several_endpoints_share_the_load() -> None:
    with ScriptedEndpoint(echoed) as one, ScriptedEndpoint(echoed) as other:
        answers = write_all(EndpointWriter([one.url, other.url], "tiny"), 40)

    assert all(isinstance(answer, Completion) for answer in answers)
    assert min(len(one.chats), len(other.chats)) >= 10
    assert len(one.chats) + len(other.chats) == 40


def test_the_work_of_a_dead_endpoint_goes_to_the_other_one() -> None:
    with dead_port() as port, ScriptedEndpoint(echoed) as endpoint:
        writer = EndpointWriter([f"http://127.0.0.1:{port}", endpoint.url], "tiny", clock=PaperClock().clock)
        answers = write_all(writer, 60)

    assert all(isinstance(answer, Completion) for answer in answers)
    assert len(endpoint.chats) == 60


def test_a_dead_endpoint_is_left_alone_after_a_few_rounds() -> None:
    with dead_port() as port:
        paper = PaperClock()
        answers = write_all(EndpointWriter([f"http://127.0.0.1:{port}"], "tiny", clock=paper.clock), 50)

    assert {type(answer) for answer in answers} == {WriterUnavailable}
    assert f"127.0.0.1:{port} cannot be connected to" in str(answers[0])
    assert paper.time < 60


def test_a_key_goes_to_its_own_host_only() -> None:
    with ScriptedEndpoint(echoed) as mine, ScriptedEndpoint(echoed) as other:
        others_url = f"http://localhost:{other.port}/v1"
        write_all(EndpointWriter([mine.url, others_url], "tiny", {"127.0.0.1": KEY}), 20)

    assert {chat.headers["authorization"] for chat in mine.chats} == {f"Bearer {KEY}"}
    assert other.chats
    assert not any("authorization" in chat.headers for chat in other.chats)


def test_a_redirect_is_not_followed() -> None:
    with ScriptedEndpoint(echoed) as elsewhere:
        error, _ = failure_of(in_turn(said_status(307, Location=f"{elsewhere.url}/chat/completions")))

    assert "redirects elsewhere" in str(error)
    assert elsewhere.seen == []


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


def test_a_check_takes_one_connection_that_breaks_for_none_of_the_endpoints_faults() -> None:
    with ScriptedEndpoint(in_turn(listing("tiny"), Said(then="reset"), echoed)) as endpoint:
        assert "answers at" in asyncio.run(EndpointWriter([endpoint.url], "tiny").check())


def test_a_check_says_that_the_model_needs_room_to_think() -> None:
    thinking = said(None, "length", reasoning_content="Okay, so")
    with (
        ScriptedEndpoint(in_turn(listing("tiny"), thinking)) as endpoint,
        pytest.raises(WriterFailed, match="--writer-thinking-tokens N") as caught,
    ):
        asyncio.run(EndpointWriter([endpoint.url], "tiny").check())

    assert "Check the URL" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "failure", "complaint"),
    [
        (listing("other"), WriterFailed, "it has 'other'"),
        (in_turn(said_status(401)), WriterFailed, "refused the API key"),
        (in_turn(said_status(503)), WriterUnavailable, "overloaded or loading"),
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
