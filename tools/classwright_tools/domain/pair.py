"""A pair as one string, for code whose rows are strings.

Curation, splits and reports handle a row as one string. A pair's two texts are joined by a character that clean texts
never hold, so that what works on strings works on pairs, and what must tell the two apart can.
"""

from __future__ import annotations

from typing import Annotated, NewType

from pydantic import BeforeValidator, Field

from classwright_tools.domain.noun import GivenText, Noun

SEPARATOR = "\x1f"  # ASCII's unit separator: cleaning turns control characters of a text into spaces
ARROW = " \u2192 "  # what a reader sees in its place
Content = NewType("Content", str)
"""What a row holds, as one string: its text, or both texts of a pair joined. `joined` makes it."""

# Of many texts to classify: null, as a table's empty cell may come, is one empty text and not a refused call.
AnyText = Annotated[GivenText, BeforeValidator(lambda value: "" if value is None else value)]


class GivenPair(Noun):
    """A pair in a call."""

    text: AnyText = Field(description="The query.")
    text_pair: AnyText = Field(description="The item.")


def joined(text: str, text_pair: str | None = None) -> Content:
    """Return `text` alone, or both texts of a pair as one string."""
    if text_pair is None:
        return Content(text)
    return Content(text.replace(SEPARATOR, " ") + SEPARATOR + text_pair.replace(SEPARATOR, " "))


def apart(content: str) -> tuple[str, str | None]:
    """Return the text and the text_pair in what `joined` returned; the second is None for a single text."""
    text, separator, text_pair = content.partition(SEPARATOR)
    return text, text_pair if separator else None


def parts(content: str) -> tuple[str, ...]:
    """Return the texts in what `joined` returned: one, or the query and the item."""
    return tuple(content.split(SEPARATOR))


def shown(content: str) -> str:
    """Return what `joined` returned as a reader should see it: a pair as "query → item"."""
    return content.replace(SEPARATOR, ARROW)
