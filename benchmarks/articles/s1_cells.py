"""The cells of table s1: few rows of a set, what a corpus taught, and a classifier with generated rows beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from sets import LabelledTexts, read_split
from variants.gan import PLAIN, VariantForm

from classwright_tools.augmentation.base_classes import domain_shift
from classwright_tools.augmentation.distribution_calibration import calibrated_rows
from classwright_tools.augmentation.faithfulness import faithfulness
from classwright_tools.augmentation.gan_fitting import FittedGan, Pretrained, fit_gan, pretrain
from classwright_tools.augmentation.interpolation import mixed_rows, smote_rows
from classwright_tools.augmentation.space import unit_length
from classwright_tools.domain.example import make_example
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.learning.rows import without_copies

NAMES = ("negative", "positive")
GENERATED = 1_000  # rows; their weight, not their number, is what counts
CORPUS_ROWS = 4_000  # of the corpus, in the rows of the table that train on it directly
POINTS = 600  # on which diversity is compared
FULL = VariantForm()
SWITCHES: Mapping[str, VariantForm] = {
    "full": FULL,
    "no consistency": replace(FULL, consistency=False),
    "no fresh noise": replace(FULL, fresh_noise=False),
    "no smoothing": replace(FULL, smoothing=False),
    "Gaussians, nothing trained": replace(FULL, pretraining_steps=0, tuning_steps=0),
}
"""Each is pre-trained by itself; what follows starts from the pre-training of "full"."""
TUNED: Mapping[str, VariantForm] = {
    **SWITCHES,
    "class means moved": replace(FULL, moved_means=True),
    "no fine-tuning": replace(FULL, tuning_steps=0),
    "no pre-training": replace(FULL, pretraining=False),
    "plain": PLAIN,
}


@dataclass(frozen=True)
class Rows:
    """Embeddings (n, 384) and label numbers (n,)."""

    embeddings: np.ndarray
    labels: np.ndarray

    @property
    def vectors(self) -> np.ndarray:
        """One-hot labels (n, 2)."""
        return np.eye(2, dtype=np.float32)[self.labels]

    def take(self, places: np.ndarray) -> Rows:
        """The rows at `places`."""
        return Rows(self.embeddings[places], self.labels[places])

    def draw(self, per_class: int, seed: int) -> Rows:
        """`per_class` rows of each label."""
        generator = np.random.default_rng(seed)
        places = [generator.permutation(np.flatnonzero(self.labels == label))[:per_class] for label in (0, 1)]
        return self.take(np.concatenate(places))


def read_rows(
    folder: Path, name: str, split: str, apart_from: tuple[LabelledTexts, ...] = (), most: int | None = None
) -> Rows:
    """The negative and positive rows of a split, without near-duplicates of other sets' texts; `most` of them."""
    read = read_split(folder, name, split)
    rows = [(text, label) for text, label in zip(read.texts, read.labels, strict=True) if label in NAMES]
    chosen = range(len(rows)) if most is None else np.random.default_rng(0).permutation(len(rows))[:most]
    kept = [make_example(*rows[place]) for place in chosen]
    if apart_from:
        others = [make_example(text, None) for texts in apart_from for text in texts.texts]
        kept = without_copies(kept, others)
    texts = LabelledTexts(tuple(row.text for row in kept), tuple(str(row.label) for row in kept))
    return Rows(texts.embeddings(), np.array([NAMES.index(label) for label in texts.labels]))


class Corpus:
    """The tweets, and what each form of the GAN learned of them: once, whatever follows."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._pretrained: dict[str, Pretrained] = {}

    def pretrained(self, switch: str) -> Pretrained:
        """What the corpus taught the form `switch`."""
        if switch not in self._pretrained:
            vectors = self.rows.vectors
            self._pretrained[switch] = pretrain(self.rows.embeddings, vectors, NAMES, SWITCHES[switch], 0)
        return self._pretrained[switch]

    @cached_property
    def sample(self) -> Rows:
        """A part of it with each label alike."""
        return self.rows.draw(CORPUS_ROWS // 2, 0)


@dataclass(frozen=True, eq=False)
class Cell:
    """Few rows to learn from, and the set's test rows to be measured on."""

    few: Rows
    test: Rows
    corpus: Corpus
    seed: int

    def measured(self, method: str) -> dict[str, float]:
        """The balanced accuracy of logistic regression (C = 1) with the rows of `method` beside, and what else of it.

        "full w3" is "full" with three times the weight.
        """
        name, _, weight = method.partition(" w")
        if name in TUNED:
            return self._of_gan(name, float(weight or 1))
        return self._others()[name]()

    def _others(self) -> Mapping[str, Callable[[], dict[str, float]]]:
        return {
            "real only": lambda: self._figures(None),
            "SMOTE": self._smote,
            "mixup": lambda: self._figures(mixed_rows(self.few.embeddings, self.few.vectors, self._wanted, self.seed)),
            "distribution calibration": self._calibrated,
            "reviews and tweets": lambda: self._figures(self._tweets().embeddings, self.corpus.sample.labels),
            "tweets only": self._tweets_only,
        }

    @property
    def _wanted(self) -> np.ndarray:
        return np.eye(2, dtype=np.float32)[np.repeat([0, 1], GENERATED // 2)]

    def _of_gan(self, name: str, weight: float) -> dict[str, float]:
        gan = self._fitted(name)
        made = gan.draw(self._wanted, self.seed)
        real = self.test.take(np.random.default_rng(self.seed).permutation(len(self.test.labels))[:POINTS])
        shown = np.random.default_rng(self.seed).permutation(len(made))[:POINTS]
        found = faithfulness(made[shown], real.embeddings, self.seed)
        near = found.neighbourhoods
        return {
            **self._figures(made, weight=weight),
            "vendi_ratio": found.vendi_ratio,
            "recall": near.recall,
            "density": near.density,
            "coverage": near.coverage,
            "steps": float(gan.steps),
        }

    @cache  # noqa: B019  # a cell lives as long as its measures
    def _fitted(self, name: str) -> FittedGan:
        switch = name if name in SWITCHES else "full"
        taught = self.corpus.pretrained(switch) if TUNED[name].pretraining else None
        return fit_gan(self.few.embeddings, self.few.vectors, NAMES, taught, TUNED[name], self.seed)

    def _smote(self) -> dict[str, float]:
        each = np.full(2, GENERATED // 2)
        return self._figures(*smote_rows(self.few.embeddings, self.few.labels, each, self.seed))

    def _calibrated(self) -> dict[str, float]:
        base = self.corpus.pretrained("full").base
        few = self.few
        return self._figures(calibrated_rows(few.embeddings, few.vectors, NAMES, base, self._wanted, self.seed))

    def _tweets(self) -> Rows:
        """The corpus' sample, moved to where the few rows lie."""
        base = self.corpus.pretrained("full").base
        shift = domain_shift(base, (0, 1), self.few.embeddings, self.few.vectors)
        return Rows(unit_length(self.corpus.sample.embeddings + shift), self.corpus.sample.labels)

    def _tweets_only(self) -> dict[str, float]:
        tweets = self._tweets()
        return {"accuracy": self._accuracy(fit_head(tweets.embeddings, tweets.labels, 2, c=1.0))}

    def _figures(
        self, made: np.ndarray | None, made_labels: np.ndarray | None = None, weight: float = 1.0
    ) -> dict[str, float]:
        rows, labels, weights = self.few.embeddings, self.few.labels, np.ones(len(self.few.labels))
        if made is not None:
            added = self._wanted.argmax(axis=1) if made_labels is None else made_labels
            rows, labels = np.concatenate([rows, made]), np.concatenate([labels, added])
            weights = np.concatenate([weights, np.full(len(made), weight * len(weights) / len(made))])
        return {"accuracy": self._accuracy(fit_head(rows, labels, 2, c=1.0, row_weights=weights))}

    def _accuracy(self, head: Head) -> float:
        return balanced_accuracy(head, self.test)


def balanced_accuracy(head: Head, rows: Rows) -> float:
    """The mean share of right answers over labels."""
    right = head.logits(rows.embeddings).argmax(axis=1) == rows.labels
    return float(np.mean([right[rows.labels == label].mean() for label in (0, 1)]))
