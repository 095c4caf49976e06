"""The caps on requests, tokens and money: counted before a request starts, and again when its answer is there."""

from __future__ import annotations

import time

from classwright_tools.domain.usage import FREE, NO_TOKENS, UNCAPPED, Caps, Prices, TokenCount
from classwright_tools.errors import BudgetExceeded, InvalidInput


class Budget:
    """A budget: its caps, the time that it lasts, the amounts spent, and the upper bounds of requests under way.

    A request starts only if the caps hold even when it, and everything under way, takes its upper bound. So a cap is
    kept as far as the bounds hold (see `prompts.most_tokens` for how they are made); what counts in the end is what
    the endpoint reported.
    """

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        max_minutes: float | None = None,
        prices: Prices | None = None,
        spent: TokenCount = NO_TOKENS,
        servers: Caps = UNCAPPED,
    ) -> None:
        """Set the caps; `max_tokens` is of tokens in and out together, `max_cost` in US dollars, the time from now on.

        `spent` is what earlier attempts at the same work took. Where the `servers` caps are lower, they hold.

        Raises:
            InvalidInput: a cap is not positive, or `max_cost` is set while the prices are not known.
        """
        asked = {"max_tokens": max_tokens, "max_cost": max_cost, "max_minutes": max_minutes}
        for name, cap in asked.items():
            if cap is not None and not cap > 0:
                raise InvalidInput(name, f"is {cap}", "Pass a number above zero, or leave it out.")
        lower = {
            name: cap
            for name, cap in servers.model_dump(exclude_none=True).items()
            if (own := asked[name]) is None or cap < own
        }
        self._servers = lower.keys()
        max_tokens, max_cost = lower.get("max_tokens", max_tokens), lower.get("max_cost", max_cost)
        if max_cost is not None and prices is None:
            raise InvalidInput(
                "max_cost",
                "cannot be kept: what the writer costs is not known",
                "Cap max_tokens instead, or start the server with --writer-price-in and --writer-price-out.",
            )
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._max_minutes = max_minutes
        self._began = time.monotonic()
        self._prices = prices or FREE
        self._spent = spent
        self._reserved = NO_TOKENS

    @property
    def spent(self) -> TokenCount:
        """The tokens of all requests that are over."""
        return self._spent

    @property
    def cost(self) -> float:
        """The cost of the requests that are over, in US dollars."""
        return self._prices.cost(self._spent)

    def fits(self, most: TokenCount) -> bool:
        """Whether a request that takes at most `most` may start now."""
        return self._exceeded(most, self._reserved) is None

    def may_ever_fit(self, most: TokenCount) -> bool:
        """Whether it may start at the best: if everything under way turned out to cost nothing."""
        return self._exceeded(most, NO_TOKENS) is None

    def start(self, most: TokenCount) -> None:
        """Reserve `most` for a request.

        Raises:
            BudgetExceeded: the request could pass a cap; nothing was reserved.
        """
        exceeded = self._exceeded(most, self._reserved)
        if exceeded is not None:
            raise exceeded
        self._reserved = _sum(self._reserved, most)

    def finish(self, most: TokenCount, took: TokenCount) -> None:
        """Give back what `start` reserved, and count what the request `took`."""
        self._reserved = TokenCount(
            self._reserved.tokens_in - most.tokens_in, self._reserved.tokens_out - most.tokens_out
        )
        self._spent = _sum(self._spent, took)

    def _exceeded(self, most: TokenCount, reserved: TokenCount) -> BudgetExceeded | None:
        """Return the error of the first cap that `most`, on top of `reserved` and of what is spent, could pass."""
        after = _sum(_sum(self._spent, reserved), most)
        if self._max_tokens is not None and sum(after) > self._max_tokens:
            return self._cap(
                "max_tokens",
                f"{sum(self._spent)} of {self._max_tokens} tokens are spent, and the next request may take {sum(most)}",
            )
        cost = self._prices.cost(after)
        if self._max_cost is not None and cost > self._max_cost:
            return self._cap(
                "max_cost",
                f"${self.cost:.4f} of ${self._max_cost:.4f} is spent, and the next request may cost "
                f"${self._prices.cost(most):.4f}",
            )
        return self.out_of_time()

    def out_of_time(self, grace: float = 0.0) -> BudgetExceeded | None:
        """Return the error of `max_minutes` if they have passed, and `grace` seconds more."""
        if self._max_minutes is None or time.monotonic() - self._began <= 60 * self._max_minutes + grace:
            return None
        return self._cap("max_minutes", f"{self._max_minutes:g} min have passed")

    def _cap(self, name: str, reason: str) -> BudgetExceeded:
        repair = f"Raise {name}, or ask for fewer rows."
        if name in self._servers:
            reason += "; the server allows no more"
            repair = f"Ask for fewer rows, or whoever runs the server raises {name.replace('max_', '--job-')}."
        return BudgetExceeded(name, reason, f"What had arrived is kept. {repair}")


def _sum(one: TokenCount, other: TokenCount) -> TokenCount:
    return TokenCount(one.tokens_in + other.tokens_in, one.tokens_out + other.tokens_out)
