"""Filling targets with exactly as many accepted texts as were asked for.

Answers are judged in the order of their requests, whatever order they arrive in, so that the same answers always give
the same rows, and a run that is repeated asks for the same things again and finds them in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass
from itertools import zip_longest

from classwright_tools.curation.allotment import even_shares, scattered
from classwright_tools.curation.gates import TEST_REPEATED, QualityFilter
from classwright_tools.domain.cleaning import clean_text, is_broken
from classwright_tools.domain.example import Example, Provenance, written_example
from classwright_tools.domain.excerpt import counted, shortened
from classwright_tools.domain.outcome import Refusal, Shortfall
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import UnusableAnswer, Writer, WritingRequest
from classwright_tools.errors import BudgetExceeded, ClasswrightError
from classwright_tools.writing.completions.session import Answer, WritingSession
from classwright_tools.writing.generation.progress import CellProgress, LabelPool, make_pools
from classwright_tools.writing.generation.requests import request_for, request_sizes
from classwright_tools.writing.generation.targets import CellTarget, named_by

REASKS_A_CELL = 2
HELPING_ROUNDS = 2  # how often the other cells of a label stand in for those that cannot be filled
SHOWN_TO_AVOID = 20
SHORTENED = 200
# A writer of whose first texts fewer are rows is not paid for more: it cannot write, or what it is asked for is full.
JUDGED_TO_GIVE_UP = 100
LEAST_TO_GO_ON = 0.05
UNREAD = "unparsable"


@dataclass(frozen=True)
class Ask:
    """One request on its way, and the cell it is for; a `helping` one may fill its cell beyond the target."""

    request: WritingRequest
    pool: LabelPool
    progress: CellProgress
    helping: bool


class Filling:
    """The rows of a writing run as they come in: ask, judge, ask again, and in the end say what is missing."""

    def __init__(
        self,
        task: Task,
        targets: Sequence[CellTarget],
        *,
        writer: Writer,
        gates: QualityFilter,
        writing_round: int,
        candidates_per_row: float,
        existing: Iterable[Example],
    ) -> None:
        """Prepare to fill `targets`, of which no two have one cell and contrast.

        `candidates_per_row` caps how many texts are asked for, by label. `existing` rows of a target's cell are shown
        to the writer as texts to avoid; keeping their copies out is the work of `gates`, which must know them.
        """
        self._task = task
        self._writer = writer
        self._gates = gates
        self._round = writing_round
        self._pools = make_pools(targets, candidates_per_row, existing)
        self.wanted = sum(target.rows for target in targets)
        self.refusals: list[Refusal] = []
        self.refused: Counter[str] = Counter()
        self.repair = ""

    @property
    def accepted(self) -> int:
        """How many rows are accepted."""
        return sum(pool.accepted for pool in self._pools)

    @property
    def examples(self) -> list[Example]:
        """The accepted rows, in the targets' order."""
        return [row for pool in self._pools for progress in pool.cells for row in progress.accepted.values()]

    @property
    def missing(self) -> list[Shortfall]:
        """What is missing and why, the largest first; the numbers add up to what is missing in all."""
        shortfalls = [shortfall for pool in self._pools for shortfall in pool.shortfalls()]
        return sorted(shortfalls, key=lambda shortfall: -shortfall.missing)

    async def fill(self, session: WritingSession, progress: Callable[[float, str], None]) -> None:
        """Ask until every target is full, its candidates are used up, or the writer fails or gives next to nothing.

        Raises:
            Cancelled: the caller asked to stop; what had arrived is stored.
        """
        while session.stopped is None and (asks := _interleaved([self._next_asks(b) for b in self._pools])):
            async with aclosing(_in_order(session, asks)) as answers:
                async for ask, answer in answers:
                    self._take(ask, answer)
                    progress(self.accepted / self.wanted, f"{self.accepted} of {counted(self.wanted, 'row')} accepted")
                    if self._gives_next_to_nothing:
                        self._give_up()
                        return

    @property
    def _gives_next_to_nothing(self) -> bool:
        judged = self.accepted + self.refused.total()
        return judged >= JUDGED_TO_GIVE_UP and self.accepted < LEAST_TO_GO_ON * judged

    def _give_up(self) -> None:
        """Say of every cell that is short why no more is asked for."""
        for progress in (progress for pool in self._pools for progress in pool.cells if progress.short):
            progress.failure = (
                progress.failure or "next to none of the writer's texts could be used, so no more was asked"
            )

    def drop(self, refused: dict[str, str], reason: str) -> None:
        """Take accepted rows out again: `refused` gives the detail by their ids. Their cells may be filled anew."""
        for pool in self._pools:
            for progress in pool.cells:
                for id_ in [id_ for id_ in progress.accepted if id_ in refused]:
                    self._refuse(progress, progress.accepted.pop(id_).text, reason, refused[id_])
                    pool.accepted -= 1

    def copy(self) -> Filling:
        """Return the same, of which rows are dropped by themselves."""
        same = copy(self)
        same._pools = [pool.copy() for pool in self._pools]
        same.refusals, same.refused = list(self.refusals), Counter(self.refused)
        return same

    # --- asking

    def _next_asks(self, pool: LabelPool) -> list[Ask]:
        """Return what to ask next for `pool`: first asks, then asking again, then other cells that stand in."""
        return [*self._first_asks(pool)] or [*self._reasks(pool)] or [*self._helping_asks(pool)]

    def _first_asks(self, pool: LabelPool) -> Iterator[Ask]:
        for turn in scattered(len(pool.cells)):
            progress = pool.cells[turn]
            if not progress.attempts:
                yield from self._asks(pool, progress, progress.short)

    def _reasks(self, pool: LabelPool) -> Iterator[Ask]:
        for progress in pool.cells:
            if progress.short and pool.short > 0 and not progress.failure and progress.reasks < REASKS_A_CELL:
                progress.reasks += 1
                yield from self._asks(pool, progress, progress.short)

    def _helping_asks(self, pool: LabelPool) -> Iterator[Ask]:
        helpers = [progress for progress in pool.cells if not progress.failure and not progress.short]
        if pool.short <= 0 or not helpers or pool.helping_rounds == HELPING_ROUNDS:
            return
        pool.helping_rounds += 1
        shares = even_shares(pool.short, len(helpers))
        for turn in scattered(len(helpers)):
            yield from self._asks(pool, helpers[turn], shares[turn], helping=True)

    def _asks(self, pool: LabelPool, progress: CellProgress, wanted: int, *, helping: bool = False) -> Iterator[Ask]:
        """Yield requests for `wanted` texts of the cell, as far as its label's candidates last."""
        count = pool.granted(wanted)
        if not count:
            return
        rules = self._gates.rules(named_by(progress.target.cell.label, progress.target.contrast, self._task))
        for share in request_sizes(count, rules):
            yield Ask(self._request(progress, share, rules), pool, progress, helping)
            progress.attempts += 1

    def _request(self, progress: CellProgress, count: int, rules: TextRules) -> WritingRequest:
        target = progress.target
        avoid = tuple(text[:SHORTENED] for text in progress.seen[-SHOWN_TO_AVOID:])
        asked = request_for(target, self._task, count, self._round)
        return asked.model_copy(update={"attempt": progress.attempts, "avoid": avoid, "rules": rules})

    # --- judging

    def _take(self, ask: Ask, answer: Answer) -> None:
        """Keep what `answer` has of good texts, up to the target; what is over is neither kept nor refused."""
        progress = ask.progress
        if answer.completion is None:
            progress.failure = _cause(answer.failure)
            self.repair = answer.failure.repair if answer.failure else self.repair
            if isinstance(answer.failure, UnusableAnswer):
                for _ in range(ask.request.count):  # the writer gave something, and none of it is a row
                    self._refuse(progress, "", UNREAD, answer.failure.reason)
            return
        for lost in answer.completion.lost:
            self._refuse(progress, "", UNREAD, lost)
        for item in answer.completion.items:
            if ask.pool.short <= 0 or (not progress.short and not ask.helping):
                return
            self._judge(ask.pool, progress, item)

    def _judge(self, pool: LabelPool, progress: CellProgress, text: str) -> None:
        target = progress.target
        if is_broken(text):
            self._refuse(progress, clean_text(text), UNREAD, "it is not valid UTF-8")
            return
        text = clean_text(text)
        progress.seen.append(text)
        refused = self._gates.admit(text, target.cell.label, target.contrast, target.cell.item)
        if refused:
            self._refuse(progress, text, refused.reason, refused.detail)
            return
        example = written_example(text, self._task, target.cell, self._provenance(target))
        progress.accepted[example.id] = example
        pool.accepted += 1

    def _refuse(self, progress: CellProgress, text: str, reason: str, detail: str) -> None:
        progress.refused[reason] += 1
        self.refused[reason] += 1
        shown = "" if reason == TEST_REPEATED else shortened(text)  # it would show what stands in the test row
        reason_shown = f"{reason}: {detail}" if detail else reason
        self.refusals.append(Refusal(text=shown, label=progress.target.cell.label, reason=reason_shown))

    def _provenance(self, target: CellTarget) -> Provenance:
        return Provenance(
            cell=target.cell,
            contrast=target.contrast,
            round=self._round,
            writer=self._writer.name,
            prompt=self._writer.prompt_digest(target.kind),
        )


def _cause(failure: ClasswrightError | None) -> str:
    """Say why a request has no completion."""
    if isinstance(failure, BudgetExceeded):
        return f"budget reached: {failure.reason}"
    return f"the writer failed: {failure.reason}" if failure else "the writer did not answer"


def _interleaved(asks_of_pools: Sequence[Sequence[Ask]]) -> list[Ask]:
    """Return all asks, a first one of each pool, then a second: what a budget cuts off is spread over the labels."""
    turns = zip_longest(*asks_of_pools)
    return [ask for turn in turns for ask in turn if ask is not None]


async def _in_order(session: WritingSession, asks: Sequence[Ask]) -> AsyncGenerator[tuple[Ask, Answer], None]:
    """Yield the answers in the order of `asks`, each as soon as all before it are there.

    An answer finds its ask by the request it carries, never by its place in the order of arrival.
    """
    numbers = {_name(ask.request): number for number, ask in enumerate(asks)}
    arrived: dict[int, Answer] = {}
    turn = 0
    async with aclosing(session.answers(ask.request for ask in asks)) as answers:
        async for answer in answers:
            arrived[numbers[_name(answer.request)]] = answer
            while turn in arrived:
                yield asks[turn], arrived.pop(turn)
                turn += 1


def _name(request: WritingRequest) -> tuple[Cell | None, str | None, int]:
    """Return what sets `request` apart from every other one of its run."""
    return request.cell, request.contrast, request.attempt
