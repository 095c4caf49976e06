"""Tasks with few rows, each beside a corpus with many: some to tune the advice by, and six for the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from articles.sets import LabelledTexts, read_split
from classwright_tools.domain.example import make_example
from classwright_tools.learning.rows import without_copies

CORPUS_ROWS, TEST_ROWS = 4_000, 800  # at most; what is embedded takes the time
EACH_LABEL = 150  # rows that few are drawn from
POLAR = {"negative": "negative", "positive": "positive"}
GRADES = {**POLAR, "neutral": "neutral"}
MARKET = {"bearish": "negative", "bullish": "positive", "neutral": "neutral"}

Names = Mapping[str, str] | None
"""The name of each label that is kept, by the set's own; None keeps all as they are."""


@dataclass(frozen=True)
class Pairing:
    """A set to draw few rows of, a corpus to learn from first, and the names of the labels of both."""

    task: str
    corpus: str
    names: Names = None
    corpus_names: Names = None


FINAL = (
    Pairing("mr", "semeval_tweets", POLAR, POLAR),
    Pairing("cr", "semeval_tweets", POLAR, POLAR),
    Pairing("amazon_reviews", "semeval_tweets", POLAR, POLAR),
    Pairing("sst2", "semeval_tweets", POLAR, POLAR),
    Pairing("emotion", "tweet_emotion"),
    Pairing("subj", "semeval_tweets", corpus_names=POLAR),
)
TUNING = (
    Pairing("financial_phrasebank", "semeval_tweets", GRADES, GRADES),
    Pairing("twitter_financial_news", "financial_phrasebank", MARKET, GRADES),
    Pairing("semeval_tweets", "financial_phrasebank", GRADES, GRADES),
    FINAL[0],  # of these two other draws than those of the figures
    FINAL[4],
)


@dataclass(frozen=True)
class Rows:
    """Embeddings (n, d), label numbers (n,), and the names of the labels."""

    embeddings: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def draw(self, per_label: int, seed: int) -> Rows:
        """Return `per_label` rows of each label, fewer where there are no more."""
        generator = np.random.default_rng(seed)
        of_label = (np.flatnonzero(self.labels == label) for label in range(len(self.names)))
        places = np.concatenate([generator.permutation(own)[:per_label] for own in of_label])
        return Rows(self.embeddings[places], self.labels[places], self.names)


@dataclass(frozen=True)
class Problem:
    """What few rows are drawn from, the test rows, and the corpus without near-duplicates of either."""

    pool: Rows
    test: Rows
    corpus: Rows


def read_problem(data: Path, pairing: Pairing) -> Problem:
    """Return a pairing's embedded rows: samples that are drawn once, each label of the pool alike."""
    train, test = (_named(read_split(data, pairing.task, split), pairing.names) for split in ("train", "test"))
    pool = _sample(train, len(train.texts), each=EACH_LABEL)
    test = _sample(test, TEST_ROWS)
    corpus = _sample(_named(read_split(data, pairing.corpus, "train"), pairing.corpus_names), CORPUS_ROWS)
    rows = [make_example(text, label) for text, label in zip(corpus.texts, corpus.labels, strict=True)]
    others = [make_example(text, None) for texts in (pool, test) for text in texts.texts]
    kept = without_copies(rows, others)
    kept_texts = LabelledTexts(tuple(row.text for row in kept), tuple(str(row.label) for row in kept))
    return Problem(_embedded(pool), _embedded(test), _embedded(kept_texts))


def _named(texts: LabelledTexts, names: Names) -> LabelledTexts:
    rows = zip(texts.texts, texts.labels, strict=True)
    kept = [(text, names[label] if names else label) for text, label in rows if names is None or label in names]
    return LabelledTexts(*zip(*kept, strict=True))


def _sample(texts: LabelledTexts, most: int, each: int | None = None) -> LabelledTexts:
    """Return at most `most` rows, and of each label at most `each`."""
    places = np.random.default_rng(0).permutation(len(texts.texts))
    counts: dict[str, int] = {}
    kept = []
    for place in places:
        label = texts.labels[place]
        counts[label] = counts.get(label, 0) + 1
        if each is None or counts[label] <= each:
            kept.append(place)
    return LabelledTexts(
        tuple(texts.texts[place] for place in kept[:most]), tuple(texts.labels[place] for place in kept[:most])
    )


def _embedded(texts: LabelledTexts) -> Rows:
    names = tuple(sorted(set(texts.labels)))
    numbers = np.array([names.index(label) for label in texts.labels])
    return Rows(texts.embeddings(), numbers, names)
