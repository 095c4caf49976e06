"""Assignments: what the calling model is to write, cut into batches, with the rules that go with them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from classwright_tools.curation.allotment import even_shares
from classwright_tools.domain.assignment import Assignment, Batch, BatchCell
from classwright_tools.domain.excerpt import Excerpts, counted, shortened, the_first
from classwright_tools.domain.label_sets import NO_LABELS
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.uris import task_uri
from classwright_tools.domain.writer import WritingKind
from classwright_tools.writing.generation.targets import CellTarget, named_by
from classwright_tools.writing.prompts.rules import AIMS, BETWEEN_LABELS, NONE, SHOWN, phrase_rules, text_rules

MOST_TEXTS = 25
# An answer has at most 10 kB, in any language: hosts cut longer ones. So what it repeats of the task is kept short.
BATCHES_BYTES = 4_400
CELLS_BYTES = 1_700  # of one batch
STYLE_BYTES = 1_200  # of all labels together
STYLES_SHOWN = 3  # of a label
SHORTENED = 300
FITTING_SHOWN, QUERY_CHARS = 2, 60  # that fit an item, beside the batch
BATCHES_NAMED = 3  # in the call that sends them
INSTRUCTION_BYTES = 600
DESCRIPTIONS_BYTES = 900  # of all labels together
WRITER = "calling model"
_SENT_AS_TEXTS = (
    "Write each batch's texts cell by cell in the order of its `cells`, of each as many as its `count`, and send them "
    "in that order, several batches in one call.",
)
_SEVERAL = (
    f"A text may have several labels. A batch's `label` names those of its texts, with {BETWEEN_LABELS} between them; "
    f"{NO_LABELS!r} alone says that they have none.",
)
_SENT_AS_PAIRS = (
    "For each cell's `item` write as many queries as its `count`. Send them as `pairs`: the query as `text`, the item "
    "exactly as given as `text_pair`; several batches in one call.",
    f"Every pair is of the batch's `label`, and the other label is its `contrast`. {AIMS['mismatch']}",
)


def style_of(targets: Iterable[CellTarget], task: Task) -> dict[str, tuple[str, ...]]:
    """Return the texts that show the style of the labels of `targets` and of their contrasts, the task's examples last.

    In a multi-label task those of a set of labels are beside those of each of them.
    They are shortened. Queries of an item are not among them: a wrong one is made of them.
    """
    found: dict[str, dict[str, None]] = {}
    examples = {label.name: label.examples for label in task.labels}
    texts = [target for target in targets if not target.cell.item]
    for target in texts:
        found.setdefault(target.cell.label, {}).update(dict.fromkeys(target.style))
        if target.contrast:
            found.setdefault(target.contrast, {}).update(dict.fromkeys(target.contrast_style))
    for target in texts:
        for name in task.labels_of(target.cell.label):
            found.setdefault(name, {}).update(dict.fromkeys(examples.get(name, ())))
    return {name: tuple(shortened(text, SHORTENED) for text in own) for name, own in found.items() if own}


def make_batches(targets: Sequence[CellTarget]) -> tuple[Batch, ...]:
    """Return batches of at most 25 texts that fill `targets`, each of one label, or set of labels, and contrast.

    Those of one label and contrast differ by one text at most. A batch goes through cells in the order of `targets`.
    """
    groups: dict[tuple[str, str | None], list[CellTarget]] = {}
    for target in targets:
        groups.setdefault((target.cell.label, target.contrast), []).append(target)
    shares = [share for group in groups.values() for share in _shares(group)]
    return tuple(_batch(number, share) for number, share in enumerate(shares, start=1))


def remaining(batch: Batch, have: Counter[Cell]) -> Batch | None:
    """Return what `batch` still wants, with its cells' counts; `have` counts the texts accepted for it, by their cell.

    A text of another batch's cell that was counted here takes the place of one of the largest cell.
    """
    count = batch.count - have.total()
    left = [max(0, cell.count - have[cell.cell]) for cell in batch.cells]
    while sum(left) > max(0, count):
        left[left.index(max(left))] -= 1
    cells = zip(batch.cells, left, strict=True)
    wanted = tuple(cell.model_copy(update={"count": n}) for cell, n in cells if n)
    return batch.model_copy(update={"count": count, "cells": wanted}) if count > 0 else None


def open_batches(assignment: Assignment, have: Mapping[str, Counter[Cell]]) -> list[Batch]:
    """Return the batches that still want texts; `have` counts what was accepted, by batch and cell."""
    left = (remaining(batch, have.get(batch.batch, Counter())) for batch in assignment.batches)
    return [batch for batch in left if batch]


def shown_batches(excerpts: Excerpts, field: str, batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Return the first of `batches` that fit an answer, up to 25 texts or one batch: they are written together.

    How many these are is noted in `excerpts` as of the `field`.
    """
    texts = accumulate(batch.count for batch in batches)
    return excerpts.of(field, batches, BATCHES_BYTES, most=max(1, sum(whole <= MOST_TEXTS for whole in texts)))


def how_to_send(assignment_id: str, batches: Sequence[Batch]) -> str:
    """Return the sentence that says how to hand in texts for `batches`."""
    named = ", ".join(f"{batch.batch!r}: [...]" for batch in batches[:BATCHES_NAMED])
    more = ", ..." if len(batches) > BATCHES_NAMED else ""
    texts = sum(batch.count for batch in batches)
    return (
        f"Write the {counted(texts, 'text')} of {'these batches' if len(batches) > 1 else 'this batch'} by the rules, "
        f"then call "
        f"submit_examples(assignment={assignment_id!r}, {batches[0].sent_as}={{{named}{more}}}); its answer holds the "
        "next batches."
    )


def topic_rules(task: Task) -> tuple[str, ...]:
    """Return the rules for writing a topic tree, source types included."""
    kinds: tuple[WritingKind, ...] = ("topics", "subtopics", "source_types")
    none = f"Topics of {NO_LABELS!r}: {NONE}" if task.multi_label else ""
    return (
        f"The task: {beginning(task, task.instruction, INSTRUCTION_BYTES)}",
        *filter(None, (none,)),
        *(
            f"{kind.replace('_', ' ').capitalize()}: {' '.join((AIMS[kind], *phrase_rules(kind, task.languages)))}"
            for kind in kinds
        ),
    )


def meanings(task: Task, batches: Sequence[Batch]) -> tuple[str, ...]:
    """Return what the labels of `batches` mean."""
    names = [name for name in _names(task, batches) if name in task.label_names]
    most = DESCRIPTIONS_BYTES // max(1, len(names))
    described = {label.name: beginning(task, label.description, most) for label in task.labels}
    return tuple(f"Label {name!r}: {described[name]}" for name in names if described.get(name))


def styles(
    excerpts: Excerpts, assignment: Assignment, task: Task, batches: Sequence[Batch]
) -> dict[str, tuple[str, ...]]:
    """Return the texts that show the style of the labels of `batches`; how many of all is noted in `excerpts`."""
    names = [name for name in _names(task, batches) if name in assignment.style]
    most = STYLE_BYTES // max(1, len(names))
    shown = {name: _shown(assignment.style[name][:STYLES_SHOWN], most) for name in names}
    excerpts.note("style", sum(map(len, shown.values())), sum(len(assignment.style[name]) for name in names))
    return shown


def batch_rules(
    task: Task, batches: Sequence[Batch], style: Mapping[str, Sequence[str]], gates: TextRules
) -> tuple[str, ...]:
    """Return the rules for writing any of `batches`, those of the `gates` among them; `style` as in an assignment."""
    contrasts = {batch.contrast for batch in batches}
    pairs = task.kind == "pair"
    rules = [
        f"The task: {beginning(task, task.instruction, INSTRUCTION_BYTES)}",
        *(_SEVERAL if task.multi_label else ()),
        *(_SENT_AS_PAIRS if pairs else _SENT_AS_TEXTS),
        *text_rules(
            task.languages, gates, lambda names: ", ".join(map(repr, names)), several=task.multi_label, pairs=pairs
        ),
    ]
    if any(contrasts) and not pairs:
        rules.append(f"Texts of a batch with a `contrast` are easily mistaken for that label. {AIMS['contrast']}")
    if any(batch.guidance for batch in batches):
        rules.append(f"{SHOWN['guidance']} They are in `guidance`.")
    if pairs:
        rules.append(f"{SHOWN['queries']} Where there are some, `guidance` has them.")
    if style:
        rules.append(f"{SHOWN['style']} They are in `style`, by label.")
    if contrasts & style.keys():
        rules.append(f"{SHOWN['contrast_style']} They are in `style`, too.")
    return tuple(rules)


def beginning(task: Task, text: str, most_bytes: int) -> str:
    """Return `text` of the task, or its beginning of so many bytes and where all of it is."""
    begun = cut(text, most_bytes)
    return begun if begun == text else f"{begun} (all of it: {task_uri(task.slug)})"


def cut(text: str, most_bytes: int) -> str:
    """Return `text`, or its beginning of so many bytes and an ellipsis."""
    encoded = text.encode()
    return text if len(encoded) <= most_bytes else f"{encoded[:most_bytes].decode(errors='ignore')}\u2026"


def _names(task: Task, batches: Iterable[Batch]) -> dict[str, None]:
    """Return what `batches` name: each label, or set of labels and these, and each contrast."""
    return dict.fromkeys(
        name for batch in batches for name in (batch.label, *named_by(batch.label, batch.contrast, task))
    )


def _shares(targets: Sequence[CellTarget]) -> list[list[CellTarget]]:
    """Return `targets` of one label and contrast in even shares, as few as hold at most 25 texts and fit an answer."""
    rows = sum(target.rows for target in targets)
    number = max(math.ceil(rows / MOST_TEXTS), min(len(targets), math.ceil(_bytes(targets) / CELLS_BYTES)))
    while True:
        number = min(number, rows)
        shares = _split(targets, even_shares(rows, number))
        if number == rows or all(len(share) == 1 or _bytes(share) <= CELLS_BYTES for share in shares):
            return shares
        number += math.ceil(number / 10)


def _split(targets: Sequence[CellTarget], sizes: Sequence[int]) -> list[list[CellTarget]]:
    """Return `targets` cut, in their order, into parts of so many rows."""
    shares: list[list[CellTarget]] = []
    left = list(reversed(targets))
    for size in sizes:
        share: list[CellTarget] = []
        while size:
            target = left.pop()
            taken = min(size, target.rows)
            share.append(replace(target, rows=taken))
            if target.rows > taken:
                left.append(replace(target, rows=target.rows - taken))
            size -= taken
        shares.append(share)
    return shares


def _bytes(targets: Iterable[CellTarget]) -> int:
    """How much of an answer the cells of `targets` take, with the queries that fit their items."""
    return sum(len("".join((target.cell.model_dump_json(), *_fitting(target))).encode()) for target in targets)


def _batch(number: int, share: list[CellTarget]) -> Batch:
    first = share[0]
    guidance = (sentence for target in share for sentence in (*target.guidance, *_fitting(target)))
    return Batch(
        batch=f"b{number}",
        label=first.cell.label,
        contrast=first.contrast,
        cells=tuple(BatchCell(**target.cell.model_dump(), count=target.rows) for target in share),
        count=sum(target.rows for target in share),
        guidance=tuple(dict.fromkeys(guidance)),
    )


def _fitting(target: CellTarget) -> tuple[str, ...]:
    """Return the sentence that shows queries which fit the item of `target`, if it has an item and some are known."""
    if not target.cell.item or not target.style:
        return ()
    queries = ", ".join(repr(shortened(text, QUERY_CHARS)) for text in target.style[:FITTING_SHOWN])
    return (f"Fit {shortened(target.cell.item, QUERY_CHARS)!r}: {queries}",)


def _shown(texts: Sequence[str], most_bytes: int) -> tuple[str, ...]:
    """Return the first of `texts`: as many as fit into `most_bytes`, and the beginning of one at least."""
    shown = [cut(texts[0], most_bytes), *texts[1:]]
    sizes = accumulate(len(text.encode()) for text in shown)
    return tuple(
        text for place, (text, size) in enumerate(zip(shown, sizes, strict=True)) if size <= most_bytes or not place
    )


def how_many(shown: int, all_of_them: int) -> str:
    """Return in how many batches the texts are to be written, and which of them an answer shows."""
    if all_of_them == 1:
        return "in 1 batch: here it is."
    return f"in {all_of_them} batches. Here {'they are' if shown == all_of_them else the_first(shown)}."
