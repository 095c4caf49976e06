"""A classifier's answers to every row of a dataset, and the rows' places on a map: computed once, kept in a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.label_sets import labels_in_words
from classwright_tools.domain.selection import LabelDoubt
from classwright_tools.measurement.kept_files import keep_file, kept_file
from classwright_tools.workspace.workspace import Workspace

MOST_GUESSES = 9
"""The likeliest labels of a row that are kept: as many as there are keys for, or all that it is given."""
LEAST_CHANCE = 0.5
"""From this probability on a label that is told apart is put in for a person to accept; others are only suggested."""
NO_ANSWER = -2.0
"""The doubt about a row that was given no answer: it comes last."""
NOTHING = np.iinfo(np.uint16).max
"""Stands where a row was given no answer."""


@dataclass(frozen=True)
class Doubts:
    """Answers to the n rows of a dataset, in its order, by places in `labels`.

    `guesses` (n, g) are the likeliest labels, best first, and `chances` (n, g) their probabilities; the first `given`
    (n,) of them apply, one where a row has one label. `own` (n,) is the probability of the row's own label, or of the
    least probable of what is said of its labels where it may have several.

    `doubt` (n,) is how much a row is worth a look, -2 where there is no answer. Which rows (n,) are given other labels
    than theirs (`disagrees`), are answered without much being sure (`unsure`), or have a label that a second opinion
    doubts (`suspect`) is told beside it; `second` are the words of that opinion on each suspect row, in their order, ""
    where the answer itself is that opinion. `places` (n, 2) are on the map, 0 to 1; (0, 2) as long as none is drawn.
    Rows without an answer, such as test rows, have `NOTHING` for guesses. `several` () tells whether a row may have
    several labels, and `told` (k,) which labels are told from the others in real rows that were held out.
    """

    labels: NDArray[np.str_]
    guesses: NDArray[np.uint16]
    chances: NDArray[np.float32]
    given: NDArray[np.uint16]
    own: NDArray[np.float32]
    doubt: NDArray[np.float32]
    disagrees: NDArray[np.bool_]
    unsure: NDArray[np.bool_]
    suspect: NDArray[np.bool_]
    places: NDArray[np.float32]
    several: NDArray[np.bool_]
    told: NDArray[np.bool_]
    second: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, np.str_))

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays."""
        return sum(getattr(self, one.name).nbytes for one in fields(self))

    @property
    def has_map(self) -> bool:
        """Whether the rows have places on a map."""
        return len(self.places) == len(self.doubt)

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Which rows (n,) were given an answer."""
        known: NDArray[np.bool_] = self.guesses[:, 0] != NOTHING
        return known

    @cached_property
    def ranked(self) -> NDArray[np.int64]:
        """The places of all rows (n,), the most doubtful first, those in equal doubt in their order."""
        return np.argsort(-self.doubt, kind="stable")

    def suggested(self, place: int) -> tuple[str, ...]:
        """Return the label, or all labels, that the row at `place` was given."""
        return tuple(self.labels[self.guesses[place, : self.given[place]]].tolist()) if self.answered[place] else ()

    def sure(self, place: int) -> tuple[str, ...]:
        """Return those of the suggested labels that a person may accept without having chosen them."""
        given = self.guesses[place, : self.given[place]] if self.answered[place] else self.guesses[place, :0]
        known = self.told[given] & (self.chances[place, : len(given)] >= LEAST_CHANCE)
        return tuple(self.labels[given[known]].tolist())

    def gave(self, label: str) -> NDArray[np.bool_]:
        """Return which rows (n,) were given `label`."""
        found = np.append(self.labels, "")[np.minimum(self.guesses, len(self.labels))] == label
        found &= np.arange(found.shape[1]) < self.given[:, None]
        given: NDArray[np.bool_] = found.any(axis=1) & self.answered
        return given

    def in_words(self, place: int) -> str:
        """Return the answer to the row at `place` in words."""
        shown = self.given[place] if self.several else 2
        first = list(zip(self.labels[self.guesses[place, :shown]], self.chances[place, :shown].tolist(), strict=True))
        chances = [f"{label} {chance:.2f}" for label, chance in first]
        if self.several:
            return f"given: {labels_in_words(chances)}{self._doubted(place)}"
        words = f"likeliest: {' or '.join(chances)}"
        own = self.own[place]
        words += "" if np.isnan(own) or own in self.chances[place, :2] else f"; its own label {own:.2f}"
        return words + self._doubted(place)

    def _doubted(self, place: int) -> str:
        """Return what the second opinion says of the row at `place`, where that is another than the answer's."""
        if not (self.suspect[place] and len(self.second)):
            return ""
        said = self.second[np.count_nonzero(self.suspect[:place])]
        return f"; doubted by a probe: {said}" if said else ""

    def of_kind(self, kind: LabelDoubt) -> NDArray[np.bool_]:
        """Return which rows (n,) are in doubt in one way."""
        found: NDArray[np.bool_] = getattr(self, kind)
        return found & self.answered


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
