"""The base of every noun and of every tool's request and result."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.kinds import ids_of
from classwright_tools.domain.uris import uris_of


class Noun(BaseModel):
    """An immutable value; an unknown field is refused, so a misspelt argument is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ToolRequest(Noun):
    """The arguments of a tool: its schema in MCP is made from the fields."""

    def as_sent(self) -> dict[str, Any]:
        """Return what was sent, as JSON. A tool may tell what was left out from what was sent as it is by default."""
        return self.model_dump(mode="json", exclude_unset=True)


class Part(Noun):
    """What an answer shows only in part: so many of the entries of a list, or of the characters of its texts."""

    shown: int = Field(ge=0)
    total: int = Field(ge=1)
    uri: str = Field(description="Of the whole.")


_OBJECT = WithJsonSchema({"type": "object"})  # what it holds is in the docs: every tool has it


class ToolResult(Noun):
    """The answer of a tool: small, complete without any text beside it.

    Its summary says what happened, in one or two sentences, and its next step the call that is usually right after.
    """

    summary: str
    next_step: str
    shown_in_part: Annotated[dict[str, Part], _OBJECT] = Field(default_factory=dict)
    """By place, what is left out of the answer."""
    uris: Annotated[dict[str, str], _OBJECT] = Field(default_factory=dict)
    """Of the artifacts that the result names, by the name of the field."""

    @model_validator(mode="before")
    @classmethod
    def _with_uris(cls, fields: Any) -> Any:
        """Add the URIs of the artifacts that the result names."""
        if not isinstance(fields, dict):
            return fields
        ids = {name: fields[name] for name in ids_of(cls) if isinstance(fields.get(name), str)}
        return {"uris": uris_of(ids), **fields}


# The bounds that every tool shares. They keep one call from exhausting a host.
MAX_TEXT_CHARS = 20_000
MAX_GIVEN_CHARS = 100_000
"""Of a text in a call. One over `MAX_TEXT_CHARS` is refused by itself, with its reason; one over this with the call."""
MAX_LABELS = 500
MAX_LABEL_CHARS = 100
MAX_DESCRIPTION_CHARS = 2_000
MAX_ROWS_WRITTEN = 200_000


def _bounded(text: str) -> str:
    if len(text) > MAX_GIVEN_CHARS:
        raise ValueError(f"the text is longer than {MAX_GIVEN_CHARS} characters")
    return text


def _who(given: str) -> str:
    try:
        return _WHO.validate_python(given)
    except ValidationError:
        raise ValueError("is 'model', 'person', or a person by a plain name, as 'person: Ann'") from None


_NAME = r"[\w .-]{1,40}"  # \w as pydantic has it, with the combining marks of names: `re` leaves them out
_WHO = TypeAdapter(Annotated[str, Field(pattern=f"^(model|person(: {_NAME})?)$")])
PersonName = Annotated[str, Field(pattern=f"^{_NAME}$")]
"""What a person typed as their name."""
SaidBy = Annotated[str, Field(max_length=50), AfterValidator(_who)]
"""Who says something in a call: "model", "person", or a person by name, as "person: Ann"."""

Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="The task's short name.",
        examples=["hotel_reviews"],
    ),
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),  # said as a title, at times
]
LabelName = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_CHARS, pattern=r"^[^\x00-\x1f\x7f]+$")]
# Of a row, in one string as callers write it: in a multi-label task "one|other" where two apply, "|" where none does.
LabelsName = Annotated[
    str, Field(min_length=1, max_length=MAX_LABELS * (MAX_LABEL_CHARS + 1), pattern=r"^[^\x00-\x1f\x7f]+$")
]
# Words that a person or a model wrote about the texts: descriptions, topics. What nobody sees of them is taken away.
Plain = BeforeValidator(lambda value: plain_text(value) if isinstance(value, str) else value)
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
# Not by `max_length`: pydantic then refuses a whole call for one broken character, where the one text is refused.
GivenText = Annotated[str, AfterValidator(_bounded), Field(json_schema_extra={"maxLength": MAX_GIVEN_CHARS})]
# Of a chart that a caller asked for. An answer shows it beside its text.
Picture = Annotated[str, Field(description="PNG, in base64.")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
# Of labels that are to be given from a probability of their own on, and only then.
Thresholds = Annotated[dict[str, Share], Field(default_factory=dict, max_length=MAX_LABELS)]
