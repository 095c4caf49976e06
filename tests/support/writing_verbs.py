"""A writer that answers by a script, and a world of distinct texts for it to write."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree
from classwright_tools.domain.usage import FREE, Prices, TokenCount
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends import scripted
from classwright_tools.writing.backends.scripted import Script

OPENINGS = ("Hello,", "Good morning,", "Listen,", "Quick question:", "Dear team,", "Hi again,", "Well,", "Excuse me,")
PEOPLE = ("my sister", "our neighbour", "the plumber", "a colleague", "uncle Henry", "the teacher", "nobody", "a nurse")
DEEDS = ("painted", "borrowed", "dropped", "counted", "repaired", "photographed", "swapped", "weighed", "mailed")
THINGS = ("a violin", "six melons", "the red bicycle", "an old kettle", "two lamps", "some gravel", "a rug", "the boat")
PLACES = ("in Oslo", "behind the barn", "on Tuesday", "at the fair", "before lunch", "near the quay", "last winter")


def sentence(number: int) -> str:
    """Return sentence `number`: English, and like no other one."""
    words = random.Random(number)
    middle = f"{words.choice(PEOPLE)} {words.choice(DEEDS)} {words.choice(THINGS)} {words.choice(PLACES)}"
    return f"{words.choice(OPENINGS)} {middle}, and the ticket says {number * 7919 + 104729}"


def texts_of(request: WritingRequest, count: int | None = None) -> tuple[str, ...]:
    """Return `count` sentences (by default as many as asked) that no other request gets."""
    wanted = request.count if count is None else count
    return tuple(sentence(int(request.key("texts")[:12], 16) % 10**9 * 100 + number) for number in range(wanted))


def phrases_of(request: WritingRequest) -> tuple[str, ...]:
    """Return as many topics, subtopics or source types as asked."""
    above = f" of {request.cell.topic or request.cell.label}" if request.cell else ""
    start = len(request.avoid)
    return tuple(f"{request.kind} {start + number}{above}" for number in range(request.count))


def well_written(request: WritingRequest) -> Completion:
    """Answer `request` with exactly what it asks for."""
    items = texts_of(request) if request.kind in ("examples", "contrast") else phrases_of(request)
    return Completion(items=items, tokens_in=100, tokens_out=20 * len(items))


class ScriptedWriter(scripted.ScriptedWriter):
    """The scripted writer, which also remembers what it was asked, and is paid at `prices`.

    With `turns`, each answer waits for a random number of the event loop's turns, so answers arrive in any order.
    """

    def __init__(
        self,
        script: Script = well_written,
        turns: random.Random | None = None,
        name: str = "scripted",
        prices: Prices | None = FREE,
    ) -> None:
        super().__init__(script, name)
        self._turns = turns
        self._prices = prices
        self.asked: list[WritingRequest] = []

    @property
    def prices(self) -> Prices | None:
        return self._prices

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        return TokenCount(100, 20 * request.count)

    async def write(self, request: WritingRequest) -> Completion:
        self.asked.append(request)
        for _ in range(self._turns.randrange(60) if self._turns else 0):
            await asyncio.sleep(0)
        return await super().write(request)


def save_tree(
    workspace: Workspace,
    task: Task,
    *,
    topics: int = 2,
    subtopics: int = 2,
    source_types: int = 2,
    branches: Sequence[str] | None = None,
) -> str:
    """Store a topic tree of `task` with so many branches, by default for all its labels, and return its id."""
    tree = TopicTree(
        task=task.slug,
        source_types=tuple(f"source {number}" for number in range(source_types)),
        labels=tuple(
            LabelTopics(
                label=name,
                topics=tuple(
                    Topic(name=f"topic {t} of {name}", subtopics=tuple(f"matter {t}.{s}" for s in range(subtopics)))
                    for t in range(topics)
                ),
            )
            for name in branches or task.branch_names
        ),
    )
    facts = {"task_version": task.version, "complete": True}
    return workspace.publish_document("topics", task.slug, tree, run_key=f"tree {topics} {subtopics}", **facts).id


def import_beside(workspace: Workspace, run_key: str, splits: Mapping[Split, Sequence[Example]]) -> str:
    """Make a version of the newest dataset with other `splits`, as a job beside the writing does; return its id."""
    newest = workspace.latest("dataset", "support")
    parent = newest.id if newest else None
    return save_dataset(workspace, "support", splits, parent=parent, run_key=run_key, made_by="import_examples").id
