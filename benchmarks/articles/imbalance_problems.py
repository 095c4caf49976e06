"""Problems with classes of very different sizes, drawn from labelled sets: the background is the large class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from sets import LabelledTexts, read_split

TRIPLES = 4  # of confusable intents; the seeds take them in turn
MOST_TEST_ROWS = 100  # of each small class; the background has its share of the training rows
EMOTIONS = {"tweet_emotion": ("joy", "sadness", "optimism", "anger"), "emotion": ("love", "anger", "surprise", "joy")}


@dataclass(frozen=True)
class Kind:
    """A kind of problem: a set, the ratio of its four classes, the rows of the smallest, the least pool of an intent.

    The last class is the background: all other intents where the set has intents, else its largest class, which is
    homogeneous.
    """

    name: str
    source: str
    ratio: tuple[int, int, int, int]
    smallest: int
    pool: tuple[int, int] = (0, 1000)
    first_triple: int = 0

    @property
    def title(self) -> str:
        """The kind for a table."""
        return f"{self.source} {':'.join(map(str, self.ratio))}, {self.smallest}"


@dataclass(frozen=True)
class Pool:
    """All rows of a set, each text once."""

    texts: tuple[str, ...]
    labels: np.ndarray
    embeddings: np.ndarray


@dataclass(frozen=True)
class Problem:
    """Training and test rows as places in a pool, with their classes, 0 to 3."""

    pool: Pool
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


@cache
def pool(folder: Path, source: str) -> Pool:
    """Return the rows of both files of `source`."""
    rows: dict[str, str] = {}
    for split in ("train", "test"):
        part = read_split(folder, source, split)
        for text, label in zip(part.texts, part.labels, strict=True):
            rows.setdefault(text, label)
    texts, labels = tuple(rows), tuple(rows.values())
    return Pool(texts, np.array(labels), LabelledTexts(texts, labels).embeddings())


@cache
def confusable(folder: Path, source: str, least: int, most: int) -> tuple[tuple[str, str, str], ...]:
    """Return disjoint triples of the intents with `least` to `most` rows, the most alike first.

    Each is the pair with the closest mean embeddings and the intent closest to both.
    """
    own = pool(folder, source)
    names, counts = np.unique(own.labels, return_counts=True)
    names = names[(counts >= least) & (counts <= most) & (names != "out_of_scope")]
    means = np.stack([own.embeddings[own.labels == name].mean(axis=0) for name in names])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means @ means.T
    np.fill_diagonal(alike, -np.inf)
    triples = []
    while len(triples) < min(3 * TRIPLES, len(names) // 3):
        one, other = np.unravel_index(alike.argmax(), alike.shape)
        third = int((alike[one] + alike[other]).argmax())
        triples.append((str(names[one]), str(names[other]), str(names[third])))
        for place in (one, other, third):
            alike[place] = alike[:, place] = -np.inf
    return tuple(triples)


def draw(folder: Path, kind: Kind, seed: int) -> Problem:
    """Return the problem of `kind` for `seed`: which intents, which of them is the smallest, and which rows."""
    own = pool(folder, kind.source)
    generator = np.random.default_rng(seed)
    if kind.source in EMOTIONS:
        names = EMOTIONS[kind.source]
        members = [np.flatnonzero(own.labels == name) for name in names]
    else:
        triples = confusable(folder, kind.source, *kind.pool)
        names = tuple(generator.permutation(triples[kind.first_triple + seed % TRIPLES]))
        members = [np.flatnonzero(own.labels == name) for name in names]
        members.append(np.flatnonzero(~np.isin(own.labels, names)))
    members = [generator.permutation(places) for places in members]
    sizes = [part * kind.smallest for part in kind.ratio]
    small = [places[size:][:MOST_TEST_ROWS] for places, size in zip(members[:3], sizes[:3], strict=True)]
    share = kind.ratio[3] / sum(kind.ratio[:3])
    background = members[3][sizes[3] :][: round(share * sum(map(len, small)))]
    test = [*small, background]
    return Problem(
        pool=own,
        train=np.concatenate([places[:size] for places, size in zip(members, sizes, strict=True)]),
        train_labels=np.repeat(np.arange(4), sizes),
        test=np.concatenate(test),
        test_labels=np.repeat(np.arange(4), [len(places) for places in test]),
    )
