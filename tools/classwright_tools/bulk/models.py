"""The classifier of a bulk run: an export, by its folder or its id, or a model of the workspace by its id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classwright.predict import ENGINES, FACTS, Classifier, Predictions, given_thresholds
from classwright_tools.domain.kinds import kind_of
from classwright_tools.domain.pair import joined
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.encoder_digest import encoder_digest, file_sha256

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Workspace


class Predictor(Protocol):
    """A classifier of texts, or of pairs."""

    labels: tuple[str, ...]
    """In the order of the probabilities' columns."""
    threshold: float
    """The probability below which an answer is not sure."""
    takes_pairs: bool
    mismatch: str | None
    """The label of pairs that do not belong together; None where none is named."""
    sure_from: Sequence[float | None]
    """Where a text may have several labels: from which probability on each is sure by itself, one a label."""

    usual: dict[str, Any]
    """How it answered rows held out: the fields of a `Usual`."""

    @property
    def label_thresholds(self) -> Mapping[str, float]:
        """The thresholds of labels that it has by default, which it was exported with."""
        ...

    @property
    def several(self) -> bool:
        """Whether a text may have several labels."""
        ...

    def predict_with_confidence(
        self,
        texts: Sequence[str | tuple[str, str]],
        *,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> tuple[Predictions, np.ndarray]:
        """Return the answers to n texts or pairs, none of them empty, as `Classifier.predict_with_confidence` does."""
        ...


class _StoredModel:
    """A model of the workspace. Its `identity` is what its card says, the digests of its files among it."""

    def __init__(self, workspace: Workspace, model_id: str) -> None:
        from classwright_tools.learning.later_labels import by_now
        from classwright_tools.learning.model import load_model
        from classwright_tools.measurement.unlike_measured import usual_of

        self._model = by_now(workspace, load_model(workspace, model_id, remember=False))
        self.labels = self._model.labels
        self.threshold = self._model.threshold
        self.label_thresholds: Mapping[str, float] = {}
        self.takes_pairs = self._model.card.kind == "pair"
        self.mismatch = self._model.card.mismatch
        self.several = self._model.space.several
        self.sure_from: Sequence[float | None] = self._model.sure_from
        self.usual = usual_of(self._model.card).model_dump()
        self.identity = f"{self._model.card.model_dump_json()} {self._model.names}"

    def predict_with_confidence(
        self,
        texts: Sequence[str | tuple[str, str]],
        *,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> tuple[Predictions, np.ndarray]:
        """Return the answers to n texts or pairs, and how probable it is that each of them is right (n,)."""
        proba, foreign = self._model.answers([text if isinstance(text, str) else joined(*text) for text in texts])
        space = self._model.space.under(thresholds or {})
        judged = space.judge(proba, foreign, self.threshold if threshold is None else threshold)
        return Predictions([*judged.answers], proba, judged.sure, foreign), judged.right


def thresholds_in(arguments: Sequence[str]) -> tuple[float | None, dict[str, float]]:
    """Return the threshold of all answers and those of labels in `arguments`, as an export's program reads them.

    Raises:
        InvalidInput: one is no probability, names no label before its =, or is given twice.
    """
    try:
        return given_thresholds(arguments)
    except ValueError as error:
        reason, _, repair = str(error).rpartition(": ")
        raise InvalidInput("`--threshold`", reason, f"{repair[:1].upper()}{repair[1:]}") from error


def open_predictor(
    name: str, workspace: Path, engine: str = ENGINES[0], index_url: str | None = None, schema: str | None = None
) -> Predictor:
    """Return the classifier `name`: the folder of an export, or the id of an export or a model in `workspace`.

    `index_url` is the PostgreSQL of its index, if that is not in its folder, and `schema` where in it.

    An export with a graph is the fastest, and needs no torch. `engine` is one of `classwright.predict.ENGINES`.

    Raises:
        NotFound: there is no such artifact.
        DamagedArtifact: it does not read back.
        InvalidInput: it is no classifier, or a library that it runs with is not installed.
    """
    kind = kind_of(name)
    if kind is None or Path(name).is_dir():
        return open_export(Path(name), engine, "Name the folder of an export, or the id of an export or a model.")
    from classwright_tools.workspace.workspace import Workspace  # of the server; a folder is opened without it

    stored = Workspace(workspace, index_url, schema)
    if kind.name == "model":
        if engine != ENGINES[0]:
            raise InvalidInput(
                f"model {name!r}",
                f"has no engine {engine!r}: exports have",
                "Export it, with student=true for a student, and name the export.",
            )
        return _StoredModel(stored, name)
    return open_export(stored.artifact(name, "export").path, engine)


def identity_of(model: Predictor) -> str:
    """Return what another `model` of the same name and labels has otherwise: what its files hold, and its engine."""
    if isinstance(model, _StoredModel):
        return model.identity
    if isinstance(model, Classifier):
        files = [model.folder / FACTS, *sorted(model.folder.glob("*.onnx"))]
        held = " ".join([encoder_digest(model.folder), *map(file_sha256, files)])
        return f"{model.engine} {hashlib.sha256(held.encode()).hexdigest()}"
    return ""


def open_export(folder: Path, engine: str, repair: str = "Name the folder of an export.") -> Classifier:
    """Return the export in `folder`, to be computed by one of `classwright.predict.ENGINES`.

    `repair` is what the caller may name instead.

    Raises:
        InvalidInput: it is none or cannot be opened, or a library that it runs with is not installed.
    """
    try:
        return Classifier(folder, engine)
    except (ValueError, ImportError) as error:
        raise InvalidInput(
            f"model {folder.name!r}",
            f"cannot be opened ({str(error).rstrip('.')})",
            repair,
        ) from error
