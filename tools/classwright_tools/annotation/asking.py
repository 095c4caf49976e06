"""Asking a writer for labels: a request for each batch, and a second one for the texts that its answer leaves out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from classwright_tools.annotation.batches import shown
from classwright_tools.annotation.given import answers_given
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, Answer, TextToLabel
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.task import Task, folded_name
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.errors import ClasswrightError, WriterFailed
from classwright_tools.meter import metered
from classwright_tools.writing.completions.metering import asking, count_usage
from classwright_tools.writing.completions.session import WritingSession, session_of
from classwright_tools.writing.prompts.rules import BETWEEN_LABELS, FITS_NONE, UNSURE

ASKS = 2
_ITEM = re.compile(r"\s*(t[0-9]+)\s*:\s*(.+?)\s*", re.DOTALL)


@dataclass(frozen=True)
class LabelledByWriter:
    """A writer's answers by the row's id, what they took, and the failure that kept others away, if any did."""

    answers: dict[str, Answer]
    usage: WriterUsage
    failure: ClasswrightError | None


def ask_writer(
    annotation: Annotation,
    task: Task,
    context: ToolContext,
    *,
    max_tokens: int | None,
    max_cost: float | None,
    max_minutes: float | None = None,
) -> LabelledByWriter:
    """Return the answers of the context's writer to `annotation`.

    Raises:
        WriterFailed, BudgetExceeded: not one text was answered.
        Cancelled: the caller asked to stop; what had arrived is stored.
    """
    session = session_of(context, max_tokens=max_tokens, max_cost=max_cost, max_minutes=max_minutes)
    assert context.writer
    with metered(asking("labelling", context.writer.name), asking_units(annotation.batches)) as piece:
        labelled = asyncio.run(_labelled(annotation, task, session, context.progress))
    count_usage(piece, labelled.usage, whole=labelled.failure is None)
    if not labelled.answers:
        raise labelled.failure or WriterFailed(
            f"the labels of task {task.slug!r}",
            "did not come: no answer of the writer named a text with one",
            "Use a model that follows instructions better, or answer yourself on a server without a writer.",
        )
    return labelled


async def _labelled(
    annotation: Annotation, task: Task, session: WritingSession, progress: Callable[[float | None, str], None]
) -> LabelledByWriter:
    answers: dict[str, Answer] = {}
    failure: ClasswrightError | None = None
    for attempt in range(ASKS):
        left = [[row for row in batch if row.row not in answers] for batch in annotation.batches]
        requests = [request_for(task, [shown(row) for row in rows], attempt) for rows in left if rows]
        if not requests:
            break
        estimate = sum(session.estimate(requests))
        progress(None, f"asking for {counted(sum(map(len, left)), 'label')}, which takes {estimate:,} tokens at most")
        async for answer in session.answers(requests):
            failure = answer.failure or failure
            if answer.completion:
                asked = {text.id for text in answer.request.texts}
                answers |= _read(answer.completion.items, asked, annotation, task)
                progress(len(answers) / len(annotation.rows), f"{len(answers)} of {len(annotation.rows)} labelled")
    return LabelledByWriter(answers, session.usage, failure)


def asking_units(batches: Sequence[Sequence[object]]) -> int:
    """Return how much work it is to label batches of texts, for a meter: a request takes about as long as a text."""
    return sum(1 + len(batch) for batch in batches)


def request_for(task: Task, texts: Sequence[TextToLabel], attempt: int) -> WritingRequest:
    """Return the request for the labels of some texts; a second `attempt` is another question."""
    return WritingRequest(
        kind="labels",
        task=task.slug,
        instruction=task.instruction,
        labels=task.labels,
        multi_label=task.multi_label,
        languages=task.languages,
        texts=tuple(texts),
        count=len(texts),
        attempt=attempt,
    )


def _read(items: Sequence[str], asked: Collection[str], annotation: Annotation, task: Task) -> dict[str, Answer]:
    """Return the answers in `items`, by the row's id: "t1: label", for texts that were `asked` about."""
    names = {folded_name(name) for name in task.label_names}
    labels: dict[str, list[str]] = {}
    fits_none: list[str] = []
    unsure: list[str] = []
    for item in items:
        found = _ITEM.fullmatch(item)
        if not found or found[1] not in asked:
            continue
        id_, given = found[1], found[2]
        if folded_name(given) in names:  # which may hold one of the signs
            labels[id_] = [given]
        elif given in (FITS_NONE, UNSURE):
            (fits_none if given == FITS_NONE else unsure).append(id_)
        else:
            labels[id_] = given.split(BETWEEN_LABELS)
    good, _ = answers_given(annotation, task, labels, fits_none, unsure)
    return good
