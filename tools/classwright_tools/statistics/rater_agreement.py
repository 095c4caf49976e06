"""The agreement of persons who labelled the same rows, each without seeing the others' answers.

- **Cohen's kappa** of two persons is (o - e) / (1 - e), with o the share of rows on which they agree and e the share on
  which they would by chance, from how often each gives which label (Cohen 1960, "A coefficient of agreement for nominal
  scales").
- **Krippendorff's alpha** of more is 1 - D_o / D_e, with D_o the disagreement that is observed in pairs of answers to
  a row, and D_e that of all pairs of answers (Krippendorff 2011, "Computing Krippendorff's alpha-reliability", nominal
  data; a row may lack answers of some).

Where a row may have several labels, both are reckoned for each label by itself, as given or not, and in the mean. An
interval is Wilson's of the observed agreement, the agreement by chance being taken as known, and a row counts once in
it, however many labels there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.statistics.share_interval import wilson

Answers = Sequence[Mapping[str, str]]
"""For each row what persons answered, by their names: an `Example.label_key`, or another word."""


@dataclass(frozen=True)
class Agreement:
    """How far some persons agree on `rows` that each of two or more of them answered.

    `same` is on how many all gave the same, `share` that share; `beyond_chance` is kappa of two, alpha of more, -1 to
    1, None where all answers are the same; of rows with several labels the mean of `by_label`.
    """

    names: tuple[str, ...]
    rows: int
    same: int
    share: Estimate
    beyond_chance: Estimate | None
    by_label: Mapping[str, Estimate]


@dataclass(frozen=True)
class _Observed:
    """The share of pairs of answers that agree, and the share that would by chance."""

    agreement: float
    by_chance: float


def agreements(answers: Answers, labels: Sequence[str] = ()) -> list[Agreement]:
    """Return the agreement of each two persons who answered some of the same rows, and if they are more that of all.

    `labels` are those of a task whose rows may have several. The one of all comes first, then that of most rows.
    """
    of_pair: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in answers:
        for pair in combinations(sorted(row), 2):
            of_pair.setdefault(pair, []).append({name: row[name] for name in pair})
    found = [_agreement(pair, rows, labels) for pair, rows in of_pair.items()]
    found.sort(key=lambda one: (-one.rows, one.names))
    several = [row for row in answers if len(row) > 1]
    names = tuple(sorted({name for row in several for name in row}))
    return [_agreement(names, several, labels), *found] if len(names) > 2 else found


def _agreement(names: tuple[str, ...], answers: Answers, labels: Sequence[str]) -> Agreement:
    same = sum(len(set(row.values())) == 1 for row in answers)
    observe = _kappa if len(names) == 2 else _alpha
    if labels:
        sets = [{name: labels_apart(key) for name, key in row.items()} for row in answers]
        of_label = {
            label: observe(names, [{name: str(label in given) for name, given in row.items()} for row in sets])
            for label in labels
        }
    else:
        of_label = {"": observe(names, answers)}
    told = {label: one for label, one in of_label.items() if one.by_chance < 1}
    by_label = {label: _estimate([one], len(answers)) for label, one in told.items() if label}
    return Agreement(
        names=names,
        rows=len(answers),
        same=same,
        share=wilson(same, len(answers)),
        beyond_chance=_estimate(list(told.values()), len(answers)) if told else None,
        by_label=by_label,
    )


def _kappa(names: tuple[str, ...], answers: Answers) -> _Observed:
    one, other = (Counter(row[name] for row in answers) for name in names)
    rows = len(answers)
    agreed = sum(len(set(row.values())) == 1 for row in answers)
    return _Observed(agreed / rows, sum(one[key] * other[key] for key in one) / rows**2)


def _alpha(_: tuple[str, ...], answers: Answers) -> _Observed:
    given = Counter(key for row in answers for key in row.values())
    every = given.total()
    pairs = 0.0
    for row in answers:
        counts = Counter(row.values())
        pairs += sum(count * (count - 1) for count in counts.values()) / (len(row) - 1)
    by_chance = sum(count * (count - 1) for count in given.values()) / (every * (every - 1))
    return _Observed(pairs / every, by_chance)


def _estimate(of_labels: Sequence[_Observed], rows: int) -> Estimate:
    """Return the mean of (o - e) / (1 - e) over labels, with its interval.

    With the e as known it rises in line with a mean of the o, weighted by 1 / (1 - e), which is between 0 and 1.
    """
    weights = [1 / (1 - one.by_chance) for one in of_labels]
    agreed = wilson(
        rows * sum(weight * one.agreement for weight, one in zip(weights, of_labels, strict=True)) / sum(weights), rows
    )
    chance = sum(weight * one.by_chance for weight, one in zip(weights, of_labels, strict=True))
    value, low, high = (
        max(-1.0, (sum(weights) * share - chance) / len(of_labels)) for share in (agreed.value, agreed.low, agreed.high)
    )
    return Estimate(value=value, low=low, high=min(1.0, high))
