"""HTTP responses of an endpoint: a completion, an error under any status, a stream, or another API's answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from classwright_tools.domain.usage import TokenCount
from classwright_tools.writing.backends.http_errors import Fault, fault_of_status
from classwright_tools.writing.backends.request_forms import Question
from classwright_tools.writing.completions.retry import Reply

# The statuses that endpoints give, of which the form that was asked for may be the cause.
_MAYBE_OF_FORM = (404, 405, 500, 501)
# Said of a model that spent its limit on thoughts; some providers make it an error.
_LIMIT_REACHED = re.compile(
    r"(?:max_tokens|max_completion_tokens|output limit|token limit)[^.]{0,60}\breached\b", re.IGNORECASE
)
# What a complaint is about, by its words.
_TOO_LONG = re.compile(
    r"context.{0,20}length|context.?(?:window|size)|max_(?:completion_)?tokens|too (?:long|many tok)", re.I
)
_FILTERED = re.compile(r"content.{0,12}(?:filter|polic)|moderat|safety|usage polic", re.I)
# Words of an error's code or type, and the HTTP status that says the same.
_STATUS_WORDS = (
    (re.compile(r"rate.?limit|too.?many|throttl"), 429),
    (re.compile(r"quota|credit|billing|payment"), 402),
    (re.compile(r"auth|api.?key"), 401),
    (re.compile(r"permission|forbidden"), 403),
    (re.compile(r"overload|unavailable"), 503),
    (re.compile(r"not.?found"), 404),
    (re.compile(r"invalid|bad.?request"), 400),
)
# Types and codes of an error under 429 that no waiting helps against.
_UNPAID = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
# Lines that servers send to keep a connection open.
_KEEP_ALIVE = re.compile(rb"\A(?:\s*:[^\n]*\n)+")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP answer as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Complaint(NamedTuple):
    """The endpoint is there and refuses this request as it was put: in what words, and under which status."""

    status: int
    words: str

    @property
    def told(self) -> tuple[str, str]:
        """What it is about, as the end of a sentence, and what helps. Its own words stay here: they may hold a key."""
        if _TOO_LONG.search(self.words):
            return (
                ": it asks for more tokens than the model takes",
                "Use a model with a longer context, or ask for shorter texts, and fewer of a cell, at a time.",
            )
        if _FILTERED.search(self.words):
            return ": its content is filtered", "Use another model, or write these texts yourself."
        return "", "The endpoint's log says why. Check that the model is one for chats."


def understood(answer: HttpAnswer, question: Question, now: datetime) -> Reply | Fault | Complaint:
    """Return what `answer` to `question` says; `now` is aware."""
    words = answer.content.decode(errors="replace")
    body = _json(answer.content)
    if answer.status >= 300:
        unpaid = _unpaid(_error(body)) if answer.status == 429 else None
        found = fault_of_status(402, {}, now, f"HTTP 429, {unpaid}") if unpaid else None
        found = found or fault_of_status(answer.status, answer.headers, now)
        return _refused(answer.status, words, question, found)
    reply = _reply(body, question)
    if reply is not None:
        return reply
    error = _error(body)
    if error is not None:
        code, wait = _code(error), _wait(error)
        headers = answer.headers if wait is None else {"retry-after": wait}
        fault = fault_of_status(code or 500, headers, now, f"answered with an error (code {code or 'unknown'})")
        return _refused(code or 500, words, question, fault)
    if _is_stream(answer):
        return Fault("rejected", "answered with a stream, which was not asked for", may_be_of_form=True)
    other = _other_api(body)
    if other:
        return Fault("rejected", f"answered in the native form of {other}, which is no chat completion")
    return Fault("broken", "answered with something that is no chat completion")


def _refused(status: int, words: str, question: Question, fault: Fault | None) -> Reply | Fault | Complaint:
    if fault is None:
        if _LIMIT_REACHED.search(words):
            return Reply("", "length", question.bound, thought=True)
        return Complaint(status, words)
    return fault if status not in _MAYBE_OF_FORM else fault.maybe_of_form()


def _json(content: bytes) -> Any:
    """Return the JSON of a body, or of the first line of one that has several; None if there is none."""
    content = _KEEP_ALIVE.sub(b"", content)
    for part in (content, content.strip().partition(b"\n")[0]):
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    return None


def _reply(body: Any, question: Question) -> Reply | None:
    """Return the completion in `body`, or None."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        if choice.get("error") and not message.get("content"):
            return None
        content, thought = _content(message)
        return Reply(content, choice.get("finish_reason"), _tokens(body.get("usage"), question.bound), thought)
    except (TypeError, KeyError, IndexError, AttributeError):
        return None


def _content(message: dict[str, Any]) -> tuple[str, bool]:
    """Return what a message says to the one who asked, and whether it holds thoughts beside that."""
    thought = any(message.get(name) for name in _THOUGHTS)
    content = message.get("content") or message.get("refusal")
    if isinstance(content, list):  # parts, as some servers send them
        kinds = [part.get("type") or "text" for part in content]
        thought = thought or "thinking" in kinds or "reasoning" in kinds
        parts = zip(content, kinds, strict=True)
        content = "".join(part.get("text") or "" for part, kind in parts if kind in ("text", "output_text"))
    if not content:  # a model that takes the form asked for as a function to call
        calls = message.get("tool_calls") or []
        called = [call["function"] for call in calls] or [message.get("function_call") or {}]
        content = "\n".join(str(function.get("arguments") or "") for function in called)
    return str(content), thought


def _tokens(usage: Any, bound: TokenCount) -> TokenCount:
    """Return the tokens that the endpoint reported, or their upper bound where it reported none."""
    reported = usage if isinstance(usage, dict) else {}
    return TokenCount(
        _count(reported.get("prompt_tokens"), bound.tokens_in),
        _count(reported.get("completion_tokens"), bound.tokens_out),
    )


def _count(reported: Any, bound: int) -> int:
    return reported if isinstance(reported, int) and reported >= 0 else bound


def _error(body: Any) -> dict[str, Any] | None:
    """Return the error object in `body`, or None."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    inside = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = body.get("error") or inside.get("error")
    if isinstance(error, dict):
        return error
    if error:
        return {"message": error}
    return body if body.get("object") == "error" else None


def _code(error: dict[str, Any]) -> int | None:
    """Return the HTTP status that an error object stands for, or None."""
    words = [str(error.get(name)).lower() for name in ("code", "status", "type") if error.get(name)]
    for word in words:
        if re.fullmatch(r"[45]\d\d", word):
            return int(word)
    for pattern, status in _STATUS_WORDS:
        if any(pattern.search(word) for word in words):
            return status
    return None


def _unpaid(error: dict[str, Any] | None) -> str | None:
    """Return the type or code of an error that says that the account has no credit left; None of another."""
    return next((word for word in _UNPAID if error and word in (error.get("type"), error.get("code"))), None)


def _wait(error: dict[str, Any]) -> str | None:
    """Return what an error object says of waiting, as a Retry-After header would."""
    metadata = error.get("metadata")
    places = [error, metadata] if isinstance(metadata, dict) else [error]
    if isinstance(metadata, dict) and isinstance(metadata.get("headers"), dict):
        places.append(metadata["headers"])
    for place in places:
        for name, value in place.items():
            if name.lower().replace("_", "-") in ("retry-after", "retry-after-seconds"):
                return str(value)
    return None


def _is_stream(answer: HttpAnswer) -> bool:
    kind = answer.headers.get("content-type", "")
    return kind.startswith("text/event-stream") or answer.content.lstrip().startswith((b"data:", b"event:"))


def _other_api(body: Any) -> str | None:
    """Return whose API an answer is of, if it is not the one that was asked."""
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return None
    if "done" in body and ("message" in body or "response" in body):
        return "Ollama"
    if body.get("type") == "message" and "content" in body:
        return "Anthropic"
    if "candidates" in body:
        return "Gemini"
    if "generated_text" in body:
        return "Text Generation Inference"
    if body.get("object") in ("response", "text_completion"):
        return "another OpenAI interface"
    return "llama.cpp" if "tokens_predicted" in body else None
