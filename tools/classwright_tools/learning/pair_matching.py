"""Matchers of pairs as classifiers of joined pairs: the technique of `matching/` meets the rows of a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np

from classwright_tools.learning.classifier import OtherShapes, Tell
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.matching.descent import BATCH
from classwright_tools.learning.matching.fit import fit_matcher
from classwright_tools.learning.matching.matcher import Attention, Matcher
from classwright_tools.learning.matching.pairs import Pairs, make_pairs
from classwright_tools.learning.matching.settings import MatcherSettings, NegativeSettings
from classwright_tools.learning.pair_encoder import encoder_for, pair_columns, text_encoder
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup


@dataclass(frozen=True)
class PairClassifier:
    """A matcher, which reads the tokens and words of joined pairs itself."""

    matcher: Matcher
    tuned: bool = False

    @property
    def encoder(self) -> Encoder:
        """The frozen encoder that the matcher reads tokens and texts with, as it embeds pairs."""
        return encoder_for("pair", self.matcher.encoder)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the features (n, 4 d), float32, of the joined pairs `texts`."""
        return self.encoder.embed(texts, self.matcher.cache)

    def logits(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:  # noqa: ARG002  # it cannot
        """Return the uncalibrated logits (n, k) of the joined pairs `texts`."""
        return self.matcher.logits(*pair_columns(texts))

    def attention(self, content: str) -> Attention:
        """Return where the matcher looked in a joined pair.

        Raises:
            InvalidInput: one of its texts has no word.
        """
        (query,), (item,) = pair_columns([content])
        return self.matcher.attention(query, item)

    def save(self, folder: Path) -> None:
        """Write the matcher into `folder`."""
        self.matcher.save(folder)

    @staticmethod
    def load(folder: Path, encoder: Encoder, k: int, cache: EmbeddingCache | None) -> PairClassifier:
        """Return the classifier of `k` labels that `save` wrote.

        Raises:
            OtherShapes: it is of another number of labels.
        """
        matcher = Matcher.load(folder, text_encoder(encoder), cache)
        if matcher.k != k:
            raise OtherShapes
        return PairClassifier(matcher)


def fit_pair_matcher(rows: Rows, setup: Setup) -> PairClassifier:
    """Return the matcher of `rows`, whose texts are joined pairs, with the negatives that the setup names.

    The setup must be that of a pair task with a mismatch.

    Raises:
        NotEnoughData: fewer than two rows are a mismatch, or fewer than two are not.
    """
    about = setup.pairs
    assert about is not None
    assert about.mismatch is not None
    mix = tuple((kind, count / len(about.negatives)) for kind, count in Counter(about.negatives).items())
    settings = MatcherSettings(mismatch=about.mismatch, negatives=NegativeSettings(mix=mix, mining=about.mining))
    if setup.epochs:
        steps_a_pass = ceil((len(rows) + len(about.unlabelled)) / BATCH)
        settings = replace(settings, steps=setup.epochs * steps_a_pass)
    own = replace(setup, encoder=text_encoder(setup.encoder))
    taken_for = np.full(len(about.unlabelled), about.unlabelled_as)
    unlabelled = _pairs(about.unlabelled, taken_for) if about.unlabelled else None
    return PairClassifier(fit_matcher(_pairs(rows.texts, rows.labels), own, settings, unlabelled))


def _pairs(texts: Sequence[str], labels: np.ndarray) -> Pairs:
    queries, items = pair_columns(texts)
    return make_pairs(queries, items, labels)
