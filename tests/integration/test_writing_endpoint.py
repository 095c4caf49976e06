"""The endpoint writer against scripted endpoints on real sockets: faults, limits, several endpoints, and their keys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WriterUnavailable
from classwright_tools.writing.backends import http_client
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from classwright_tools.writing.completions.parsing import answer as parsing
from support.endpoint import FORMS, KEY, STREAM, failure_of, form_of, write_all, written_by
from support.writing import (
    HANG,
    RESET,
    PaperClock,
    Said,
    ScriptedEndpoint,
    dead_port,
    echoed,
    in_turn,
    said,
    said_items,
    said_status,
)


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


def test_an_endpoint_that_never_answers_is_told_in_the_log_and_given_up_after_its_read_timeouts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_client, "LATE_SECONDS", 0.1)
    error, endpoint = failure_of(in_turn(HANG), read_timeout=0.2)

    [told] = caplog.messages
    assert told.endswith("a request has no answer after 0.1 s; it is given up after 0.2 s of silence")
    assert "did not answer within 0.2 s" in str(error)
    assert len(endpoint.chats) == 2


def test_a_refused_key_is_not_tried_again() -> None:
    error, endpoint = failure_of(in_turn(said_status(401, body="SECRET-BODY invalid key sk-secret-key")))

    assert isinstance(error, WriterUnavailable)
    assert "refused the API key (HTTP 401)" in str(error)
    assert len(endpoint.chats) == 1


@pytest.mark.parametrize(
    ("words", "about", "repair"),
    [
        ("maximum context length is 512 tokens", ": it asks for more tokens than the model takes", "a longer context"),
        ("blocked by the content filter", ": its content is filtered", "write these texts yourself"),
        ("cannot do that", "", "is one for chats"),
    ],
)
def test_a_request_that_is_refused_as_such_does_not_bring_the_writer_down_and_is_told_by_what_it_is_about(
    words: str, about: str, repair: str
) -> None:
    error, endpoint = failure_of(in_turn(said_status(400, body=f"SECRET-BODY: {words}")))

    assert not isinstance(error, WriterUnavailable)
    assert error.reason == f"refuses the request (HTTP 400){about}"
    assert repair in error.repair
    assert [form_of(chat) for chat in endpoint.chats] == FORMS


def test_a_refused_request_is_not_told_by_a_complaint_that_was_answered() -> None:
    answered = said_status(400, body="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    refused = said_status(400, body="blocked by the content filter")

    error, endpoint = failure_of(in_turn(answered, refused))

    assert error.reason == "refuses the request (HTTP 400): its content is filtered"
    assert len(endpoint.chats) == 1 + len(FORMS)


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
        (
            replace(error_in_200("insufficient_quota"), status=429),
            "HTTP 429, insufficient_quota. Add credit to",
        ),
        (error_in_200(404), "does not know the model or the path: answered with an error (code 404)"),
        (STREAM, "answered with a stream, which was not asked for"),
        (Said(body=b'{"message": {"content": "hi"}, "done": true}'), "in the native form of Ollama"),
        (Said(body=b'{"message": {"content": "h"}, "done": false}\n{"done": true}'), "in the native form of Ollama"),
        (Said(body=b'{"type": "message", "content": [{"text": "hi"}]}'), "in the native form of Anthropic"),
        (Said(body=b'[{"generated_text": "hi"}]'), "in the native form of Text Generation Inference"),
    ],
)
def test_what_makes_every_further_request_vain_is_told_at_once(error: Said, reason: str) -> None:
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


def test_an_answer_that_reaches_its_limit_is_asked_again_with_twice_as_much_room_and_told_what_helps() -> None:
    error, endpoint = failure_of(in_turn(said('{"items": ["a very long', "length")))

    limits = [chat.body["max_tokens"] for chat in endpoint.chats]
    assert limits == [limits[0], 2 * limits[0], 2 * limits[0]]
    assert "import real ones of this length" in error.repair


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
