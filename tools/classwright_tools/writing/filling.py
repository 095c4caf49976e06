"""Filling quotas with exactly as many accepted texts as were asked for.

Answers are judged in the order of their requests, whatever order they arrive in, so that the same answers always give
the same rows, and a run that is repeated asks for the same things again and finds them in the store.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from classwright_tools.curation.allotment import even_shares, scattered
from classwright_tools.curation.cleaning import clean_text, is_broken
from classwright_tools.curation.gates import TEST_REPEATED, Gates
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.outcome import Refusal, Shortfall
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import BudgetExceeded, ClasswrightError
from classwright_tools.writing.places import Branch, Place, make_branches
from classwright_tools.writing.quotas import Quota
from classwright_tools.writing.session import Answer, WritingSession
from classwright_tools.writing.writer import Writer, WritingKind, WritingRequest

TEXTS_A_REQUEST = 25  # beyond it models repeat themselves, and a lost answer costs more
REASKS_A_CELL = 2
HELPING_ROUNDS = 2  # how often the other cells of a label stand in for those that cannot be filled
SHOWN_TO_AVOID = 20
SHORTENED = 200


@dataclass(frozen=True)
class Ask:
    """One request on its way, and the place it is for; a `helping` one may fill its place beyond the quota."""

    request: WritingRequest
    branch: Branch
    place: Place
    helping: bool


class Filling:
    """The rows of a writing run as they come in: ask, judge, ask again, and in the end say what is missing."""

    def __init__(
        self,
        task: Task,
        quotas: Sequence[Quota],
        *,
        writer: Writer,
        gates: Gates,
        writing_round: int,
        candidates_per_row: float,
        existing: Iterable[Example] = (),
    ) -> None:
        """Prepare to fill `quotas`, of which no two have one cell and contrast.

        `candidates_per_row` caps how many texts are asked for, by label. `existing` rows of a quota's cell are shown
        to the writer as texts to avoid; keeping their copies out is the work of `gates`, which must know them.
        """
        self._task = task
        self._writer = writer
        self._gates = gates
        self._round = writing_round
        self._branches = make_branches(quotas, candidates_per_row, existing)
        self.wanted = sum(quota.rows for quota in quotas)
        self.refusals: list[Refusal] = []
        self.refused: Counter[str] = Counter()
        self.repair = ""

    @property
    def accepted(self) -> int:
        """How many rows are accepted."""
        return sum(branch.accepted for branch in self._branches)

    @property
    def examples(self) -> list[Example]:
        """The accepted rows, in the quotas' order."""
        return [row for branch in self._branches for place in branch.places for row in place.accepted.values()]

    @property
    def missing(self) -> list[Shortfall]:
        """What is missing and why, the largest first; the numbers add up to what is missing in all."""
        shortfalls = [shortfall for branch in self._branches for shortfall in branch.shortfalls()]
        return sorted(shortfalls, key=lambda shortfall: -shortfall.missing)

    async def fill(self, session: WritingSession, progress: Callable[[float, str], None]) -> None:
        """Ask until every quota is full, its candidates are used up, or the writer fails.

        Raises:
            Cancelled: the caller asked to stop; what had arrived is stored.
        """
        while session.stopped is None and (asks := _interleaved([self._next_asks(b) for b in self._branches])):
            async for ask, answer in _in_order(session, asks):
                self._take(ask, answer)
                progress(self.accepted / self.wanted, f"{self.accepted} of {self.wanted} rows accepted")

    def drop(self, refused: dict[str, str], reason: str) -> None:
        """Take accepted rows out again: `refused` gives the detail by their ids. Their places may be filled anew."""
        for branch in self._branches:
            for place in branch.places:
                for id_ in [id_ for id_ in place.accepted if id_ in refused]:
                    self._refuse(place, place.accepted.pop(id_).text, reason, refused[id_])
                    branch.accepted -= 1

    # --- asking

    def _next_asks(self, branch: Branch) -> list[Ask]:
        """Return what to ask next for `branch`: first asks, then asking again, then other cells that stand in."""
        return [*self._first_asks(branch)] or [*self._reasks(branch)] or [*self._helping_asks(branch)]

    def _first_asks(self, branch: Branch) -> Iterator[Ask]:
        for turn in scattered(len(branch.places)):
            place = branch.places[turn]
            if not place.attempts:
                yield from self._asks(branch, place, place.short)

    def _reasks(self, branch: Branch) -> Iterator[Ask]:
        for place in branch.places:
            if place.short and branch.short > 0 and not place.failure and place.reasks < REASKS_A_CELL:
                place.reasks += 1
                yield from self._asks(branch, place, place.short)

    def _helping_asks(self, branch: Branch) -> Iterator[Ask]:
        helpers = [place for place in branch.places if not place.failure and not place.short]
        if branch.short <= 0 or not helpers or branch.helping_rounds == HELPING_ROUNDS:
            return
        branch.helping_rounds += 1
        shares = even_shares(branch.short, len(helpers))
        for turn in scattered(len(helpers)):
            yield from self._asks(branch, helpers[turn], shares[turn], helping=True)

    def _asks(self, branch: Branch, place: Place, wanted: int, *, helping: bool = False) -> Iterator[Ask]:
        """Yield requests for `wanted` texts of `place`, as far as its label's candidates last."""
        count = branch.granted(wanted)
        if not count:
            return
        for share in even_shares(count, math.ceil(count / TEXTS_A_REQUEST)):
            yield Ask(self._request(place, share), branch, place, helping)
            place.attempts += 1

    def _request(self, place: Place, count: int) -> WritingRequest:
        quota = place.quota
        return WritingRequest(
            kind=_kind(quota),
            task=self._task.slug,
            instruction=self._task.instruction,
            labels=self._task.labels,
            languages=self._task.languages,
            cell=quota.cell,
            contrast=quota.contrast,
            count=count,
            round=self._round,
            attempt=place.attempts,
            style=quota.style,
            avoid=tuple(text[:SHORTENED] for text in place.seen[-SHOWN_TO_AVOID:]),
            rules=self._gates.rules([name for name in (quota.cell.label, quota.contrast) if name]),
        )

    # --- judging

    def _take(self, ask: Ask, answer: Answer) -> None:
        """Keep what `answer` has of good texts, up to the quota; what is over is neither kept nor refused."""
        place = ask.place
        if answer.completion is None:
            place.failure = _cause(answer.failure)
            self.repair = answer.failure.repair if answer.failure else self.repair
            return
        for lost in answer.completion.lost:
            self._refuse(place, "", "unparsable", lost)
        for item in answer.completion.items:
            if ask.branch.short <= 0 or (not place.short and not ask.helping):
                return
            self._judge(ask.branch, place, item)

    def _judge(self, branch: Branch, place: Place, text: str) -> None:
        quota = place.quota
        if is_broken(text):
            self._refuse(place, clean_text(text), "unparsable", "it is not valid UTF-8")
            return
        text = clean_text(text)
        place.seen.append(text)
        refused = self._gates.admit(text, quota.cell.label, quota.contrast, quota.cell.item)
        if refused:
            self._refuse(place, text, refused.reason, refused.detail)
            return
        example = make_example(
            text,
            quota.cell.label,
            text_pair=quota.cell.item,
            origin="written",
            provenance=self._provenance(quota),
        )
        place.accepted[example.id] = example
        branch.accepted += 1

    def _refuse(self, place: Place, text: str, reason: str, detail: str) -> None:
        place.refused[reason] += 1
        self.refused[reason] += 1
        shown = "" if reason == TEST_REPEATED else shortened(text)  # it would show what stands in the test row
        told = f"{reason}: {detail}" if detail else reason
        self.refusals.append(Refusal(text=shown, label=place.quota.cell.label, reason=told))

    def _provenance(self, quota: Quota) -> Provenance:
        return Provenance(
            cell=quota.cell,
            contrast=quota.contrast,
            round=self._round,
            writer=self._writer.name,
            prompt=self._writer.prompt_digest(_kind(quota)),
        )


def _kind(quota: Quota) -> WritingKind:
    if quota.cell.item:
        return "mismatch"
    return "contrast" if quota.contrast else "examples"


def _cause(failure: ClasswrightError | None) -> str:
    """Say why a request has no completion."""
    if isinstance(failure, BudgetExceeded):
        return f"budget reached: {failure.reason}"
    return f"the writer failed: {failure.reason}" if failure else "the writer did not answer"


def _interleaved(asks_of_branches: Sequence[Sequence[Ask]]) -> list[Ask]:
    """Return all asks, a first one of each branch, then a second: what a budget cuts off is spread over the labels."""
    turns = zip_longest(*asks_of_branches)
    return [ask for turn in turns for ask in turn if ask is not None]


async def _in_order(session: WritingSession, asks: Sequence[Ask]) -> AsyncIterator[tuple[Ask, Answer]]:
    """Yield the answers in the order of `asks`, each as soon as all before it are there.

    An answer finds its ask by the request it carries, never by its place in the order of arrival.
    """
    numbers = {_name(ask.request): number for number, ask in enumerate(asks)}
    arrived: dict[int, Answer] = {}
    turn = 0
    async for answer in session.answers(ask.request for ask in asks):
        arrived[numbers[_name(answer.request)]] = answer
        while turn in arrived:
            yield asks[turn], arrived.pop(turn)
            turn += 1


def _name(request: WritingRequest) -> tuple[Cell | None, str | None, int]:
    """Return what sets `request` apart from every other one of its run."""
    return request.cell, request.contrast, request.attempt
