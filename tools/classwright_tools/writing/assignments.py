"""Assignments: what the calling model is to write, cut into batches, with the rules that go with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from classwright_tools.curation.allotment import even_shares
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.uris import task_uri
from classwright_tools.writing.quotas import Quota

LEAST_TEXTS = 10  # a batch of fewer is joined to its neighbour where that fits
MOST_TEXTS = 25
BATCHES_SHOWN = 3
# An answer has at most 10 kB, in any language: hosts cut longer ones. So what it repeats of the task is kept short.
BATCHES_BYTES = 3_500
CELLS_BYTES = 2_500  # of one batch
STYLES_SHOWN = 3
SHORTENED = 300
INSTRUCTION_SHOWN = 500
DESCRIPTIONS_SHOWN = 900  # characters, of all labels together
WRITER = "calling model"
_BETWEEN_TOPICS = " / "


def make_batches(quotas: Sequence[Quota]) -> tuple[Batch, ...]:
    """Return batches of at most 25 texts, each of one label and where possible of one topic, that fill `quotas`."""
    pieces = [piece for quota in quotas for piece in _pieces(quota)]
    runs = [run for _, topic in groupby(pieces, key=_topic) for run in _runs(list(topic))]
    batches = [_batch(number, run) for number, run in enumerate(_joined(runs), start=1)]
    return tuple(batches)


def shared_cell(batch: Batch) -> Cell:
    """Return what the texts of `batch` have in common: which of its cells a single text is about is not known.

    Topics that differ are joined, so that rows of different batches stay apart as groups.
    """
    common: dict[str, str | None] = {}
    for field in ("topic", "subtopic", "source_type"):
        values = list(dict.fromkeys(getattr(cell, field) for cell in batch.cells))
        common[field] = values[0] if len(values) == 1 else None
    topics = list(dict.fromkeys(cell.topic for cell in batch.cells if cell.topic))
    if len(topics) > 1:
        common["topic"] = _BETWEEN_TOPICS.join(topics)[:SHORTENED]
    return Cell(label=batch.label, **common)


def topics_in(shared: Cell, topics: Sequence[str]) -> list[str]:
    """Return those of its label's `topics` that `shared` names: its own one, or those that `shared_cell` joined."""
    if shared.topic is None:
        return []
    if shared.topic in topics:
        return [shared.topic]
    if len(shared.topic) >= SHORTENED:  # its end was cut off, so that any topic may be among them
        return list(topics)
    joined = f"{_BETWEEN_TOPICS}{shared.topic}{_BETWEEN_TOPICS}"
    return [topic for topic in topics if f"{_BETWEEN_TOPICS}{topic}{_BETWEEN_TOPICS}" in joined]


def open_batches(assignment: Assignment, have: Mapping[str, int]) -> list[Batch]:
    """Return the batches that still want texts; `have` is how many were accepted, by batch id."""
    return [
        batch.model_copy(update={"count": batch.count - have.get(batch.batch, 0)})
        for batch in assignment.batches
        if have.get(batch.batch, 0) < batch.count
    ]


def topic_rules(task: Task) -> tuple[str, ...]:
    """Return the rules for writing a topic tree."""
    return (
        f"The task: {_told(task, task.instruction, INSTRUCTION_SHOWN)}",
        "Topics are the different matters within a label; subtopics are concrete situations within a topic. "
        "Between them they cover what real texts of the label are about, the rare as well as the common.",
        "A topic belongs to its label and to no other one. Topics of one label do not overlap.",
        "Each is a phrase of a few words, not a sample text. A source type is a kind of text: 'email to support'.",
        f"The texts will be in: {', '.join(task.languages)}.",
    )


def text_rules(task: Task, batches: Sequence[Batch]) -> tuple[str, ...]:
    """Return the rules for writing `batches`, with what their labels mean."""
    names = dict.fromkeys(name for batch in batches for name in (batch.label, batch.contrast) if name)
    most = DESCRIPTIONS_SHOWN // len(names)
    meanings = {label.name: _told(task, label.description, most) for label in task.labels}
    meant = [
        f"The task: {_told(task, task.instruction, INSTRUCTION_SHOWN)}",
        *(f"Label {name!r}: {meanings[name]}" for name in names if meanings.get(name)),
    ]
    if task.kind == "pair":
        return (*meant, *_pair_rules(task))
    rules = [
        *meant,
        f"Write each batch's `count` texts, spread evenly over its cells, in: {', '.join(task.languages)}.",
        "Every text is one complete message as its author would type or say it; vary length, wording, tone and detail.",
        "Never write the label's name or a paraphrase of its description, and never repeat or merely reword a text.",
    ]
    if any(batch.contrast for batch in batches):
        rules.append(
            "Where a batch has a `contrast`, every text belongs to `label` beyond doubt, but shares words and "
            "situation with `contrast`, so that a careless reader would take it for that."
        )
    if any(batch.style for batch in batches):
        rules.append("`style` shows how real messages sound. Take the manner from them, never their content.")
    return tuple(rules)


def _told(task: Task, text: str, most: int) -> str:
    """Return `text` in `most` characters, and where all of it is if that is not all."""
    return text if len(text) <= most else f"{shortened(text, most)} (all of it: {task_uri(task.slug)})"


def _pair_rules(task: Task) -> tuple[str, ...]:
    """Return the rules for writing wrong queries for items."""
    return (
        f"For each cell's `item` write queries in: {', '.join(task.languages)}; spread the batch's `count` evenly over "
        "its items. Send them as `pairs`: the query as `text`, the item exactly as given as `text_pair`.",
        "A query looks right for its item, so that a hasty reader takes the pair for `contrast`, and is wrong: the "
        "pair is of `label` beyond doubt. Change what decides (size, model, brand, number, part) and keep the rest.",
        "Write as people ask, vary the length, never name a label, never repeat or merely reword a query.",
    )


def _pieces(quota: Quota) -> Iterator[Quota]:
    """Yield `quota` in equal parts of at most `MOST_TEXTS`."""
    for rows in even_shares(quota.rows, math.ceil(quota.rows / MOST_TEXTS)):
        yield Quota(quota.cell, rows, quota.contrast, quota.style)


def _topic(piece: Quota) -> tuple[str, str | None, str | None]:
    return piece.cell.label, piece.contrast, piece.cell.topic


def _runs(pieces: list[Quota]) -> Iterator[list[Quota]]:
    """Yield the pieces of one topic in runs of about equal size, none over `MOST_TEXTS`."""
    total = sum(piece.rows for piece in pieces)
    aim = math.ceil(total / math.ceil(total / MOST_TEXTS))
    run: list[Quota] = []
    for piece in pieces:
        size = sum(p.rows for p in run)
        if run and (size + piece.rows > MOST_TEXTS or size >= aim or not _fits([*run, piece])):
            yield run
            run = []
        run.append(piece)
    yield run


def _fits(run: list[Quota]) -> bool:
    """Whether the cells of `run` are few and short enough for one batch."""
    return sum(len(piece.cell.model_dump_json().encode()) for piece in run) <= CELLS_BYTES


def _joined(runs: list[list[Quota]]) -> list[list[Quota]]:
    """Return `runs` with each small one joined to the one before it, if both are of one label and contrast."""
    joined: list[list[Quota]] = []
    for run in runs:
        before = joined[-1] if joined else None
        if before and _topic(before[0])[:2] == _topic(run[0])[:2]:
            sizes = [sum(piece.rows for piece in part) for part in (before, run)]
            if min(sizes) < LEAST_TEXTS and sum(sizes) <= MOST_TEXTS and _fits([*before, *run]):
                before.extend(run)
                continue
        joined.append(list(run))
    return joined


def _batch(number: int, run: list[Quota]) -> Batch:
    first = run[0]
    return Batch(
        batch=f"b{number}",
        label=first.cell.label,
        contrast=first.contrast,
        cells=tuple(dict.fromkeys(piece.cell for piece in run)),
        count=sum(piece.rows for piece in run),
        # The queries that fit the first of several items would mislead for the others.
        style=() if first.cell.item else tuple(shortened(text, SHORTENED) for text in first.style[:STYLES_SHOWN]),
    )
