"""The matcher of an export, as `classwright.predict` runs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.encoders import read_encoder
from classwright_tools.learning.matching.matcher import Matcher
from classwright_tools.learning.model import ENCODER


class MatcherEngine:
    """A matcher with its encoder."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """Open the export in `folder`; `facts` are those of its `labels.json`."""
        self._matcher = Matcher.load(folder, read_encoder(folder / ENCODER, "encoder"))
        self._temperature, self._offsets = facts["temperature"], np.array(facts["offsets"])

    def answers(self, texts: Sequence[tuple[str, str]], batch: int) -> tuple[np.ndarray, None]:  # noqa: ARG002  # its own
        """Return the probabilities (n, k) of pairs, which have no scope."""
        logits = self._matcher.logits([query for query, _ in texts], [item for _, item in texts])
        return softmax(logits / self._temperature + self._offsets), None
