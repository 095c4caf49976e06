"""The generator's queries under each objective: how near they are to the own query and to the item."""

from __future__ import annotations

import numpy as np
import torch
from pair_ways import MISMATCH, OBJECTIVES, Problem, negatives_of
from runs import Figures
from variants.negatives import VectorOverwriting

from classwright_tools.learning.matching.descent import Training
from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.matcher import build_network
from classwright_tools.learning.matching.negatives.generator import LATENT, QueryGenerator
from classwright_tools.learning.matching.partner import fit_partner
from classwright_tools.learning.matching.settings import MatcherSettings


def measure_generator(problem: Problem, objective: str) -> Figures:
    """Return the mean cosine of generated queries to own queries and items after training, and P(mismatch) of them."""
    _, _, rows, lexical = problem.lexical
    settings = MatcherSettings(parts=("pooled",), negatives=negatives_of("generated"), ensemble=False)
    setup, scaling, n = problem.setup, FeatureScaling.fit(lexical), len(problem.rows.labelled)
    partner = fit_partner(rows.table, rows.queries[:n], rows.items[:n], rows.labels[:n], 2, None)
    overwriting = VectorOverwriting(rows, MISMATCH, settings.negatives, partner.over(rows.table), problem.seed)
    torch.manual_seed(problem.seed)
    network = build_network(settings.parts, setup.encoder, None, setup.k)
    training = Training(rows, scaling, scaling.of(lexical), settings, setup.k, setup.progress)
    OBJECTIVES[objective](training, overwriting, problem.seed).run(network)
    return _nearness(overwriting.generator, training)


def _nearness(generator: QueryGenerator, training: Training) -> Figures:
    rows = training.rows
    matches = np.flatnonzero(rows.labels != MISMATCH)
    own = rows.table.query_embeddings[rows.queries[matches]]
    items = rows.table.item_embeddings[rows.items[matches]]
    with torch.no_grad():
        made = generator(own, items, torch.randn(len(matches), LATENT)).queries
    return {
        "to_query": float((made * own).sum(dim=1).mean()),
        "to_item": float((made * items).sum(dim=1).mean()),
    }
