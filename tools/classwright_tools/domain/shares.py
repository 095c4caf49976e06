"""The shares of the labels where a model is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.noun import LabelName, Noun

MOST_NAMED = 4

ShareSource = Literal["stated", "random rows", "estimated", "validation rows"]
"""Who says so: a person, labels for random texts, a model of texts without labels, or the rows that calibrate it."""


class LabelShare(Noun):
    """The share of one label; the interval of one that a person stated is empty."""

    label: LabelName
    share: Estimate


class TaskShares(Noun):
    """The shares of all labels, and where they are known from."""

    source: ShareSource
    texts: int = Field(default=0, ge=0, description="The texts that they were estimated from or counted in.")
    fits_none: int = Field(default=0, ge=0, description="Random texts beside these that no label fits.")
    labels: tuple[LabelShare, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The shares, in the order of the model's labels."""
        return tuple(one.share.value for one in self.labels)

    def of(self, names: Sequence[str]) -> tuple[float, ...]:
        """Return the shares of the labels `names`, in their order."""
        by_name = {one.label: one.share.value for one in self.labels}
        return tuple(by_name[name] for name in names)

    @property
    def each_in_words(self) -> tuple[tuple[LabelName, str], ...]:
        """Each label with its share in words, and its interval if there is one, the largest first."""
        by_size = sorted(self.labels, key=lambda one: -one.share.value)
        if self.source == "stated":
            return tuple((one.label, f"{one.share.value:.1%}") for one in by_size)
        spans = ((one.label, one.share) for one in by_size)
        return tuple((label, f"{s.value:.1%} ({s.low:.1%} to {s.high:.1%})") for label, s in spans)

    @property
    def named(self) -> str:
        """The largest shares in words."""
        return listed((f"{label!r} {share}" for label, share in self.each_in_words), MOST_NAMED)

    @property
    def whose(self) -> str:
        """Where they are known from, to follow on "the shares"."""
        beside = f", beside which {self.fits_none:,} fit no label" if self.fits_none else ""
        return {
            "stated": "as stated",
            "validation rows": "of the validation rows",
            "random rows": f"of {self.texts:,} random texts that were labelled{beside}",
            "estimated": f"estimated from {self.texts:,} texts that came without labels",
        }[self.source]

    @property
    def known_from(self) -> str:
        """Where the shares are known from, in words."""
        return f"those {self.whose}" if self.whose.startswith("of ") else self.whose

    @property
    def in_words(self) -> str:
        """The largest shares in words, and where they are known from."""
        return f"{self.named}, {self.known_from}"
