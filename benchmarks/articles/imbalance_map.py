"""A picture of what `method="cluster"` does to embeddings: held-out rows before and after, with the centroids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from imbalance_problems import Kind, draw

from classwright_tools.learning.imbalance import cluster
from classwright_tools.learning.imbalance.clusters import split_classes, unit_means
from classwright_tools.learning.imbalance.networks import AdapterNetwork, embed_all

FIGURE = Path(__file__).parents[2] / "docs" / "methods" / "cluster.png"
BACKGROUND_ROWS = 500
COLOURS = ("tab:red", "tab:blue", "tab:green", "lightgrey")


def draw_map(data: Path, kind: Kind, seed: int = 0) -> None:
    """Draw the held-out rows of one problem of `kind`, by t-SNE, to `docs/methods/cluster.png`."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot
    from sklearn.manifold import TSNE

    problem = draw(data, kind, seed)
    embeddings = torch.from_numpy(problem.pool.embeddings)
    inputs, labels = embeddings[problem.train], torch.from_numpy(problem.train_labels)
    torch.manual_seed(seed)
    network = AdapterNetwork(inputs.shape[1])
    training = cluster.ClusterTraining(network, inputs, labels, seed)
    learned = training.learn_embedding(cluster.EMBEDDING_STEPS, lambda _: None)
    training.train_classifier(learned, cluster.HEAD_STEPS, lambda _: None)
    small = np.flatnonzero(problem.test_labels < 3)
    shown = np.concatenate([small, np.flatnonzero(problem.test_labels == 3)[:BACKGROUND_ROWS]])
    classes, places = problem.test_labels[shown], problem.test[shown]
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    for side, title, train, test in (
        (axes[0], "frozen encoder", inputs, embeddings[places]),
        (axes[1], "trained", embed_all(network, inputs), embed_all(network, embeddings[places])),
    ):
        clusters = split_classes(train, labels)
        centroids = unit_means(train, clusters.of_row, len(clusters.label))
        points = TSNE(init="pca", random_state=seed).fit_transform(torch.cat([test, centroids]).numpy())
        of_class = np.concatenate([classes, clusters.label.numpy()])
        for number in (3, 0, 1, 2):
            name = f"small class {number + 1}" if number < 3 else "background"
            rows = np.flatnonzero(of_class == number)
            own = points[rows[rows < len(classes)]]
            side.scatter(*own.T, s=8, color=COLOURS[number], label=name)
        side.scatter(*points[len(classes) :].T, marker="x", s=30, color="black", label="centroids")
        side.set(title=title, xticks=[], yticks=[])
    axes[1].legend(loc="best", fontsize=7)
    figure.savefig(FIGURE, dpi=90)
    pyplot.close(figure)
