"""A student in an export: taught by the model, measured on rows that it was not taught, with the cut of a cascade."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from classwright.predict import load
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotEnoughData, NotFound
from classwright_tools.export.quantised import LEAST_ROWS, MOST_ROWS, CheckRows
from classwright_tools.learning.calibration import softmax, temperature_towards
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.exports.export import LABELS
from classwright_tools.learning.exports.student_graph import save_student
from classwright_tools.learning.model import Model
from classwright_tools.learning.student import first_table, taught
from classwright_tools.learning.windows import windows_of
from classwright_tools.measurement.caveats import estimate_in_words
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar
from classwright_tools.statistics.metrics import share
from classwright_tools.statistics.told_thresholds import last_of_equal
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace, write_json

STUDENT = "student.onnx"
LEAST_TEXTS = 200
"""With fewer a student learns next to nothing."""
MOST_TEXTS = 20_000
HELD_BACK = 5
"""One text in so many is not taught: it sets the temperature and the cut."""
MOST_LOST = 0.003
"""Of the accuracy, by a cascade: 0.3 points."""
HEARD = 0.3
"""The weight of a student's answer beside its model's where a cascade's loss is foreseen. At 0 nearly nothing that is
foreseen is lost, at 0.4 more than that. Chosen on banking77 alone: benchmarks/README.md, "Bulk work"."""

_COMPARED = ("encoder", "student", "cascade")
_LEAST = 1e-9  # a probability whose logarithm is still a number
_SPLITS: tuple[Split, ...] = ("train", "unlabelled")
_SHARES = (0.3, 0.3, 0.4)  # of the time: the model's answers, the first table, and the teaching


def texts_to_teach(workspace: Workspace, card: ModelCard, seed: int) -> list[str]:
    """Return up to `MOST_TEXTS` texts of the model's dataset, those without labels too, in a random order.

    Raises:
        NotEnoughData: there are fewer than `LEAST_TEXTS`.
    """
    try:
        rows = [row.content for split in _SPLITS for row in read_rows(workspace, card.dataset, split)]
    except (NotFound, DamagedArtifact):
        rows = []
    texts = list(dict.fromkeys(rows))
    if len(texts) < LEAST_TEXTS:
        raise NotEnoughData(
            f"dataset {card.dataset!r}",
            f"has {len(texts)} texts, and a student is taught on {LEAST_TEXTS} or more",
            "Import texts without labels with `import_examples`, train again, and export that; or leave `student` out.",
        )
    order = np.random.default_rng(seed).permutation(len(texts))[:MOST_TEXTS]
    return [texts[place] for place in order]


def add_student(
    folder: Path, model: Model, texts: Sequence[str], check: CheckRows, seed: int, tell: Callable[[float], None]
) -> str:
    """Write a student of `model`, taught on `texts`, into its export in `folder`, and say how good it is.

    `labels.json` tells of it and of the cut: the probability below which a cascade asks the encoder. It is that of
    `cascade_threshold`, on texts that the student was not taught.

    Raises:
        InvalidInput: the export has no graph.
    """
    facts = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    if not facts["graph"]:
        raise InvalidInput(
            "student",
            "takes the inputs of the ONNX graph, and this export has none",
            "Leave `student` out, or export a model of single texts with onnx=true.",
        )
    assert isinstance(model.classifier, EmbeddingClassifier)
    own, windows = model.encoder, model.encoder.ref.windows
    tokens = [
        [token for window in read for token in window["input_ids"]] for read in windows_of(own.model, texts, windows)
    ]
    embeddings = model.embed(texts)
    answers = np.asarray(model.probabilities(model.classifier.head.logits(embeddings)))
    tell(_SHARES[0])
    encoder = model.classifier.sentence_transformer()
    table = first_table(encoder, tokens, lambda done: tell(_SHARES[0] + done * _SHARES[1]))
    back = max(1, len(texts) // HELD_BACK)
    student = taught(
        table,
        tokens[back:],
        answers[back:],
        embeddings[back:],
        seed,
        lambda done: tell(1 - _SHARES[2] + done * _SHARES[2]),
    )
    logits = student.logits(tokens[:back])
    temperature = temperature_towards(logits, answers[:back])
    cut = cascade_threshold(softmax(logits / temperature), answers[:back])
    save_student(folder / STUDENT, student.at(temperature), windows=windows > 1)
    write_json(folder / LABELS, facts | {"student": {**facts["graph"], "file": STUDENT, "cut": cut}})
    return _measured(folder, check, texts[:back], len(texts) - back)


def cascade_threshold(student: np.ndarray, model: np.ndarray) -> float:
    """Return the probability of the `student` (n, k) from which on it may answer in the place of the `model`.

    It is halfway between that of the last text which it may answer and the next one.

    Where the two name other labels either may be right, for a student that is sure in spite of its model is a witness
    too. How likely each label is by both together is their logarithmic opinion pool (Genest and Zidek 1986, section
    3.3), in which the student weighs `HEARD`. By it the student's labels are less likely right than the model's; over
    all texts that is `MOST_LOST` at most. It is above 1 where the student had better never answer.
    """
    pooled = softmax((1 - HEARD) * np.log(model + _LEAST) + HEARD * np.log(student + _LEAST))
    texts = np.arange(len(model))
    sure = student.max(axis=1)
    lost = pooled[texts, model.argmax(axis=1)] - pooled[texts, student.argmax(axis=1)]
    order = np.argsort(-sure, kind="stable")
    fits = (np.cumsum(lost[order]) / len(order) <= MOST_LOST) & last_of_equal(sure[order])
    if not fits.any():
        return 2.0
    lowest = float(sure[order][np.flatnonzero(fits)[-1]])
    below = float(sure[sure < lowest].max(initial=0.0))
    between = (lowest + below) / 2  # on no text, which batches would round away
    return between if between > below else lowest  # of neighbouring numbers halfway is one of them


def _measured(folder: Path, check: CheckRows, back: Sequence[str], taught_on: int) -> str:
    """Return in words how good the student and the cascade are, on validation rows where there are enough."""
    enough = len(check.held_out) >= LEAST_ROWS
    texts = (list(check.held_out) if enough else list(back))[:MOST_ROWS]
    found = {engine: load(folder, engine=engine).predict(texts) for engine in _COMPARED}
    answers = check.answers[:MOST_ROWS] if enough else found["encoder"].labels
    right = {
        engine: np.array([one == other for one, other in zip(found[engine].labels, answers, strict=True)])
        for engine in _COMPARED
    }
    encoder, student, cascade = (estimate_in_words(share(right[engine])) for engine in _COMPARED)
    asked = float((found["cascade"].probabilities != found["student"].probabilities).any(axis=1).mean())
    beside = {engine: f". {beside_encoder(engine, right[engine], right['encoder'])}" for engine in _COMPARED}
    if not enough:
        beside = dict.fromkeys(_COMPARED, "")
    measured = (
        f"on {len(texts)} validation rows its accuracy is {student}, and the encoder's {encoder}{beside['student']}"
        if enough
        else f"the share of {len(texts)} texts that it was not taught and answers as the encoder does is {student}"
    )
    return (
        f"The student, `{STUDENT}`, looks tokens up in place of the encoder. It was taught the model's answers to "
        f"{taught_on:,} texts; {measured}. The cascade, which asks the encoder where the student is unsure "
        f"({asked:.0%} of these), has {cascade}{beside['cascade']}. "
        '`load(folder, engine="student")`, or "cascade", chooses.'
    )


def beside_encoder(engine: str, right: np.ndarray, encoder: np.ndarray) -> str:
    """Return in words whether an engine is better than the encoder, by which rows (n,) each has `right`, bool."""
    won, lost = int((right & ~encoder).sum()), int((encoder & ~right).sum())
    p = mcnemar(won, lost)
    found = "better by more than chance" if won > lost else "worse by more than chance"
    if p >= SIGNIFICANCE:
        found = f"these {len(right)} rows are too few to tell which is better"
    told = f"The {engine} alone is right in {counted(won, 'row')} and alone wrong in {lost}"
    return f"{told}: {found} (exact McNemar test, p = {p:.2g})"
