"""Training of a matcher from labelled pairs, few of them mismatches, and from matches that nobody has looked at."""

from __future__ import annotations

from functools import partial

import numpy as np

from classwright_tools.domain.excerpt import counted
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.matching.alignment import fit_alignment
from classwright_tools.learning.matching.descent import Descent, Training
from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.matcher import Matcher, build_network
from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.negatives.overwriting import Overwriting
from classwright_tools.learning.matching.pairs import Pairs
from classwright_tools.learning.matching.partner import fit_partner
from classwright_tools.learning.matching.settings import MatcherSettings
from classwright_tools.learning.matching.table import PairTable, Vocabulary
from classwright_tools.learning.setup import Progress, Setup
from classwright_tools.learning.torch_state import one_thread, seeded

LEAST_ROWS = 2  # of each of two labels


def fit_matcher(
    pairs: Pairs,
    setup: Setup,
    settings: MatcherSettings,
    unlabelled: Pairs | None = None,
    *,
    overwriting: type[Overwriting] = Overwriting,
    descent: type[Descent] = Descent,
) -> Matcher:
    """Return a matcher trained on labelled `pairs` and on `unlabelled` ones.

    The labels of `unlabelled` are what the rows are taken for without anyone having looked, such as the match for
    purchases. Negatives are made from them and from all labelled rows that are not a mismatch. What teaches and
    partners the network, a logistic regression on lexical features, learns from the labelled pairs alone. Variants of
    the technique are given by `overwriting` and `descent`.

    Raises:
        InvalidInput: the mismatch is not one of the `setup.k` labels.
        NotEnoughData: fewer than two rows are a mismatch, or fewer than two are not.
        Cancelled: `setup.progress` was asked to stop.
    """
    _check(pairs, setup.k, settings)
    rows = pairs.and_also(unlabelled) if unlabelled else pairs
    tell = partial(_tell_embedding, setup.progress)
    texts = tuple(dict.fromkeys((*rows.queries, *rows.items)))
    vocabulary = Vocabulary.fit(texts, settings.parts, setup.encoder, setup.cache, tell)
    table = PairTable.of(rows.queries, rows.items, vocabulary, setup.encoder, setup.cache, tell)
    queries, items = table.places(rows.queries, rows.items)
    placed = PlacedRows(table, queries, items, rows.labels)
    lexical = table.lexical(queries, items)
    scaling = FeatureScaling.fit(lexical)
    training = Training(placed, scaling, scaling.of(lexical), settings, setup.k, setup.progress)
    n = len(pairs)
    with one_thread():
        wanted = settings.ensemble or settings.negatives.generated
        alignment = fit_alignment(table, queries[n:], items[n:], setup.seed) if wanted else None
        partner = fit_partner(table, queries[:n], items[:n], pairs.labels, setup.k, alignment)
        seed = setup.seed * 1000  # as the tables of the benchmarks were made
        drawing = overwriting(placed, settings.mismatch, settings.negatives, partner.over(table), seed)
        with seeded(seed):
            network = build_network(settings.parts, setup.encoder, vocabulary.projection, setup.k)
        descent(training, drawing, seed).run(network)
    return Matcher(
        encoder=setup.encoder,
        parts=settings.parts,
        k=setup.k,
        vocabulary=vocabulary,
        scaling=scaling,
        network=network,
        partner=partner if settings.ensemble else None,
        cache=setup.cache,
    )


def _tell_embedding(progress: Progress, done: float) -> None:
    """Report the share `done` of texts or tokens that are embedded; next to the training it counts as nothing."""
    progress(0.0, f"embedding queries and items, {done:.0%}")


def _check(pairs: Pairs, k: int, settings: MatcherSettings) -> None:
    if not 0 <= settings.mismatch < k:
        raise InvalidInput(
            f"the mismatch, label number {settings.mismatch},", f"is not one of the {k} labels", "Name a label."
        )
    mismatches = int(np.sum(pairs.labels == settings.mismatch))
    if min(mismatches, len(pairs) - mismatches) < LEAST_ROWS:
        raise NotEnoughData(
            "the pairs",
            f"hold {counted(mismatches, 'mismatch', 'mismatches')} and {counted(len(pairs) - mismatches, 'other')}",
            f"Give at least {LEAST_ROWS} of both; a few dozen mismatches make a useful matcher.",
        )
