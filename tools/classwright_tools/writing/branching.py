"""Growing a topic tree with a writer: source types, topics for each label, subtopics for each topic.

A label's subtopics are asked for as soon as its topics are there; no label waits for another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from classwright_tools.context import ToolContext
from classwright_tools.curation.cleaning import clean_text
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell, LabelTopics, Topic
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.errors import ClasswrightError, WriterFailed
from classwright_tools.writing.budget import budget_within
from classwright_tools.writing.session import WritingSession
from classwright_tools.writing.store import CompletionStore
from classwright_tools.writing.writer import WritingKind, WritingRequest

SOURCE_TYPES = 3
LONGEST_PHRASE = 300


@dataclass
class Growth:
    """What a writer made of a tree, a remark on everything that came out smaller than asked, and what it took."""

    source_types: tuple[str, ...]
    labels: list[LabelTopics]
    remarks: list[str]
    usage: WriterUsage


@dataclass(frozen=True)
class _Phrases:
    """The phrases that came, and the failure that kept the rest away."""

    items: tuple[str, ...]
    failure: ClasswrightError | None


class TreeGrower:
    """Asks a session for the parts of one task's tree."""

    def __init__(self, task: Task, session: WritingSession, *, topics: int, subtopics: int) -> None:
        """Ask for so many `topics` a label and `subtopics` a topic."""
        self._task = task
        self._session = session
        self._topics = topics
        self._subtopics = subtopics
        self._remarks: list[str] = []

    async def grow(
        self, labels: Sequence[str], source_types: tuple[str, ...], progress: Callable[[float, str], None]
    ) -> Growth:
        """Return topics for `labels`, in their order, and source types unless some are given.

        Raises:
            WriterFailed: a label is left without topics; what had arrived is stored.
            Cancelled: the caller asked to stop.
        """
        done = 0

        async def branch(label: str) -> LabelTopics | WriterFailed:
            nonlocal done
            grown = await self._branch(label)
            done += 1
            progress(done / len(labels), f"topics of {done} of {len(labels)} labels")
            return grown

        named, branches = await asyncio.gather(
            self._source_types(source_types), asyncio.gather(*(branch(label) for label in labels))
        )
        failed = [grown for grown in (named, *branches) if isinstance(grown, WriterFailed)]
        if failed:
            more = f" and of {len(failed) - 1} more" if len(failed) > 1 else ""
            raise WriterFailed(
                f"{failed[0].subject}{more}",
                failed[0].reason,
                "Call propose_topics again once the writer answers: what has arrived is stored and not asked again.",
            )
        return Growth(
            source_types=tuple(named) if not isinstance(named, WriterFailed) else (),
            labels=[grown for grown in branches if isinstance(grown, LabelTopics)],
            remarks=sorted(self._remarks),
            usage=self._session.usage,
        )

    async def _source_types(self, given: tuple[str, ...]) -> tuple[str, ...] | WriterFailed:
        if given:
            return given
        phrases = await self._phrases("source_types", None, SOURCE_TYPES)
        return phrases.items or _failed("the source types", phrases)

    async def _branch(self, label: str) -> LabelTopics | WriterFailed:
        """Return the topics of `label` that have subtopics."""
        names = await self._phrases("topics", Cell(label=label), self._topics)
        if not names.items:
            return _failed(f"the topics of label {label!r}", names)
        cells = [Cell(label=label, topic=name) for name in names.items]
        below = await asyncio.gather(*(self._phrases("subtopics", cell, self._subtopics) for cell in cells))
        topics = tuple(
            Topic(name=name, subtopics=phrases.items)
            for name, phrases in zip(names.items, below, strict=True)
            if phrases.items
        )
        if not topics:
            return _failed(f"the subtopics of label {label!r}", below[0])
        return LabelTopics(label=label, topics=topics)

    async def _phrases(self, kind: WritingKind, cell: Cell | None, count: int) -> _Phrases:
        """Return `count` different phrases, asking a second time for those that the first answer lacks."""
        items: tuple[str, ...] = ()
        failure: ClasswrightError | None = None
        for attempt in range(2):
            request = self._request(kind, cell, count - len(items), attempt, items)
            async for answer in self._session.answers([request]):
                failure = answer.failure
                items = distinct_phrases((*items, *(answer.completion.items if answer.completion else ())))[:count]
            if failure or len(items) == count:
                break
        if len(items) < count:
            of = " of " + " / ".join(repr(part) for part in (cell.label, cell.topic) if part) if cell else ""
            why = f" ({failure.reason})" if failure else ""
            self._remarks.append(f"{len(items)} of {count} {kind.replace('_', ' ')}{of}{why}")
        return _Phrases(items, failure)

    def _request(
        self, kind: WritingKind, cell: Cell | None, count: int, attempt: int, avoid: tuple[str, ...]
    ) -> WritingRequest:
        task = self._task
        return WritingRequest(
            kind=kind,
            task=task.slug,
            instruction=task.instruction,
            labels=task.labels,
            languages=task.languages,
            cell=cell,
            count=count,
            attempt=attempt,
            avoid=avoid,
        )


def grow_tree(
    task: Task,
    labels: Sequence[str],
    source_types: tuple[str, ...],
    *,
    topics: int,
    subtopics: int,
    context: ToolContext,
) -> Growth:
    """Return topics for `labels`, and source types unless some are given, from the context's writer.

    Raises:
        WriterFailed: a label is left without topics; what had arrived is stored.
        Cancelled: the caller asked to stop.
    """
    assert context.writer is not None
    session = WritingSession(
        context.writer,
        CompletionStore(context.workspace.engine),
        budget_within(context.caps, prices=context.writer.prices),
        context.is_cancelled,
    )
    grower = TreeGrower(task, session, topics=topics, subtopics=subtopics)
    return asyncio.run(grower.grow(labels, source_types, context.progress))


def distinct_phrases(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return `phrases` cleaned, without the empty, the overlong and those that differ in case alone."""
    kept: dict[str, str] = {}
    for phrase in phrases:
        cleaned = clean_text(phrase)
        if cleaned and len(cleaned) <= LONGEST_PHRASE:
            kept.setdefault(cleaned.casefold(), cleaned)
    return tuple(kept.values())


def _failed(what: str, phrases: _Phrases) -> WriterFailed:
    reason = phrases.failure.reason if phrases.failure else "the writer gave none that can be used"
    return WriterFailed(what, reason, "Call again.")
