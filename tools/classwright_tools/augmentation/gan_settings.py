"""Settings of the conditional GAN: its parts, and how long it trains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GanSettings:
    """The four modifications of the article, what was added to them, and the lengths of the two trainings.

    `consistency`: the generator must agree with a classifier that was trained on the real rows alone.
    `pretraining`: the networks start from a training on a large other corpus, where one is given.
    `fresh_noise`: each real row gets new noise each time that it is seen.
    `smoothing`: real rows have the target 0.9 instead of 1; generated ones keep 0.
    `gaussian_start`: the generator starts as the Gaussian of each label, instead of a plain network.
    `joint`: the article's literal form, in which the generator draws the label vector too.
    `label_balance`: with `joint`, the drawn labels must be as frequent as each other.
    `filler`: dropped directions are filled with noise when a code becomes an embedding.
    `moved_means`: before fine-tuning, a label's mean moves onto the mean of its scarce rows instead of staying where
    pre-training put it.
    `early_stop`: the number of fine-tuning steps is the one that helps most on rows held out of it.
    """

    consistency: bool = True
    pretraining: bool = True
    fresh_noise: bool = True
    smoothing: bool = True
    gaussian_start: bool = True
    joint: bool = False
    label_balance: bool = True
    filler: bool = True
    moved_means: bool = False
    early_stop: bool = True
    pretraining_steps: int = 1000
    tuning_steps: int = 100


PLAIN = GanSettings(
    consistency=False,
    pretraining=False,
    fresh_noise=False,
    smoothing=False,
    gaussian_start=False,
    early_stop=False,
)
"""The GAN before the article's modifications: a plain conditional network."""
