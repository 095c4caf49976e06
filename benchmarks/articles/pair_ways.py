"""The ways of matching that the table compares: each gives the log-odds of a mismatch for the test rows of a seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from pair_sets import MISMATCH, Divided, PairSet, divide, embeddings_of
from runs import Figures
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from variants.negatives import (
    AdversarialDescent,
    CooperativeDescent,
    UnfilteredOverwriting,
    VectorDescent,
    VectorOverwriting,
)

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.matching.descent import Descent
from classwright_tools.learning.matching.fit import fit_matcher
from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.matcher import NETWORK_SHARE
from classwright_tools.learning.matching.negatives.drawn import PlacedRows, RandomQueries
from classwright_tools.learning.matching.negatives.overwriting import Overwriting
from classwright_tools.learning.matching.settings import MatcherSettings, NegativeKind, NegativeSettings, Part
from classwright_tools.learning.matching.table import PairTable, Vocabulary
from classwright_tools.learning.setup import Setup

COSINE = 9  # the place of the cosine among the lexical features
WEIGHT = 5.0  # of a mismatch among matches from which random negatives are made too, as in the network


@dataclass(frozen=True)
class Problem:
    """One seed of a set; `tuning` tests on the queries kept for choosing."""

    folder: Path
    pair_set: PairSet
    seed: int
    tuning: bool = False

    @cached_property
    def rows(self) -> Divided:
        """The rows of the seed."""
        return divide(self.folder, self.pair_set, self.seed, tuning=self.tuning)

    @property
    def setup(self) -> Setup:
        """What a matcher is trained with."""
        return Setup(
            encoder=open_encoder(DEFAULT_ENCODER),
            cache=embeddings_of(self.folder, self.pair_set),
            labels=("0", "1"),
            epochs=None,
            seed=self.seed,
            progress=lambda _done, _message: None,
        )

    @cached_property
    def lexical(self) -> tuple[np.ndarray, np.ndarray, PlacedRows, np.ndarray]:
        """The ten features of labelled, of test rows, all training rows in a table, and the features of these."""
        rows = self.rows.labelled.and_also(self.rows.unlabelled)
        setup = self.setup
        vocabulary = Vocabulary.fit((*rows.queries, *rows.items), ("lexical",), setup.encoder, setup.cache)
        table = PairTable.of(rows.queries, rows.items, vocabulary, setup.encoder, setup.cache)
        placed = PlacedRows(table, *table.places(rows.queries, rows.items), rows.labels)
        other = PairTable.of(self.rows.test.queries, self.rows.test.items, vocabulary, setup.encoder, setup.cache)
        test = other.lexical(*other.places(self.rows.test.queries, self.rows.test.items))
        train = table.lexical(placed.queries, placed.items)
        return train[: len(self.rows.labelled)], test, placed, train


def figures_of(problem: Problem, scores: np.ndarray, name: str = "") -> Figures:
    """Return area under the precision-recall curve, best F1 and AUC of the rarer label, and on the hard subset."""
    test, hard = problem.rows.test, problem.rows.one_word
    rare = int(np.bincount(test.labels, minlength=2).argmin())
    wanted, given = test.labels == rare, scores if rare == MISMATCH else -scores
    figures = {
        f"{name}apr": float(average_precision_score(wanted, given)),
        f"{name}f1": best_f1(wanted, given),
        f"{name}auc": float(roc_auc_score(wanted, given)),
    }
    if len(hard) and 0 < wanted[hard].sum() < len(hard):
        figures[f"{name}hard_apr"] = float(average_precision_score(wanted[hard], given[hard]))
    return {key: round(value, 5) for key, value in figures.items()}


def best_f1(wanted: np.ndarray, scores: np.ndarray) -> float:
    """Return the best F1 over all thresholds."""
    precision, recall, _ = precision_recall_curve(wanted, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def cosine(problem: Problem) -> np.ndarray:
    """The encoder's cosine alone."""
    return -problem.lexical[1][:, COSINE]


def trees(problem: Problem) -> np.ndarray:
    """Gradient-boosted trees on the ten features; small and slow ones, which were the best on the rows for choosing."""
    train, test, _, _ = problem.lexical
    return _tree_scores(problem, train, problem.rows.labelled.labels, test, np.ones(len(train)))


def trees_default(problem: Problem) -> np.ndarray:
    """Gradient-boosted trees on the ten features, with scikit-learn's defaults."""
    train, test, _, _ = problem.lexical
    model = HistGradientBoostingClassifier(random_state=problem.seed).fit(train, problem.rows.labelled.labels)
    scores: np.ndarray = model.decision_function(test)
    return scores


def trees_random(problem: Problem) -> np.ndarray:
    """The same with the unlabelled matches and random negatives from them."""
    return _tree_scores(problem, *_with_random(problem))


def _tree_scores(problem: Problem, *given: np.ndarray) -> np.ndarray:
    train, labels, test, weights = given
    model = GradientBoostingClassifier(
        n_estimators=100, max_depth=3, learning_rate=0.05, subsample=0.8, random_state=problem.seed
    )
    scores: np.ndarray = model.fit(train, labels, weights).decision_function(test)
    return scores


def regression(problem: Problem) -> np.ndarray:
    """Logistic regression on the ten features."""
    train, test, _, _ = problem.lexical
    return _regression_scores(train, problem.rows.labelled.labels, test, np.ones(len(train)))


def regression_random(problem: Problem) -> np.ndarray:
    """The same with the unlabelled matches and random negatives from them."""
    return _regression_scores(*_with_random(problem))


def _regression_scores(train: np.ndarray, labels: np.ndarray, test: np.ndarray, weights: np.ndarray) -> np.ndarray:
    scaling = FeatureScaling.fit(train)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(scaling.of(train), labels, weights)
    scores: np.ndarray = model.decision_function(scaling.of(test))
    return scores


def _with_random(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return features, labels, test features and weights with a random negative in place of every third match."""
    _, test, rows, train = problem.lexical
    random = np.random.default_rng(problem.seed)
    overwritten = np.flatnonzero((rows.labels != MISMATCH) & (random.random(len(rows.labels)) < 0.3))
    queries = RandomQueries(rows).draw(overwritten, random).queries
    train, labels = train.copy(), rows.labels.copy()
    train[overwritten], labels[overwritten] = rows.table.lexical(queries, rows.items[overwritten]), MISMATCH
    return train, labels, test, np.where(labels == MISMATCH, WEIGHT, 1.0)


BASELINES: Mapping[str, Callable[[Problem], np.ndarray]] = {
    "cosine": cosine,
    "trees, defaults": trees_default,
    "trees": trees,
    "trees, random": trees_random,
    "regression": regression,
    "regression, random": regression_random,
}

PL: tuple[Part, ...] = ("pooled", "lexical")
ALL: tuple[Part, ...] = ("pooled", "lexical", "tokens")


OBJECTIVES: Mapping[str, type[VectorDescent]] = {
    "frozen": VectorDescent,
    "cooperative": CooperativeDescent,
    "adversarial": AdversarialDescent,
}
"""How the generator of vectors is trained on beside the classifier."""


def negatives_of(*kinds: NegativeKind) -> NegativeSettings:
    """Return negatives of `kinds` in equal shares."""
    return NegativeSettings(mix=tuple((kind, 1 / len(kinds)) for kind in kinds))


@dataclass(frozen=True)
class NetworkWay:
    """A network's settings, and whether it has the unlabelled matches; `both` also measures it with its partner.

    `overwriting` and `descent` are the product's, or those of `variants/negatives.py`.
    """

    settings: MatcherSettings
    unlabelled: bool = True
    both: bool = False
    overwriting: type[Overwriting] = Overwriting
    descent: type[Descent] = Descent


def _way(parts: tuple[Part, ...], negatives: NegativeSettings, *, both: bool = False) -> NetworkWay:
    return NetworkWay(MatcherSettings(parts=parts, negatives=negatives, ensemble=both), both=both)


NETWORKS: Mapping[str, NetworkWay] = {
    "labels only": NetworkWay(MatcherSettings(parts=PL, negatives=negatives_of(), ensemble=False), unlabelled=False),
    "matches as they are": _way(PL, negatives_of()),
    "random": _way(PL, negatives_of("random")),
    "mined": _way(PL, negatives_of("mined")),
    "mined, half random": _way(PL, negatives_of("mined", "random")),
    "generated": _way(PL, negatives_of("generated")),
    "generated, no teacher": replace(_way(PL, negatives_of("generated", "random")), overwriting=UnfilteredOverwriting),
    "generated, half random": _way(PL, negatives_of("generated", "random"), both=True),
}
ATTENTION: Mapping[str, NetworkWay] = {
    "attention, labels only": NetworkWay(
        MatcherSettings(parts=ALL, negatives=negatives_of(), ensemble=False), unlabelled=False
    ),
    "attention, random": _way(ALL, negatives_of("random")),
    "attention, generated": _way(ALL, negatives_of("generated", "random"), both=True),
}
POOLED: Mapping[str, NetworkWay] = {
    "pooled, labels only": NetworkWay(
        MatcherSettings(parts=("pooled",), negatives=negatives_of(), ensemble=False), unlabelled=False
    ),
    "pooled, random": _way(("pooled",), negatives_of("random")),
    **{
        f"pooled, vectors, {objective}": replace(
            _way(("pooled",), negatives_of("generated")), overwriting=VectorOverwriting, descent=descent
        )
        for objective, descent in OBJECTIVES.items()
    },
}


def measure_baseline(problem: Problem, name: str) -> Figures:
    """Return the figures of a way without a network."""
    return figures_of(problem, BASELINES[name](problem))


def measure_network(problem: Problem, way: NetworkWay) -> Figures:
    """Return the figures of a network, and with `both` those of its partner and of the two together."""
    started = time.process_time()
    rows = problem.rows
    matcher = fit_matcher(
        rows.labelled,
        problem.setup,
        way.settings,
        rows.unlabelled if way.unlabelled else None,
        overwriting=way.overwriting,
        descent=way.descent,
    )
    seconds = time.process_time() - started
    network = _log_odds(replace(matcher, partner=None).logits(rows.test.queries, rows.test.items))
    figures = figures_of(problem, network) | {"seconds": round(seconds, 2)}
    if matcher.partner:
        both = _log_odds(matcher.logits(rows.test.queries, rows.test.items))
        figures |= figures_of(problem, both, "both_")
        figures |= figures_of(problem, both - NETWORK_SHARE * network, "linear_")
    return figures


def _log_odds(logits: np.ndarray) -> np.ndarray:
    odds: np.ndarray = logits[:, MISMATCH] - logits[:, 1 - MISMATCH]
    return odds
