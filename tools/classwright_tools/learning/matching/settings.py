"""Settings of a matcher: its parts, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from pydantic import Field

from classwright_tools.domain.noun import Noun
from classwright_tools.errors import InvalidInput

Part = Literal["pooled", "lexical", "tokens"]
NegativeKind = Literal["random", "mined", "generated"]


class MiningSettings(Noun):
    """How negatives are mined: the knobs of sentence-transformers' `mine_hard_negatives`."""

    range_min: int = Field(default=0, ge=0, le=1_000, description="Ranks skipped.")
    range_max: int | None = Field(default=50, ge=1, le=1_000, description="Last rank.")
    max_score: float | None = Field(default=None, ge=-1, le=1, description="Highest similarity.")
    min_score: float | None = Field(default=None, ge=-1, le=1, description="Lowest.")
    absolute_margin: float | None = Field(default=None, ge=0, le=2, description="Below the match's.")
    # What the library recommends against false negatives.
    relative_margin: float | None = Field(default=0.05, ge=0, le=1, description="The same, as a share.")
    num_negatives: int = Field(default=5, ge=1, le=100, description="An item.")
    sampling_strategy: Literal["random", "top"] = Field(default="random", description="Of those that fit.")


@dataclass(frozen=True)
class NegativeSettings:
    """The negatives that are made from matches.

    `mix` gives each kind's share of the overwritten rows; empty, none are made. `overwritten` is the probability p
    that a row is overwritten in a pass. `mining` is for mined ones.
    """

    mix: tuple[tuple[NegativeKind, float], ...] = (("generated", 0.5), ("random", 0.5))
    overwritten: float = 0.3
    mining: MiningSettings = field(default_factory=MiningSettings)

    def __post_init__(self) -> None:
        shares = [share for _, share in self.mix]
        if shares and (min(shares) < 0 or abs(sum(shares) - 1) > 1e-6):
            raise InvalidInput("the mix of negatives", f"has the shares {shares}", "Give shares that sum to 1.")
        for kind, _ in self.mix:
            if kind not in get_args(NegativeKind):
                raise InvalidInput(f"negatives {kind!r}", "are of no known kind", f"Use {get_args(NegativeKind)}.")
        if not 0 <= self.overwritten < 1:
            raise InvalidInput(
                "the share of overwritten rows", f"is {self.overwritten}", "Give a number from 0 to under 1."
            )

    @property
    def generated(self) -> bool:
        """Whether some are generated: a teacher filters these."""
        return any(kind == "generated" for kind, _ in self.mix)


@dataclass(frozen=True)
class MatcherSettings:
    """How a matcher is built and trained; `mismatch` is the number of the label that negatives get.

    `parts` are what the network sees; with `ensemble` the log-odds of the logistic regression on lexical features are
    added to the network's.
    """

    mismatch: int = 1
    parts: tuple[Part, ...] = ("pooled", "lexical", "tokens")
    negatives: NegativeSettings = field(default_factory=NegativeSettings)
    steps: int = 400  # more, and few labels are learnt by heart
    ensemble: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.parts) - set(get_args(Part))
        if unknown or not self.parts:
            raise InvalidInput("the parts of the matcher", f"are {self.parts}", f"Name some of {get_args(Part)}.")
