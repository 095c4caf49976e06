"""The two ways from an instruction to a classifier without a real row: Classwright's, and AnyClassifier's recipe.

Every step runs under a key of its own, so a run that was stopped and is started again finds what it made, and the
store of completions answers what had been paid for.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from classwright_tools.context import ToolContext
from classwright_tools.curation.allotment import even_shares
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import NotEnoughData
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.learning.methods.choice import MethodName
from classwright_tools.propose_topics import propose_topics
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.writing.completions.session import WritingSession
from classwright_tools.writing.completions.store import CompletionStore
from classwright_tools.writing.generation.requests import TEXTS_A_REQUEST
from zero.labelled_set import LabelledSet

IMPORTED_AT_ONCE = 5_000


@dataclass(frozen=True)
class Made:
    """A model, the dataset that it was trained on, and what the writing took."""

    model: str
    dataset: str
    usage: WriterUsage | None


def prepare(labelled: LabelledSet, context: ToolContext) -> str:
    """Make the topic tree and the dataset that holds the test rows alone; return the dataset."""
    propose_topics(labelled.proposal, _step(context, "topics"))
    dataset: str | None = None
    for number, start in enumerate(range(0, len(labelled.rows), IMPORTED_AT_ONCE)):
        rows = tuple(
            GivenRow(text=row["text"], label=row["label"]) for row in labelled.rows[start : start + IMPORTED_AT_ONCE]
        )
        request = ImportExamplesRequest(task=labelled.proposal.task, split="test", rows=rows, dataset=dataset)
        dataset = import_examples(request, _step(context, f"test-{number}")).dataset
    if dataset is None:
        raise NotEnoughData(f"set {labelled.name!r}", "has no usable test row", "Check its file.")
    return dataset


def classwright_rounds(
    labelled: LabelledSet,
    dataset: str,
    context: ToolContext,
    *,
    rows: int,
    rows_a_round: int,
    rounds: int,
    method: MethodName,
) -> Iterator[Made]:
    """Yield the model of each round: the tree's cells first, then what the error analysis asks for.

    No real row steers it: the errors are found on written rows that were held out.
    """
    task = labelled.proposal.task
    request = SynthesizeExamplesRequest(task=task, rows=rows, dataset=dataset)
    for number in range(rounds):
        written = synthesize_examples(request, _step(context, f"write-{number}"))
        if written.dataset is None:
            return
        trained = train_classifier(
            TrainClassifierRequest(task=task, dataset=written.dataset, method=method), _step(context, f"train-{number}")
        )
        yield Made(trained.model, written.dataset, written.usage)
        found = error_analysis(
            ErrorAnalysisRequest(model=trained.model, dataset=written.dataset, rows=rows_a_round),
            _step(context, f"analyse-{number}"),
        )
        if found.plan is None:
            return
        request = SynthesizeExamplesRequest(task=task, plan=found.plan, dataset=written.dataset)


def plain_recipe(labelled: LabelledSet, dataset: str, context: ToolContext, *, rows: int, method: MethodName) -> Made:
    """Return what AnyClassifier's recipe gives: every cell of the tree asked once, and every text kept as it comes.

    No gate, no contrast, no second look. It asks for the same cells as the first round of `classwright_rounds`, so
    what both need is paid once.
    """
    task = context.workspace.task(labelled.proposal.task)
    tree = context.workspace.document(context.workspace.resolve(None, "topics", task.slug).id, "topics", TopicTree)
    cells = tree.cells()
    a_cell = math.ceil(rows / len(cells))
    requests = [
        WritingRequest(
            kind="examples",
            task=task.slug,
            instruction=task.instruction,
            labels=task.labels,
            languages=task.languages,
            cell=cell,
            count=count,
            attempt=attempt,
        )
        for cell in cells
        for attempt, count in enumerate(even_shares(a_cell, math.ceil(a_cell / TEXTS_A_REQUEST)))
    ]
    assert context.writer is not None
    session = WritingSession(context.writer, CompletionStore(context.workspace.engine))
    texts = asyncio.run(_asked(session, requests))
    examples = {}
    for request in requests:
        assert request.cell is not None
        made = Provenance(cell=request.cell, writer=context.writer.name)
        for text in texts.get(request, ()):
            row = make_example(text, request.cell.label, origin="written", provenance=made)
            examples[row.id] = row
    saved = save_dataset(
        context.workspace,
        task.slug,
        {"train": list(examples.values())},
        parent=dataset,
        run_key=_step(context, "plain-write").run_key,
        made_by="plain_recipe",
    )
    trained = train_classifier(
        TrainClassifierRequest(task=task.slug, dataset=saved.id, method=method), _step(context, "plain-train")
    )
    return Made(trained.model, saved.id, session.usage)


async def _asked(session: WritingSession, requests: list[WritingRequest]) -> dict[WritingRequest, tuple[str, ...]]:
    """Return the items of each request that was answered."""
    answers = [answer async for answer in session.answers(requests)]
    return {answer.request: answer.completion.items for answer in answers if answer.completion}


def _step(context: ToolContext, name: str) -> ToolContext:
    return replace(context, run_key=f"{context.run_key}/{name}")
