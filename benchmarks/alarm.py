"""The alarm on texts unlike what a model was measured on: how often it is raised where nothing, or something, changed.

    python benchmarks/alarm.py --data FOLDER [--draws 200]

A probe learns 20 rows a label of 25 labels (of a set with few labels 100 a label). Each draw takes other real rows at
random, with replacement: 150 to measure it by, which set its threshold and scope, and a month of 50, 250 or 1,000. In
a month in which nothing changed these are rows of the same labels in the same shares. In others 5, 10, 20 or 40% are of
labels that the model did not learn, or the labels have the shares of other labels. The shares are uneven (1 / place),
or all are alike, and then no shares are compared. The table counts the draws in which the alarm is raised, with a 95%
interval, beside the level that the product states.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from articles.pages import table
from articles.runs import Figures, Runs
from articles.sets import CACHE, read_split
from classwright_tools.bulk.alarm import Tally
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.usual import Usual
from classwright_tools.learning.calibration import fit_temperature, softmax, sureness
from classwright_tools.learning.classifier import Assessed, assessed
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.fitting import with_scope
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.scope import out_of_scope, scope_by
from classwright_tools.learning.setup import Setup
from classwright_tools.measurement.unlike_measured import LEVEL, alarms, usual_of
from classwright_tools.statistics.share_interval import wilson

SETS = ("clinc150", "banking77", "twitter_financial_news")
LABELS, A_LABEL, A_FREQUENT_LABEL = 25, 20, 100
MOST_OWN, MOST_NEW = 2_600, 500  # texts that are embedded
VALIDATION = 150
SIZES = (50, 250, 1_000)
NEW = (0.05, 0.1, 0.2, 0.4)
CASES = ("nothing", *(f"{share:.0%} of new labels" for share in NEW), "other shares")


class Answers(NamedTuple):
    """A model's answers to texts (n,) and their labels, and to texts of labels that it did not learn."""

    labels: np.ndarray
    own: Assessed
    new: Assessed
    k: int


def answers(data: Path, name: str, seed: int) -> Answers:
    """Return the answers of a probe to real texts of the set `name`."""
    generator = np.random.default_rng(seed)
    splits = [read_split(data, name, split) for split in ("train", "test")]
    texts = [text for one in splits for text in one.texts]
    labels = [label for one in splits for label in one.labels]
    order = generator.permutation(len(texts))
    names = [one for one in generator.permutation(sorted(set(labels))).tolist() if one != "out_of_scope"][:LABELS]
    place = {one: number for number, one in enumerate(names)}
    a_label = A_LABEL if len(names) > 10 else A_FREQUENT_LABEL
    left = dict.fromkeys(names, a_label)
    learnt, own, new = [], [], []
    for number in order.tolist():
        text, label = texts[number], labels[number]
        if label not in place:
            new.append(text)
        elif left[label]:
            left[label] -= 1
            learnt.append((text, place[label]))
        else:
            own.append((text, place[label]))
    own, new = own[:MOST_OWN], new[:MOST_NEW]
    cache = EmbeddingCache(CACHE)
    setup = Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=cache,
        labels=tuple(names),
        epochs=None,
        seed=seed,
        progress=lambda _done, _what: None,
    )
    rows = Rows(tuple(text for text, _ in learnt), np.array([one for _, one in learnt]), np.arange(len(learnt)), "real")
    classifier = with_scope(METHODS["probe"].fit(rows, setup), rows, setup)
    k = len(names)
    asked = assessed(classifier, [text for text, _ in own], k)
    foreign = assessed(classifier, new, k) if new else Assessed(np.zeros((0, k)), np.zeros(0))
    return Answers(np.array([one for _, one in own]), asked, foreign, k)


def drawn(found: Answers, weights: np.ndarray, n: int, generator: np.random.Generator) -> np.ndarray:
    """Return n places, drawn with replacement, labels having the shares that `weights` (k,) say."""
    chance = (weights / np.maximum(1, np.bincount(found.labels, minlength=found.k)))[found.labels]
    return generator.choice(len(found.labels), n, p=chance / chance.sum())


def measured(found: Answers, places: np.ndarray) -> tuple[Usual, Any]:
    """Return what is usual by the rows at `places`, and what judges other texts: as `learning/trained.py` does it."""
    logits, likeness = found.own.logits[places], np.asarray(found.own.likeness)[places]
    labels = found.labels[places]
    temperature = fit_temperature(logits, labels)
    scope = scope_by(validation=SimpleNamespace(data="real", likeness=likeness))
    known = ~out_of_scope(likeness, scope, len(places))
    sure = sureness(softmax(logits / temperature) * known[:, None], labels)
    card = SimpleNamespace(
        scope=scope,
        validation=SimpleNamespace(measured_on="rows", rows=len(places)),
        set_by="rows",
        sure_on="real",
        sure_by_label={str(label): counts for label, counts in enumerate(sure.by_label)},
        thresholds=(),
        unsure=1 - sure.sure,
        shares=None,
        classes=[SimpleNamespace(support=int(n)) for n in np.bincount(labels, minlength=found.k)],
    )
    return usual_of(card), (temperature, sure.threshold, scope)


def raises(usual: Usual, judge: Any, parts: list[tuple[Assessed, np.ndarray]]) -> bool:
    """Return whether the alarm is raised on the texts at the places of each of the `parts`."""
    temperature, threshold, scope = judge
    tally = Tally()
    for one, places in parts:
        if not len(places):
            continue
        proba = softmax(one.logits[places] / temperature)
        foreign = out_of_scope(np.asarray(one.likeness)[places], scope, len(places))
        sure = (proba.max(axis=1) >= threshold) & ~foreign
        answers_of = zip(proba.argmax(axis=1).tolist(), sure.tolist(), foreign.tolist(), strict=True)
        for label, is_sure, is_foreign in answers_of:
            tally.count(str(label), sure=is_sure, foreign=is_foreign)
    return bool(alarms(usual, {"month": tally.answered()}))


def months(found: Answers, shares: str, draws: int, seed: int) -> Iterator[tuple[str, int, bool]]:
    """Yield for each draw, case and size whether the alarm is raised."""
    generator = np.random.default_rng(seed)
    uneven = 1 / (1 + np.arange(found.k))
    for _ in range(draws):
        weights = generator.permutation(uneven) if shares == "uneven" else np.ones(found.k)
        validation = drawn(found, weights, VALIDATION, generator)
        usual, judge = measured(found, validation)
        for case in CASES:
            if (case == "other shares" and shares == "alike") or ("new" in case and not len(found.new.logits)):
                continue
            there = np.roll(weights, 1) if case == "other shares" else weights
            for n in SIZES:
                planted = round(n * float(case.split("%")[0]) / 100) if "new" in case else 0
                own = drawn(found, there, n - planted, generator)
                new = generator.integers(0, max(1, len(found.new.logits)), planted)
                yield case, n, raises(usual, judge, [(found.own, own), (found.new, new)])


def figures(data: Path, name: str, shares: str, draws: int) -> Figures:
    """Return how many draws there were, and in how many the alarm was raised, by case and size."""
    counts: Figures = {}
    for case, n, is_raised in months(answers(data, name, 0), shares, draws, 0):
        for what, more in (("draws", 1), ("raised", is_raised)):
            key = f"{case}, {n}, {what}"
            counts[key] = counts.get(key, 0) + int(more)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    runs = Runs("alarm", quick=False)
    lines = []
    for name in SETS:
        for shares in ("uneven", "alike"):
            key: dict[str, str | int] = {"set": name, "shares": shares, "draws": options.draws, "seed": 0}
            runs.measure(key, lambda name=name, shares=shares: figures(options.data, name, shares, options.draws))
            for case in CASES:
                line = [name, shares, case]
                for n in SIZES:
                    raised = sum(runs.figures(f"{case}, {n}, raised", **key))
                    every = sum(runs.figures(f"{case}, {n}, draws", **key))
                    share = wilson(raised, every)
                    line.append(f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})" if every else "")
                if any(line[3:]):
                    lines.append(line)
    print(f"Raised, at a stated level of {LEVEL:.0%}:\n")
    print(table(["set", "shares of labels", "what changed", *(f"{n:,} texts" for n in SIZES)], lines))


if __name__ == "__main__":
    main()
