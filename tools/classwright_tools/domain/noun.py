"""The base of every noun and of every tool's request and result."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.uris import uris_in


class Noun(BaseModel):
    """An immutable value; an unknown field is refused, so a misspelt argument is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolRequest(Noun):
    """The arguments of a tool: the MCP schema and the command line are made from its fields."""


class Part(Noun):
    """What an answer shows only in part: so many of the entries of a list, or of the characters of its texts."""

    shown: int = Field(ge=0)
    total: int = Field(ge=1)
    uri: str = Field(description="Of the whole.")


class ToolResult(Noun):
    """The answer of a tool: small, complete without any text beside it.

    Its summary says what happened, in one or two sentences, and its next step the call that is usually right after.
    """

    summary: str
    next_step: str
    shown_in_part: Annotated[dict[str, Part], WithJsonSchema({"type": "object"})] = Field(
        default_factory=dict, description="By place: shown, total, uri of the whole."
    )
    uris: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _with_uris(cls, fields: Any) -> Any:
        """Add the URIs of the artifacts that the result names."""
        return {"uris": uris_in(fields), **fields} if isinstance(fields, dict) else fields


# The bounds that every tool shares. They keep one call from exhausting a host.
MAX_TEXT_CHARS = 20_000
MAX_GIVEN_CHARS = 100_000
"""Of a text in a call. One over `MAX_TEXT_CHARS` is refused by itself, with its reason; one over this with the call."""
MAX_LABELS = 500
MAX_ROWS_WRITTEN = 200_000


def _bounded(text: str) -> str:
    if len(text) > MAX_GIVEN_CHARS:
        raise ValueError(f"the text is longer than {MAX_GIVEN_CHARS} characters")
    return text


Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="The task's short name: lower-case letters, digits and underscores, starting with a letter.",
        examples=["banking12"],
    ),
]
ArtifactId = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}-[a-z][0-9]{1,9}$",
        description="An artifact's id as a tool returned it.",
    ),
]
LabelName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
# Words that a person or a model wrote about the texts: descriptions, topics. What nobody sees of them is taken away.
Plain = BeforeValidator(lambda value: plain_text(value) if isinstance(value, str) else value)
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
# Not by `max_length`: pydantic then refuses a whole call for one broken character, where the one text is refused.
GivenText = Annotated[str, AfterValidator(_bounded), Field(json_schema_extra={"maxLength": MAX_GIVEN_CHARS})]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
