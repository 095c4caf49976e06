"""What the tests of augmentation share: made clouds of embeddings, and a workspace with scarce rows and a corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from torch import Tensor

from classwright_tools.augmentation import gan_losses, gan_training
from classwright_tools.augmentation.gan_fitting import Pretrained, fit_gan
from classwright_tools.augmentation.gan_form import GanForm
from classwright_tools.augmentation.gan_training import TUNING, train_networks
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.space import unit_length
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.paths import BANKING12

DIMENSIONS = 32
NAMES = ("no", "yes", "maybe")
TWO = ("no", "yes")
SHORT = GanForm(pretraining_steps=60, tuning_steps=20, stopping_rows=10_000)
LONG = replace(SHORT, pretraining_steps=150)
BANKING = BANKING12
CORPUS_ROWS = 180

Vectors = npt.NDArray[np.float32]


def clouds(rows: int, seed: int, labels: int = 2, shift: float = 0.0) -> tuple[Vectors, Vectors]:
    """Unit-length embeddings (labels * rows, 32) in a cloud a label, and their one-hot vectors."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((labels, DIMENSIONS)) + 2.0
    numbers = np.repeat(np.arange(labels), rows)
    points = centres[numbers] + generator.standard_normal((len(numbers), DIMENSIONS))
    points[:, 0] += shift
    return unit_length(points), np.eye(labels, dtype=np.float32)[numbers]


def one_hot(counts: tuple[int, ...]) -> Vectors:
    """Label vectors with `counts` of each label."""
    return np.eye(len(counts), dtype=np.float32)[np.repeat(np.arange(len(counts)), counts)]


def accuracy_of_generated(form: GanForm, corpus: Pretrained | None, rows: int = 12) -> float:
    """The accuracy on fresh real rows of a classifier of generated rows alone."""
    scarce, labels = clouds(rows, seed=5)
    wanted = one_hot((200, 200))
    made = fit_gan(scarce, labels, TWO, corpus, form, 0).draw(wanted, 0)
    real, real_labels = clouds(300, seed=6)
    return float((fit_helper(made, wanted).labels_of(real) == real_labels).all(axis=1).mean())


def losses_seen(monkeypatch: pytest.MonkeyPatch, form: GanForm) -> tuple[list[float], list[Tensor]]:
    """The targets of the cross-entropies of one training, and the real codes that the discriminator saw."""
    targets: list[float] = []
    codes: list[Tensor] = []
    original: Callable[..., Tensor] = gan_losses.binary_cross_entropy_with_logits
    forward = gan_losses.Discriminator.forward

    def noting_loss(scores: Tensor, target: Tensor) -> Tensor:
        targets.append(float(target[0]))
        return original(scores, target)

    def noting_forward(self: gan_losses.Discriminator, x: Tensor, y: Tensor) -> Tensor:
        codes.append(x.detach().clone())
        return forward(self, x, y)

    monkeypatch.setattr(gan_losses, "binary_cross_entropy_with_logits", noting_loss)
    monkeypatch.setattr(gan_losses.Discriminator, "forward", noting_forward)
    vectors = np.random.default_rng(0).standard_normal((1, 8)).astype(np.float32)
    helper = fit_helper(np.eye(8, dtype=np.float32), one_hot((4, 4)))
    train_networks(form.networks(8, 2, 0), vectors, one_hot((1, 0)), helper, form, TUNING, 2, 0)
    return targets, [both[: gan_training.BATCH] for both in codes[::2]]


def banking_texts(split: str = "validation") -> list[tuple[str, str]]:
    """The real texts of the demo's split, with their labels."""
    lines = (BANKING / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["text"], row["label"]) for row in map(json.loads, lines)]


def save_banking(workspace: Workspace, labels: tuple[str, ...], rows: int, slug: str = "bank") -> str:
    """Save a task of some labels with their first `rows` texts each as training rows; return the dataset's id."""
    workspace.save_task(
        Task(slug=slug, instruction="what the customer wants", labels=tuple(Label(name=name) for name in labels))
    )
    by_label = {name: [text for text, label in banking_texts() if label == name][:rows] for name in labels}
    examples = [make_example(text, name) for name, texts in by_label.items() for text in texts]
    return save_dataset(
        workspace, slug, {"train": examples}, parent=None, run_key=f"{slug} {rows} rows", made_by="import_examples"
    ).id


def save_corpus(workspace: Workspace, slug: str = "corpus") -> str:
    """Save `CORPUS_ROWS` of the demo's real test texts, of all labels, as a corpus of its own task; return its id."""
    all_texts = banking_texts("test")
    names = sorted({label for _, label in all_texts})
    texts = [one for name in names for one in [one for one in all_texts if one[1] == name][: CORPUS_ROWS // len(names)]]
    workspace.save_task(
        Task(slug=slug, instruction="what the customer wants", labels=tuple(Label(name=name) for name in names))
    )
    return save_dataset(
        workspace,
        slug,
        {"train": [make_example(text, label) for text, label in texts]},
        parent=None,
        run_key=f"{slug} rows",
        made_by="import_examples",
    ).id
