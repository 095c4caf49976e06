"""The people of a review: who decided on how many rows, about which they differ, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from classwright_tools.domain.edits import Edit
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.opinions import Opinions, RowOpinions, same_name
from classwright_tools.review.decisions import Entry
from classwright_tools.statistics.rater_agreement import Agreement, agreements
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Workspace

NAMES_LISTED = 6
FEW_ROWS = 20
"""Of fewer an interval is so wide that it is told to have more."""


def rows_decided(edits: Iterable[Edit]) -> dict[str, set[str]]:
    """Return the rows that `edits` are about by who decided, "" without a name; a rewritten one as it was called."""
    found: dict[str, set[str]] = {}
    for edit in edits:
        ids = edit.rows.values() if edit.action == "rewrite" else edit.rows
        found.setdefault(edit.person or "", set()).update(ids)
    return found


def repeated(waiting: Iterable[Entry]) -> str:
    """Return on how many rows `waiting` decisions gave more than one answer, and which of it counts; "" on none."""
    answers: Counter[str] = Counter()
    seconds: set[str] = set()
    for entry in waiting:
        if entry.decision.second:
            seconds.update(entry.decision.rows)
        elif entry.decision.gives_answer:
            answers.update(entry.decision.rows)
    again = sum(count > 1 for count in answers.values())
    told = [
        f"{counted(len(seconds), 'row has a', 'rows have a')} second opinion, given blind: it changes no label."
        if seconds
        else "",
        f"{counted(again, 'row was', 'rows were')} decided on again: the last word counts." if again else "",
    ]
    return " ".join(filter(None, told))


def independent_answers(opinions: Iterable[RowOpinions]) -> list[Mapping[str, str]]:
    """Return, for rows that several persons answered without seeing the others' answers, these by the names."""
    return [row.independent for row in opinions if row.independent]


def otherwise(disputed: Iterable[RowOpinions], name: str | None) -> dict[str, dict[str, int]]:
    """Return on how many `disputed` rows of a person others decided otherwise, by their names.

    That is of `rows`, and of those on which it is the person's own word that stands: `yours`.
    """
    found: Counter[str] = Counter()
    yours: Counter[str] = Counter()
    for row in disputed:
        if name is not None and row.has(name):
            own = next(key for one, key in row.said.items() if same_name(one, name))
            others = [one for one, key in row.said.items() if key != own]
            found.update(others)
            yours.update(others if row.stands == own else ())
    return {one: {"rows": rows, "yours": yours[one]} for one, rows in found.most_common()}


def people(opinions: Mapping[str, RowOpinions], labels: Sequence[str], *, several: bool) -> dict[str, Any]:
    """Return what the page shows of the people: how many rows each said something of, the disputed, and agreement."""
    names: dict[str, int] = {}
    for row in opinions.values():
        for name in row.said:
            names[name] = names.get(name, 0) + 1
    found = agreements(independent_answers(opinions.values()), labels if several else ())
    return {
        "people": [{"name": name, "rows": rows} for name, rows in sorted(names.items(), key=lambda one: -one[1])],
        "disputed": sum(row.is_disputed for row in opinions.values()),
        "agreement": [
            {
                "names": list(one.names),
                "rows": one.rows,
                "same": one.same,
                "share": _plain(one.share),
                "measure": _measure(one),
                "beyond_chance": _plain(one.beyond_chance),
                "labels": {label: _plain(estimate) for label, estimate in one.by_label.items()},
            }
            for one in found
        ],
    }


def people_of(workspace: Workspace, dataset: str) -> str:
    """Return `people_in_words` of a dataset."""
    task = workspace.task(workspace.artifact(dataset, "dataset").task)
    opinions = Opinions(read_edits(workspace, dataset), task.label_names).of_row.values()
    return people_in_words(opinions, task.label_names, several=task.multi_label)


def people_in_words(opinions: Iterable[RowOpinions], labels: Sequence[str], *, several: bool) -> str:
    """Return about how many rows persons differ, and how far they agree, in sentences; "" where nobody gave a name."""
    rows = list(opinions)
    disputed = sum(row.is_disputed for row in rows)
    told = []
    if disputed:
        told.append(
            f"Persons differ about {counted(disputed, 'row')} (find_examples, mark='disputed'): an edit of these "
            "settles it."
        )
    found = agreements(independent_answers(rows), labels if several else ())
    told += [in_words(one) for one in found[:NAMES_LISTED]]
    return " ".join(told)


def in_words(one: Agreement) -> str:
    """Return how far some persons agree, in a sentence."""
    said = (
        f"Of {counted(one.rows, 'row')} that {listed(one.names, NAMES_LISTED)} answered independently they agree on "
        f"{one.same} ({_span(one.share, percent=True)})"
    )
    if one.beyond_chance is None:
        said += "; all answers are the same, so chance cannot be told from agreement"
    else:
        mean = ", the mean of the labels'" if one.by_label else ""
        said += f"; {_measure(one)} is {_span(one.beyond_chance)}{mean}"
    if one.by_label:
        lowest = min(one.by_label, key=lambda label: one.by_label[label].value)
        said += f", the lowest {one.by_label[lowest].value:.2f} of {lowest!r}"
    return f"{said}.{' Few rows: the interval is wide.' if one.rows < FEW_ROWS else ''}"


def _measure(one: Agreement) -> str:
    return "Cohen's kappa" if len(one.names) == 2 else "Krippendorff's alpha"


def _span(figure: Estimate, *, percent: bool = False) -> str:
    if percent:
        return f"{figure.value:.0%}, 95% interval {figure.low:.0%} to {figure.high:.0%}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def _plain(figure: Estimate | None) -> dict[str, float] | None:
    return None if figure is None else {"share": figure.value, "low": figure.low, "high": figure.high}
