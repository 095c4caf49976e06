"""The outcome of a build: every answer of the tools that the report, the card and the summary are made from."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from classwright_agents.answers import TopicsResult
from classwright_agents.expected import ExpectedCost
from classwright_agents.figures import Round, Spent
from classwright_agents.moves import Failure, Situation, Stop
from classwright_tools.contract import (
    ErrorAnalysisResult,
    EvaluateResult,
    ExportModelResult,
    SynthesizeExamplesResult,
    TrainClassifierResult,
    WriterUsage,
    writer_limit,
)


@dataclass
class Imported:
    """Real rows of a split that were imported, by label, and those that were skipped, by reason."""

    labels: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    remark: str = ""
    """What was told when the file was read, with the places of rows that were left out then."""


@dataclass
class Outcome:
    """Everything that a build found out, as the tools answered."""

    driver: str
    """Who decided the moves."""
    topics: TopicsResult | None = None
    expected: ExpectedCost | None = None
    """What the writing should cost, told before it; None where the server did not tell."""
    rounds: list[Round] = field(default_factory=list)
    written: list[SynthesizeExamplesResult] = field(default_factory=list)
    trained: list[TrainClassifierResult] = field(default_factory=list)
    measured: dict[str, EvaluateResult] = field(default_factory=dict)
    """Evaluations on the validation rows, by model."""
    decisions: list[str] = field(default_factory=list)
    deciding: list[WriterUsage] = field(default_factory=list)
    """What a model that decides was asked for."""
    stop: Stop | None = None
    final: Round | None = None
    """What the final method made of the best round's rows."""
    best: Round | None = None
    test: EvaluateResult | None = None
    analysis: ErrorAnalysisResult | None = None
    export: ExportModelResult | None = None
    imported: dict[str, Imported] = field(default_factory=dict)
    lost: list[WriterUsage] = field(default_factory=list)
    """The usage of attempts that came to nothing: their jobs were cancelled or failed, and the writer was paid."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def trainings(self) -> list[Round]:
        """Every training with its figures: the rounds', and the final method's."""
        return [*self.rounds, self.final] if self.final else self.rounds

    @property
    def real_training_rows(self) -> int:
        """How many real rows a training had at most."""
        return max(trained.real_training_rows for trained in self.trained)

    @property
    def writer_limit(self) -> str:
        """That the writer is the limit, by all that it wrote; empty if it is not."""
        return writer_limit(self.written)

    @property
    def usages(self) -> list[WriterUsage]:
        """What the writer was asked for, by the topics and by each writing of texts, lost attempts included."""
        usages = [self.topics.usage if self.topics else None, *(written.usage for written in self.written)]
        return [*filter(None, usages), *self.lost]

    @property
    def spent(self) -> Spent:
        """What the writer and a model that decides used, and how long the steps took."""
        paid = [*self.usages, *self.deciding]
        return Spent(
            tokens=sum(usage.tokens_in + usage.tokens_out for usage in paid),
            dollars=sum(usage.cost for usage in paid),
            seconds=sum(self.seconds.values()),
        )

    def situation(self, failed: tuple[Failure, ...]) -> Situation:
        """Return what is known for the next decision, after moves that `failed`."""
        return Situation(
            rounds=tuple(self.rounds),
            spent=self.spent,
            measured=self.measured,
            written=self.written[-1],
            decisions=tuple(self.decisions),
            failed=failed,
        )
