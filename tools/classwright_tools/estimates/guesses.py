"""The guesses of durations where nothing of the kind was measured yet: seconds of one core of a server.

What is measured on this machine corrects them: see `expectation`. A method that another package brings has none.
"""

from __future__ import annotations

from classwright_tools.estimates.parts import Guess

MINILM_MB = 90
"""Weights of the default encoder, by which the guesses for others are scaled."""
ENCODING = Guess(each=0.01, unit=7e-5)
"""Of MiniLM; a time is a chunk of texts, a unit a byte."""
LOADED = Guess(each=6.0, unit=0.0)
FITS = {
    "probe": Guess(each=0.08, unit=1.1e-4),
    "probe, imbalance 'auto',": Guess(each=2.3, unit=6e-5),
    "contrastive": Guess(each=1.0, unit=2e-4),
    "finetune": Guess(each=1.0, unit=2e-4),
    "setfit": Guess(each=1.0, unit=8e-3),
    "cluster": Guess(each=2.0, unit=5e-3),
    "matcher": Guess(each=8.5, unit=0.01),
}
OWN = {
    "train_classifier": Guess(each=0.2, unit=2e-4),
    "evaluate": Guess(each=0.2, unit=5e-4),
    "error_analysis": Guess(each=2.0, unit=3e-3),
    "gan_augment": Guess(each=20.0, unit=0.05),
    "export_model": Guess(each=5.0, unit=0.1),
}
"""What else the tools do; a unit is a row, of an export a megabyte of weights."""
LIBRARIES_MB = 700
"""Memory of a process that has loaded what embeds and trains."""
FROZEN_COPIES, TUNED_COPIES = 2, 6
"""Memory beside that, in weights of the encoder: tuned there are gradients, two moments, and what is between layers."""
