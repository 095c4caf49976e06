"""Request forms for different endpoints: the form of structured output, and the optional parts that are sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from classwright_tools.domain.usage import TokenCount
from classwright_tools.writing.prompts.render import Message, answer_schema

# From the strictest on. Of the second, llama.cpp and the server of llama-cpp-python heed the schema.
_FORMATS: tuple[dict[str, Any] | None, ...] = (
    {"type": "json_schema", "json_schema": {"name": "items", "strict": True, "schema": answer_schema()}},
    {"type": "json_object", "schema": answer_schema()},
    {"type": "json_object"},
    None,  # the prompt alone asks for JSON
)


@dataclass(frozen=True)
class Question:
    """A question, before it is put in an endpoint's dialect."""

    model: str
    messages: list[Message]
    most_tokens_out: int
    temperature: float
    seed: int
    bound: TokenCount  # counted where the endpoint does not report its tokens


@dataclass(frozen=True)
class EndpointDialect:
    """The optional parts of a request that an endpoint understands."""

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

    def simpler(self, complaint: str) -> EndpointDialect | None:
        """Return a dialect without what `complaint`, the body of a refusal, names; None if none is left to try."""
        if self.limit == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in complaint:
            return replace(self, temperature=False)
        if self.seed and "seed" in complaint:
            return replace(self, seed=False)
        return self.less_strict()

    def less_strict(self) -> EndpointDialect | None:
        """Return a dialect that asks for the next simpler form of answer; None if this one asks for none."""
        return replace(self, format=self.format + 1) if self.asks_for_form else None

    def plain(self) -> EndpointDialect:
        """Return a dialect that leaves the form of the answer to the prompt."""
        return replace(self, format=len(_FORMATS) - 1)

    @property
    def asks_for_form(self) -> bool:
        """Whether the endpoint is to see to the form of the answer."""
        return self.format + 1 < len(_FORMATS)
