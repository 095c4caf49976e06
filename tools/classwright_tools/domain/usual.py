"""The usual answers of a model: those to rows that it was not trained on, which other texts are compared with."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.noun import LabelName, Noun


class Usual(Noun):
    """Counts of a model's answers to real texts that were held out. What is not known is None, or empty."""

    flagged: tuple[int, int] | None = Field(
        default=None, description="Such texts out of scope, and such texts: the r-th least like of n set the limit."
    )
    unsure: tuple[int, int] | None = Field(default=None, description="Those it was not sure of, and all of them.")
    sure_by_label: dict[LabelName, int] = Field(default_factory=dict, description="Its sure answers by label.")

    @property
    def of_scope(self) -> Usual:
        """What holds at whatever threshold, and at whatever shares, texts are answered."""
        return Usual(flagged=self.flagged)
