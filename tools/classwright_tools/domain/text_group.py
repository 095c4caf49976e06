"""Groups of texts that mean about the same: what a person sees of texts whose kinds nobody knows yet."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.noun import Noun


class TextGroup(Noun):
    """Texts that lie together in meaning."""

    words: str = Field(description="That tell it from the others, if any.")
    rows: int
    share: float = Field(description="Of all grouped.")
    typical: dict[str, str] = Field(description="By row id, from the middle of its parts.")
