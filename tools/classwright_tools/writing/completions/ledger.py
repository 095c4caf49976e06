"""The ledger: every answer of a language model that a run paid for, recorded the moment it arrives.

A run that was cancelled, killed or broken off has no result to say what it spent: the ledger says it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlalchemy import Engine, func, select

from classwright_tools.domain.usage import TokenCount, WriterUsage
from classwright_tools.workspace.index import PaymentRow, reading


@dataclass(frozen=True)
class Payment:
    """The spending on one answer; `cost` is in US dollars. Recorded twice after an outage, it counts once."""

    writer: str
    tokens: TokenCount
    cost: float
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def row(self, run_key: str) -> dict[str, object]:
        """Return the row of the ledger that says that the run `run_key` paid it."""
        tokens_in, tokens_out = self.tokens
        row = {"id": self.id, "run_key": run_key, "writer": self.writer, "cost": self.cost}
        return {**row, "tokens_in": tokens_in, "tokens_out": tokens_out}


def paid_by(engine: Engine, run_key: str) -> WriterUsage | None:
    """Return what the run `run_key` has paid until now, in all its attempts; None if nothing."""
    query = select(
        func.count(),
        func.min(PaymentRow.writer),
        func.sum(PaymentRow.tokens_in),
        func.sum(PaymentRow.tokens_out),
        func.sum(PaymentRow.cost),
    ).where(PaymentRow.run_key == run_key)
    with reading(engine) as session:
        requests, writer, tokens_in, tokens_out, cost = session.execute(query).one()
    if not requests:
        return None
    return WriterUsage(writer=writer, requests=requests, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)
