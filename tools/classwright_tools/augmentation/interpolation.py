"""New embeddings between those of one label: SMOTE and mixup."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.space import Floats, unit_length

NEIGHBOURS = 5  # Chawla and others 2002, "SMOTE", section 4.2
MIXUP_SHAPE = 0.4  # of the Beta distribution of the shares; Zhang and others 2018, "mixup", section 3.1: 0.1 to 0.4


def smote_rows(
    embeddings: Floats, labels: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64], seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return unit-length embeddings (m, d) and their labels (m,), `wanted` (K,) of each label.

    Each lies between a row of `embeddings` (n, d) and one of its `NEIGHBOURS` nearest of the same label; `labels` (n,)
    are numbers under K. A label needs two rows. (imbalanced-learn's SMOTE, a label at a time.)
    """
    from imblearn.over_sampling import SMOTE

    made, made_labels = [], []
    for label, count in enumerate(wanted):
        if not count:
            continue
        rows = np.asarray(embeddings[labels == label], np.float32)
        # The library fills a small class up to the size of a large one: the large one here is made of nothing else.
        others = np.zeros((len(rows) + count, rows.shape[1]), np.float32)
        sampler = SMOTE(k_neighbors=min(NEIGHBOURS, len(rows) - 1), random_state=seed + label)
        names = np.repeat([0, 1], [len(rows), len(others)])
        filled, _ = sampler.fit_resample(np.concatenate([rows, others]), names)
        made.append(filled[len(rows) + len(others) :])
        made_labels.append(np.full(count, label))
    return unit_length(np.concatenate(made)), np.concatenate(made_labels)


def mixed_rows(
    embeddings: Floats, labels: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32], seed: int
) -> npt.NDArray[np.float32]:
    """Return a unit-length embedding (m, d) for each label vector of `wanted` (m, K), mixed of two rows that have it.

    `embeddings` (n, d) have the label vectors `labels` (n, K); a share from Beta(0.4, 0.4) goes to one of the two.
    """
    generator = np.random.default_rng(seed)
    made = np.zeros((len(wanted), embeddings.shape[1]), np.float32)
    for key in np.unique(wanted, axis=0):
        places = np.flatnonzero((wanted == key).all(axis=1))
        rows = embeddings[(labels == key).all(axis=1)]
        pairs = rows[generator.integers(0, len(rows), (2, len(places)))]
        share = generator.beta(MIXUP_SHAPE, MIXUP_SHAPE, len(places))[:, None]
        made[places] = share * pairs[0] + (1 - share) * pairs[1]
    return unit_length(made)
