"""The work of asking a language model: its calls and tokens by the prompts, corrected by what the writer took before.

Before the first run with a writer its pace is not known: no time is told then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import RowToLabel
from classwright_tools.domain.usage import NO_TOKENS
from classwright_tools.estimates.encoding import encoding_by, load_measured, loading, texts_of
from classwright_tools.estimates.guesses import ENCODING
from classwright_tools.estimates.parts import Guess, Part, Workload
from classwright_tools.writing.completions.metering import CALLS, TOKENS_IN, TOKENS_OUT, Asked, asking

if TYPE_CHECKING:
    from classwright_tools.annotate_examples import AnnotateExamplesRequest
    from classwright_tools.domain.writer import WritingRequest
    from classwright_tools.writing.generation.spec import GenerationSpec

ASKED_AGAIN = 1.15
"""Calls beside those of the first asking: refused texts are asked for again."""
TOKENS_A_ROW: dict[Asked, int] = {"writing": 30, "labelling": 10}
"""Of an answer, as long as nothing is known of the writer."""
CHARACTERS_A_TOKEN = 4
"""Of English prose."""
TYPICAL_BYTES = 100
"""Of a text that is not written yet."""
_SAMPLED = 20
_OWN = Guess(each=0.5, unit=2e-3)


def asking_workload(
    tool: str, what: Asked, rows: int, units: float, requests: Sequence[WritingRequest], context: ToolContext
) -> Workload:
    """Return the work of asking the writer for `rows` by these `requests`, those of the first asking."""
    from classwright_tools.writing.prompts.render import chat_messages

    writer = context.writer
    if writer is None:
        return Workload(Part(tool, rows, _OWN), texts=rows, remark="what the calling model writes is not counted")
    step = max(1, len(requests) // _SAMPLED)
    sample = requests[::step]
    counts = {CALLS: ASKED_AGAIN * len(requests)}
    if sample and any(writer.most_tokens(request) != NO_TOKENS for request in sample):
        characters = sum(len(one["content"]) for request in sample for one in chat_messages(request)) / len(sample)
        counts[TOKENS_IN] = math.ceil(counts[CALLS] * characters / CHARACTERS_A_TOKEN)
        counts[TOKENS_OUT] = math.ceil(ASKED_AGAIN * rows * TOKENS_A_ROW[what])
    return Workload(
        own=Part(tool, rows, _OWN),
        parts=(Part(asking(what, writer.name), units, None, counts=counts),),
        texts=rows,
        prices=writer.prices,
    )


def writing_workload(spec: GenerationSpec, candidates_per_row: float, context: ToolContext) -> Workload:
    """Return the work of writing the texts that `spec` wants, of which a writer is asked for so many a row at most."""
    from classwright_tools.curation.gates import QualityFilter
    from classwright_tools.learning.encoders import CHUNK, TEXT_UNITS, encoding
    from classwright_tools.writing.generation.label_check import LEAST_ROWS_A_LABEL
    from classwright_tools.writing.generation.progress import make_pools
    from classwright_tools.writing.generation.requests import first_requests, writing_units

    rows = sum(target.rows for target in spec.targets)
    gates = QualityFilter.by_real_texts(context.workspace, spec.task, spec.parent)
    requests = first_requests(spec.targets, spec.task, spec.round, gates)
    units = writing_units(requests)
    work = asking_workload("synthesize_examples", "writing", rows, units, requests, context)
    if context.writer is None:
        return work
    pools = make_pools(spec.targets, candidates_per_row, ())
    work = replace(work, texts_most=sum(pool.candidates_left for pool in pools))
    checked = rows >= LEAST_ROWS_A_LABEL * len(spec.task.labels)
    if not checked or spec.task.kind == "pair" or spec.task.multi_label:
        return work
    # All of the written texts are embedded to check their labels.
    encoded = Part(encoding(context.encoder), rows * (TYPICAL_BYTES + TEXT_UNITS), ENCODING, times=rows / CHUNK)
    return replace(work, parts=(*work.parts, loading(), encoded))


def labelling_workload(request: AnnotateExamplesRequest, context: ToolContext) -> Workload:
    """Return the work of having rows labelled: they are picked by their embeddings, unless at random.

    Raises:
        NotEnoughData, InvalidInput: no rows can be handed out, as the call itself would say.
    """
    from classwright_tools.annotation.asking import asking_units, request_for
    from classwright_tools.annotation.batches import checks_for, in_batches, shown
    from classwright_tools.annotation.handing_out import to_pick_from
    from classwright_tools.annotation.picking import MOST_EMBEDDED

    task = context.workspace.task(request.task)
    if request.annotation:
        return Workload(Part("annotate_examples", len(request.labels), _OWN))
    load_measured(context)  # they are loaded in any case
    chosen = to_pick_from(
        task, context, dataset=request.dataset, order=request.order, split=request.split, source=request.source
    )
    dataset = chosen.version
    texts = texts_of(context, dataset, ("unlabelled",))["unlabelled"]
    queries = texts[: len(texts) // 2] if task.kind == "pair" else texts
    items: Sequence[str | None] = texts[len(queries) :] or [None] * len(texts)
    pool = [*queries[:MOST_EMBEDDED], *filter(None, items[:MOST_EMBEDDED])]
    contents = list(zip(queries, items, strict=True))[: request.rows]
    contents += contents[: checks_for(len(contents))]
    rows = [
        RowToLabel(id=f"t{number}", row="", text=text, text_pair=item)
        for number, (text, item) in enumerate(contents, 1)
    ]
    batches = in_batches(rows)
    requests = [request_for(task, [shown(row) for row in batch], 0) for batch in batches]
    units = asking_units(batches)
    work = asking_workload("annotate_examples", "labelling", len(rows), units, requests, context)
    if chosen.order == "random":
        return work
    encoding = encoding_by(None, context)
    return replace(work, parts=(*work.parts, encoding.part(pool)), memory=encoding.memory, loads=True)
