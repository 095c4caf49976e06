"""The outcome of a writing run in sentences, and what to call then."""

from __future__ import annotations

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.outcome import WritingOutcome
from classwright_tools.domain.writer_limit import writer_limit
from classwright_tools.workspace.workspace import Artifact

MOST_NAMED = 5  # labels of a call


def written_in_words(outcome: WritingOutcome, now: str, *, again: bool) -> str:
    """Return how many texts became rows, which dataset `now` holds them, and what is missing and why.

    With `again` a tree is filled from the start that another dataset's rows were written by, and what of it was asked
    before is told.
    """
    lacking = outcome.wanted - outcome.accepted
    told = (
        f"{outcome.accepted} of {counted(outcome.wanted, 'text was', 'texts were')} written and accepted"
        f"{outcome.refused_in_words}.",
        now,
        _asked_before(outcome) if again else "",
        f"{counted(lacking, 'is', 'are')} missing: {outcome.missing[0].reason}." if lacking else "",
        writer_limit([outcome]),
    )
    return " ".join(filter(None, told))


def _asked_before(outcome: WritingOutcome) -> str:
    """Return how many requests were answered with what was stored, if some were."""
    if not outcome.usage or not outcome.usage.completions_reused:
        return ""
    of = f"{outcome.usage.completions_reused} of {counted(outcome.usage.requests, 'request')}"
    return f"{of} had been asked before, and gave the texts of then: other `guidance` or `examples` bring others."


def for_the_missing(outcome: WritingOutcome, dataset: Artifact) -> str:
    """Return how to get what is missing beside the rows in `dataset`, "" if nothing is.

    More texts are wanted only of a writer that is not the limit.
    """
    lacking = outcome.wanted - outcome.accepted
    if not lacking:
        return ""
    short = list(dict.fromkeys(shortfall.cell.label for shortfall in outcome.missing if not shortfall.cell.item))
    labels = f", labels={short}" if 0 < len(short) <= MOST_NAMED else ""
    onto = f"dataset={dataset.id!r}{'' if dataset.parent else ' (not new_dataset)'}"
    again = f" For what is missing: the same call, but with rows={lacking}{labels}, {onto}."
    return ("" if writer_limit([outcome]) else again) + (outcome.repair and f" {outcome.repair.rstrip('.')}.")


def nothing_in_words(outcome: WritingOutcome) -> str:
    """Return that no text became a row, and why."""
    limit = writer_limit([outcome])
    return (
        f"None of the {counted(outcome.wanted, 'text')} wanted was accepted{outcome.refused_in_words}. "
        f"No dataset was made.{limit and f' {limit}'}"
    )


def after_nothing(outcome: WritingOutcome) -> str:
    """Return what helps where no text became a row."""
    if outcome.repair:
        return outcome.repair
    if writer_limit([outcome]):
        return "Start the server with another writer, or without one, and call again."
    return (
        "Look at `missing` and `refusals`, correct the task's instruction, labels or topics (of pairs `items` or "
        "`guidance`), and call again."
    )
