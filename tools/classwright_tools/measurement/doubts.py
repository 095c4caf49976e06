"""A classifier's answers to every row of a dataset, and the rows' places on a map: computed once, kept in a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.selection import LabelDoubt
from classwright_tools.measurement.kept_files import keep_file, kept_file
from classwright_tools.workspace.workspace import Workspace

MOST_GUESSES = 9
"""The likeliest labels of a row that are kept: as many as there are keys for."""
UNSURE_BELOW = 0.2
"""A row is unsure where its two likeliest labels are this close."""
NOTHING = np.iinfo(np.uint16).max
"""Stands where a row was given no answer."""


@dataclass(frozen=True)
class Doubts:
    """Answers to the n rows of a dataset, in its order, by places in `labels`.

    `guesses` (n, g) are the likeliest labels, best first, and `chances` (n, g) their probabilities, `own` (n,) that of
    the row's own label. `suspect` (n,) tells which labels are probably wrong. `places` (n, 2) are on the map, 0 to 1.
    Rows without an answer, such as test rows, have `NOTHING` for guesses.
    """

    labels: NDArray[np.str_]
    guesses: NDArray[np.uint16]
    chances: NDArray[np.float32]
    own: NDArray[np.float32]
    suspect: NDArray[np.bool_]
    places: NDArray[np.float32]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which rows (n,) were given an answer."""
        known: NDArray[np.bool_] = self.guesses[:, 0] != NOTHING
        return known

    @property
    def doubt(self) -> NDArray[np.float32]:
        """How much each row (n,) is worth a look, -1 to 1: the probability of the likeliest other label less its own.

        A row without a label is worth the more the closer its two likeliest labels are: 0 at most. Rows without an
        answer come last.
        """
        first, second = self._two_likeliest
        found = np.where(self.of_kind("disagrees"), first - self.own, second - first)
        return np.where(self.answered, found, -2.0).astype(np.float32)

    def in_words(self, place: int) -> str:
        """Return the answer to the row at `place` in words."""
        first = zip(self.labels[self.guesses[place, :2]].tolist(), self.chances[place, :2].tolist(), strict=True)
        words = f"likeliest: {' or '.join(f'{label} {chance:.2f}' for label, chance in first)}"
        own = self.own[place]
        return words if np.isnan(own) or own in self.chances[place, :2] else f"{words}; its own label {own:.2f}"

    def of_kind(self, kind: LabelDoubt) -> NDArray[np.bool_]:
        """Return which rows (n,) are in doubt in one way.

        Another label than the row's is likelier ("disagrees"), its label is probably wrong ("suspect"), or the two
        likeliest labels are within `UNSURE_BELOW` ("unsure").
        """
        first, second = self._two_likeliest
        found: NDArray[np.bool_] = {
            "disagrees": ~np.isnan(self.own) & (self.own < first),
            "suspect": self.suspect,
            "unsure": first - second < UNSURE_BELOW,
        }[kind]
        return found & self.answered

    @property
    def _two_likeliest(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The probabilities (n,) of each row's two likeliest labels; of one label alone the second is 0."""
        first = self.chances[:, 0]
        return first, self.chances[:, 1] if self.chances.shape[1] > 1 else np.zeros_like(first)


def read_doubts(workspace: Workspace, dataset: str, model: str | None) -> Doubts | None:
    """Return what was computed for a dataset with a model, or without one; None if nothing was, or it is damaged."""
    try:
        with np.load(doubts_file(workspace, dataset, model), allow_pickle=False) as stored:
            return Doubts(**{field.name: stored[field.name] for field in fields(Doubts)})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def keep_doubts(workspace: Workspace, dataset: str, model: str | None, doubts: Doubts) -> None:
    """Write `doubts`, whole or not at all."""
    arrays: dict[str, Any] = {field.name: getattr(doubts, field.name) for field in fields(Doubts)}

    def write(path: Path) -> None:
        with path.open("wb") as file:  # by its name numpy would add an ending
            np.savez(file, **arrays)

    keep_file(doubts_file(workspace, dataset, model), write)


def doubts_file(workspace: Workspace, dataset: str, model: str | None) -> Path:
    """Return where they are; the ids are those of artifacts, which the caller has looked up."""
    return kept_file(workspace, f"{dataset}.{model or 'alone'}.npz")
