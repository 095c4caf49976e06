"""Growing a topic tree with a writer: source types, topics for each label, subtopics for each topic.

All requests of one level of the tree are asked together, so that one which the budget cannot hold beside those under
way waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from classwright_tools.context import ToolContext
from classwright_tools.curation.shown_texts import ShownTexts
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell, LabelTopics, Topic, TopicTree
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer import WritingKind, WritingRequest
from classwright_tools.errors import ClasswrightError, WriterFailed
from classwright_tools.workspace.topic_trees import standing_topics
from classwright_tools.writing.completions.session import WritingSession, session_of

SOURCE_TYPES = 3
LONGEST_PHRASE = 300


@dataclass
class Growth:
    """A tree as a writer grew it, remarks on whatever came out smaller than asked, and the usage."""

    source_types: tuple[str, ...]
    labels: list[LabelTopics]
    remarks: list[str]
    usage: WriterUsage


@dataclass
class _Phrases:
    """So many different phrases that are wanted, those that came, and the failure that kept the rest away."""

    kind: WritingKind
    cell: Cell | None
    count: int
    items: tuple[str, ...] = ()
    failure: ClasswrightError | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be asked for."""
        return self.failure is not None or len(self.items) == self.count

    @property
    def remark(self) -> str | None:
        """A sentence on what is missing and why; None if nothing is."""
        if len(self.items) == self.count:
            return None
        of = " of " + " / ".join(repr(part) for part in (self.cell.label, self.cell.topic) if part) if self.cell else ""
        why = f" ({self.failure.reason})" if self.failure else ""
        return f"{len(self.items)} of {self.count} {self.kind.replace('_', ' ')}{of}{why}"


class TreeGrower:
    """Asks a session for the parts of one task's tree."""

    def __init__(self, task: Task, session: WritingSession, *, topics: int, subtopics: int) -> None:
        """Ask for so many `topics` a label and `subtopics` a topic."""
        self._task = task
        self._session = session
        self._topics = topics
        self._subtopics = subtopics

    async def grow(
        self, labels: Sequence[str], source_types: tuple[str, ...], progress: Callable[[float, str], None]
    ) -> Growth:
        """Return topics for `labels`, in their order, and source types unless some are given.

        Raises:
            WriterFailed: a label is left without topics; what had arrived is stored.
            Cancelled: the caller asked to stop.
        """
        types = [] if source_types else [_Phrases("source_types", None, SOURCE_TYPES)]
        topics = [_Phrases("topics", Cell(label=label), self._topics) for label in labels]
        first = 1 / (1 + self._topics)  # the share that the first level has of all requests
        await self._fill(
            [*types, *topics], lambda done, of: progress(first * done / of, f"topics: {done} of {of} answers")
        )
        subtopics = [self._below(label, names.items) for label, names in zip(labels, topics, strict=True)]
        await self._fill(
            list(chain(*subtopics)),
            lambda done, of: progress(first + (1 - first) * done / of, f"subtopics: {done} of {of} answers"),
        )
        branches = [_branch(*grown) for grown in zip(labels, topics, subtopics, strict=True)]
        failed = [_failed("the source types", phrases) for phrases in types if not phrases.items]
        failed += [branch for branch in branches if isinstance(branch, WriterFailed)]
        if failed:
            more = f" and of {len(failed) - 1} more" if len(failed) > 1 else ""
            raise WriterFailed(
                f"{failed[0].subject}{more}",
                failed[0].reason,
                f"{failed[0].repair} Then call propose_topics again: what has arrived is stored and not asked again.",
            )
        return Growth(
            source_types=types[0].items if types else source_types,
            labels=[branch for branch in branches if isinstance(branch, LabelTopics)],
            remarks=sorted(asked.remark for asked in chain(types, topics, *subtopics) if asked.remark),
            usage=self._session.usage,
        )

    def _below(self, label: str, topics: Sequence[str]) -> list[_Phrases]:
        return [_Phrases("subtopics", Cell(label=label, topic=topic), self._subtopics) for topic in topics]

    async def _fill(self, level: Sequence[_Phrases], progress: Callable[[int, int], None]) -> None:
        """Fill all of `level`, asking a second time for the phrases that the first answers lack."""
        done = 0
        for attempt in range(2):
            asked = {(phrases.kind, phrases.cell): phrases for phrases in level if not phrases.is_settled}
            async for answer in self._session.answers([self._request(phrases, attempt) for phrases in asked.values()]):
                phrases = asked[answer.request.kind, answer.request.cell]
                phrases.failure = answer.failure
                came = answer.completion.items if answer.completion else ()
                phrases.items = distinct_phrases((*phrases.items, *came), self._task)[: phrases.count]
                if phrases.is_settled or attempt:
                    done += 1
                    progress(done, len(level))

    def _request(self, phrases: _Phrases, attempt: int) -> WritingRequest:
        task = self._task
        return WritingRequest(
            kind=phrases.kind,
            task=task.slug,
            instruction=task.instruction,
            labels=task.labels,
            languages=task.languages,
            multi_label=task.multi_label,
            cell=phrases.cell,
            count=phrases.count - len(phrases.items),
            attempt=attempt,
            avoid=phrases.items,
        )


def grow_tree(
    task: Task,
    given: Sequence[LabelTopics],
    source_types: tuple[str, ...],
    *,
    topics_per_label: int,
    subtopics_per_topic: int,
    anew: bool,
    context: ToolContext,
) -> tuple[TopicTree, WriterUsage]:
    """Return the `given` topics, with the labels that have none grown by the context's writer, and what that took.

    Where every label has topics already and none are given, all are grown once more if they are wanted `anew`.

    Raises:
        WriterFailed: a label is left without topics; what had arrived is stored.
        Cancelled: the caller asked to stop.
    """
    standing, known = standing_topics(context.workspace, task)
    branches = standing | {branch.label: branch for branch in given}
    if anew and not given and branches.keys() >= set(task.branch_names):
        branches = {}
    grower = TreeGrower(task, session_of(context), topics=topics_per_label, subtopics=subtopics_per_topic)
    lacking = [name for name in task.branch_names if name not in branches]
    growth = asyncio.run(grower.grow(lacking, source_types or known, context.progress))
    branches |= {branch.label: branch for branch in growth.labels}
    tree = TopicTree(
        task=task.slug,
        source_types=growth.source_types,
        labels=tuple(branches[name] for name in task.branch_names),
        remarks=tuple(growth.remarks),
    )
    return tree, growth.usage


def distinct_phrases(phrases: Iterable[str], task: Task) -> tuple[str, ...]:
    """Return the first lines of `phrases`, without the empty, the overlong and those that differ in case alone.

    What only repeats the `task`, its instruction or a label's name or description, is none: weak models answer so.
    """
    said = ShownTexts()
    said.add(filter(None, (task.instruction, *(label.description for label in task.labels))))
    names = {name.casefold() for name in task.label_names}
    kept: dict[str, str] = {}
    for phrase in phrases:
        line = clean_text(phrase.strip().partition("\n")[0])
        if line and len(line) <= LONGEST_PHRASE and line.casefold() not in names and said.nearest(line) is None:
            kept.setdefault(line.casefold(), line)
    return tuple(kept.values())


def _branch(label: str, names: _Phrases, below: Sequence[_Phrases]) -> LabelTopics | WriterFailed:
    """Return the topics of `label` that have subtopics."""
    if not names.items:
        return _failed(f"the topics of label {label!r}", names)
    topics = tuple(
        Topic(name=name, subtopics=phrases.items)
        for name, phrases in zip(names.items, below, strict=True)
        if phrases.items
    )
    if not topics:
        return _failed(f"the subtopics of label {label!r}", below[0])
    return LabelTopics(label=label, topics=topics)


def _failed(what: str, phrases: _Phrases) -> WriterFailed:
    if phrases.failure:
        return WriterFailed(what, phrases.failure.reason, phrases.failure.repair)
    return WriterFailed(what, "the writer gave none that can be used", "Describe the labels in more words.")
