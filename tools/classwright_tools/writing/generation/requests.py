"""Requests for the texts of targets: how many texts each asks for, and how much work they are in all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from classwright_tools.curation.allotment import even_shares
from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.writing.generation.targets import CellTarget, named_by

TEXTS_A_REQUEST = 25  # beyond it models repeat themselves, and a lost answer costs more
TOKENS_A_REQUEST = 7_500  # at most, for its texts: many models write no longer answers


def request_sizes(texts: int, rules: TextRules) -> list[int]:
    """Return how many texts each of the requests for so many `texts` by `rules` asks for: as few as can be."""
    most = max(1, min(TEXTS_A_REQUEST, TOKENS_A_REQUEST // rules.most_tokens))
    return even_shares(texts, math.ceil(texts / most))


def request_for(target: CellTarget, task: Task, count: int, round_: int) -> WritingRequest:
    """Return the request for `count` texts of a target."""
    return WritingRequest(
        kind=target.kind,
        task=task.slug,
        instruction=task.instruction,
        labels=task.labels,
        languages=task.languages,
        multi_label=task.multi_label,
        cell=target.cell,
        contrast=target.contrast,
        count=count,
        round=round_,
        guidance=target.guidance,
        style=target.style,
        contrast_style=target.contrast_style,
    )


def first_requests(
    targets: Sequence[CellTarget], task: Task, round_: int, gates: QualityFilter
) -> list[WritingRequest]:
    """Return what is asked first for `targets`, by the rules of `gates`."""
    requests = []
    for target in targets:
        if target.rows:
            rules = gates.rules(named_by(target.cell.label, target.contrast, task))
            asked = (request_for(target, task, size, round_) for size in request_sizes(target.rows, rules))
            requests += [request.model_copy(update={"rules": rules}) for request in asked]
    return requests


def writing_units(requests: Sequence[WritingRequest]) -> int:
    """Return how much work `requests` are, for a meter: a request takes about as long as a text in it."""
    return sum(request.count + 1 for request in requests)
