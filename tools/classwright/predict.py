"""Predictions of an exported classifier, from Python or from a shell.

    python predict.py in.csv -o out.csv          # adds the columns label, probability, sure and out_of_scope

    from predict import load
    labels, probabilities, sure, out_of_scope = load("folder of the export").predict(["a text"])

Where a text may have several labels, its answer is all that apply: the column labels has them with | between, a | alone
where none applies, and sure_labels has those that are sure by themselves. Each label has a column of its own with 1 or
0. How probable each label is has a column too, probability_LABEL.

It needs numpy, and as `labels.json` says either onnxruntime and tokenizers, or sentence-transformers. This file is the
module `classwright.predict`, and stands in every export so that it runs without Classwright; only a matcher needs that.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
from codecs import BOM_UTF8, getincrementaldecoder
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeAlias

GRAPH_LIBRARIES = "numpy onnxruntime tokenizers"
"""What a graph runs with."""


def _installing(libraries: str) -> str:
    """Return the command that installs `libraries`; of the package it names the extra that brings them."""
    extra = '"classwright[run]"' if __name__ == "classwright.predict" and libraries == GRAPH_LIBRARIES else libraries
    return f"pip install {extra}"


_LACKING = ""
try:
    import numpy as np
except ImportError:  # told as a model is opened: in which encoding a file is can be found out without it
    _LACKING = f"Predictions need libraries: {_installing(GRAPH_LIBRARIES)}"

# From its import on ONNX Runtime would note this machine in the home folder, and tell its makers of it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

BATCH = 32
"""Texts a forward pass."""
ENGINES = ("encoder", "int8", "student", "cascade")
"""What computes: the encoder, as the server does; the encoder in whole numbers of eight bits, of exports that have it;
the student, of those that have one, which looks tokens up and is many times faster; or the student, and the encoder (in
whole numbers if there is one) for those texts of which it is unsure."""
DELIMITERS = ",;\t|"
"""Of the columns of a CSV file."""
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
MOST_COLUMNS = 20
"""Labels of a model that each get a column with how probable it is; of more, those with a threshold of their own, and
the mismatch of pairs."""
USUAL_PAIR, OTHER_PAIR = ("text", "text_pair"), ("query", "item")
"""What the columns of a pair are called; the first names are tried first."""
CHUNK = 2048
"""Texts that are sorted by their length, so that those of a batch need little padding; rows of a file in memory."""
MOST_CHARS = 20_000
"""Of a text that is answered: of a longer one most would go unread."""
NO_LABELS = "|"
"""In the column labels, where none applies; an empty cell is no answer."""
SURE_LABEL = 0.9
"""Where a text may have several labels, the share of texts of which one that is sure by itself is right."""
FACTS = "labels.json"
PLACES_NAMED = 5
"""Of texts without an answer."""
MOST_CELL = 10_000_000
"""Characters of a cell, of any column: a longer one is a quote that is not closed, which would fill the memory."""
CATCH_ALL = frozenset(
    """other, others, something else, anything else, everything else, the rest, none of these, none of the above, misc,
    miscellaneous, out of scope""".replace("\n   ", "").split(", ")
)
"""Names of labels that take what is of no other label, without case and with spaces for "_" and "-"."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SMALL, _CAPITALS = "ßàáâãäåæçèéêëìíîïñòóôõöøœùúûüÿ", "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜŸ"
_WITHIN_WORDS = "\u2019\u2018\u00b4\u2013\u2014\u2026\u00b7\u00a0\u00ad"  # apostrophes, dashes, an ellipsis
_NOT_WESTERN = re.compile(
    rf"[^\x00-\x7f]{{3}}|[a-z][{_CAPITALS}]|[A-Za-z][^\x00-\x7f{_SMALL}{_CAPITALS}{_WITHIN_WORDS}][A-Za-z]"
    "|[ÐðÞþÝýšŽžƒˆ\u02dc]|[¹³][a-z]"  # letters of the north and the east, or what takes the place of such
)

Text = str | tuple[str, str]
"""A text, or for a model of pairs a query and an item."""
Answer = str | tuple[str, ...] | None
"""A label, or of a model whose texts may have several all that apply; None for a text that cannot be read."""


class Predictions(NamedTuple):
    """The answers to n texts, in their order.

    `labels` are the likeliest ones, or where a text may have several labels all that apply; `probabilities` (n, k) are
    calibrated, in the order of `Classifier.labels`; `sure` (n,) says which of the answers are likelier to be right than
    the threshold, and not better left to a person. `out_of_scope` (n,) says which texts are unlike all that the model
    learnt, and so maybe of none of its labels: it is not sure of these, unless it answers with a label that takes the
    rest (`CATCH_ALL`), such as "other". A student and models of pairs call none so.
    The answer to a text that has a `text_problem` is None, its probabilities are NaN, and it is not sure.
    """

    labels: list[Answer]
    probabilities: np.ndarray
    sure: np.ndarray
    out_of_scope: np.ndarray


Answers: TypeAlias = "tuple[np.ndarray, np.ndarray | None]"
"""The probabilities (n, k) of texts, and the cosine (n,) of each to the nearest label's mean; None where not told."""


class Engine(Protocol):
    """What computes the answers."""

    def answers(self, texts: Sequence[Any], batch: int) -> Answers:
        """Return the answers to texts, or to pairs."""
        ...


class UnusableExport(ValueError):
    """An export cannot be opened, and the message says why."""


@contextmanager
def _opening(folder: Path, name: str) -> Iterator[None]:
    """Raise a `ValueError` that says why the export in `folder` cannot be opened, if its `name` cannot."""
    try:
        yield
    except (ImportError, MemoryError, UnusableExport):
        raise
    except Exception as error:  # of each library its own
        if name == FACTS and isinstance(error, FileNotFoundError | NotADirectoryError):
            lacks = f"it has no {FACTS}" if folder.is_dir() else "it is not there"
            raise UnusableExport(f"Folder '{folder}' holds no export: {lacks}. Make one with export_model.") from error
        if isinstance(error, PermissionError) or _is_closed(folder):
            raise UnusableExport(
                f"Export {folder.name!r} may not be read by the user that this runs as. As the one who owns it, open "
                f"it: `chmod -R a+rX {folder}`; and the folders that it is in must be open, too."
            ) from error
        raise UnusableExport(
            f"Export {folder.name!r} is damaged: {name} cannot be used ({type(error).__name__}: {error}). Copy the "
            "whole folder again, or export the model again."
        ) from error


def _is_closed(folder: Path) -> bool:
    """Whether a file in `folder` may not be read: not all libraries say so."""
    try:
        for path in folder.rglob("*"):
            if path.is_file():
                path.open("rb").close()
    except PermissionError:
        return True
    return False


class Classifier:
    """An exported classifier. `labels` are in the order of the probabilities' columns; `mismatch` is that of pairs.

    It was opened in `folder`, and `engine` computes its answers.

    Labels in `label_thresholds` have a threshold of their own by default: so the model was exported. `about` says what
    it is, to be logged or compared, as plain values: the ids of the `model`, its `task` and its `dataset`, its
    `encoder`, the version of `classwright` that exported it, and its figures on `validation` and `test` rows (None:
    none were measured), each with the `accuracy` (from `low` to `high` with 95%), `macro_f1`, how many `rows` and whose
    `data` they are. It is empty of an export that was made before there was one. `usual` counts the answers to rows
    held out, for Classwright to compare a file's with; it is empty where they are not this engine's.
    """

    def __init__(self, folder: str | Path, engine: str = ENGINES[0]) -> None:
        """Open the export in `folder`, to be computed by one of the `ENGINES`.

        Raises:
            ValueError: the folder holds no export, one that is damaged or may not be read, or none with such an engine.
            ImportError: a library that it runs with is not installed; the message says which.
        """
        if _LACKING:
            raise ImportError(_LACKING)
        self.folder = folder = Path(folder)
        self.engine = engine
        with _opening(folder, FACTS):
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            self.labels: tuple[str, ...] = tuple(facts["labels"])
            self.threshold: float = facts["threshold"]
            self.takes_pairs: bool = facts["kind"] == "pair"
            self.mismatch: str | None = facts.get("mismatch")
            self.label_thresholds: dict[str, float] = facts.get("label_thresholds", {})
            self.about: dict[str, Any] = facts.get("about", {})
            self._thresholds: list[float] = facts.get("thresholds") or []
            self.sure_from: Sequence[float | None] = facts.get("sure_from") or [SURE_LABEL] * len(self.labels)
            self.usual: dict[str, Any] = facts.get("usual", {}) if engine in ENGINES[:2] else {}
            self._least_like: float = facts.get("least_like", -np.inf)
        _check_engine(folder, facts, engine)
        with _opening(folder, "its model"):
            self._engine = _engine(folder, facts, engine)
            width = self._engine.answers([("a", "b") if self.takes_pairs else "a"], 1)[0].shape[1]
            lengths = {len(self.labels), len(self.sure_from), len(self._thresholds) or width}
            if lengths != {width}:
                raise ValueError(f"it answers with {width} labels, and {FACTS} has {max(lengths - {width})}")

    def predict(
        self,
        texts: Iterable[Text],
        *,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        batch: int = BATCH,
    ) -> Predictions:
        """Return the answers to texts, or to pairs; `threshold`, from 0 to 1, is the model's own by default.

        `batch` are the texts a forward pass.

        A label in `thresholds`, by default `label_thresholds`, is given from that probability on, whatever others have,
        and only then; the answer is sure. Of several that reach theirs it is the one that exceeds it by the greatest
        factor.

        Raises:
            ValueError: they are no texts but a table or a single one; one is a pair where texts are classified or the
                other way round; a label is not known; a threshold or the batch is none.
        """
        return self.predict_with_confidence(texts, threshold=threshold, thresholds=thresholds, batch=batch)[0]

    def predict_with_confidence(
        self,
        texts: Iterable[Text],
        *,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        batch: int = BATCH,
    ) -> tuple[Predictions, np.ndarray]:
        """Return the answers, as `predict` does, and how probable it is that each of them is right (n,)."""
        thresholds = self.label_thresholds if thresholds is None else thresholds
        if threshold is not None:
            _check_probability("The threshold", threshold)
        probabilities, foreign = self._answers(texts, batch)
        labels, right = self._decided(probabilities, thresholds)
        reached = reaches(labels, right, self.threshold if threshold is None else threshold, thresholds)
        return Predictions(labels, probabilities, trusted(labels, reached, foreign), foreign), right

    @property
    def several(self) -> bool:
        """Whether a text may have several labels."""
        return bool(self._thresholds)

    def _decided(self, probabilities: np.ndarray, thresholds: Mapping[str, float]) -> tuple[list[Answer], np.ndarray]:
        """Return the answers at the probabilities (n, k), and how probable it is that each is right (n,).

        Where a text may have several labels, each applies from a probability of its own on, and all must be right.
        """
        own = own_thresholds(self.labels, thresholds)
        named: list[Answer]
        if self.several:
            decided = probabilities >= np.where(np.isnan(own), self._thresholds, own)
            named = [tuple(self.labels[place] for place in np.flatnonzero(row)) for row in decided]
            right = np.where(decided, probabilities, 1 - probabilities).prod(axis=1)
        else:
            places = given_labels(probabilities, own)
            named = [self.labels[place] for place in places]
            right = probabilities[np.arange(len(places)), places]
        return [None if unread else one for one, unread in zip(named, np.isnan(right), strict=True)], right

    def predict_proba(self, texts: Iterable[Text], *, batch: int = BATCH) -> np.ndarray:
        """Return the calibrated probabilities (n, k) of n texts, as `predict` does."""
        return self._answers(texts, batch)[0]

    def _answers(self, given: Iterable[Text], batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities (n, k) of n texts, and which of them (n,) are out of scope."""
        if isinstance(given, str | bytes | Mapping) or hasattr(given, "columns") or not isinstance(given, Iterable):
            raise ValueError(f"One {type(given).__name__} was given: pass a list of texts, or a column of them.")
        if not isinstance(batch, int) or batch < 1:
            raise ValueError(f"The batch, {batch!r}, is no number of texts: pass a whole one from 1 on.")
        texts = list(given)
        asked = self._asked(texts)
        found, foreign = np.full((len(texts), len(self.labels)), np.nan), np.zeros(len(texts), bool)
        for start in range(0, len(asked), CHUNK):
            chunk = dict(islice(asked.items(), start, start + CHUNK))
            order = {text: place for place, text in enumerate(dict.fromkeys(chunk.values()))}
            probabilities, likeness = self._engine.answers(list(order), batch)
            places, own = list(chunk), [order[text] for text in chunk.values()]
            found[places] = probabilities[own]
            if likeness is not None:
                foreign[places] = likeness[own] < self._least_like
        return found, foreign

    def _asked(self, texts: Sequence[Text]) -> dict[int, Text]:
        """Return those of the texts that can be answered, by their places."""
        asked: dict[int, Text] = {}
        for place, text in enumerate(texts):
            parts = tuple(text) if isinstance(text, tuple | list | np.ndarray) else (text,)
            if len(parts) != 1 + self.takes_pairs:
                wanted = "pairs (query, item)" if self.takes_pairs else "single texts"
                raise ValueError(f"texts[{place}] is not what this model classifies: it takes {wanted}.")
            if not any(map(text_problem, parts)):
                asked[place] = (parts[0], parts[1]) if self.takes_pairs else parts[0]
        return asked


def own_thresholds(labels: Sequence[str], thresholds: Mapping[str, float] | None) -> np.ndarray:
    """Return the thresholds of `labels` (k,), NaN for those without one of their own.

    Raises:
        ValueError: one is of another label, or is no probability.
    """
    for label, threshold in (thresholds or {}).items():
        if label not in labels:
            known = ", ".join(map(repr, labels[:MOST_COLUMNS]))
            more = f" and {len(labels) - MOST_COLUMNS:,} more" if len(labels) > MOST_COLUMNS else ""
            raise ValueError(f"The threshold of {label!r} is of no label that the model knows. It knows {known}{more}.")
        _check_probability(f"The threshold of {label!r}", threshold)
    return np.array([(thresholds or {}).get(label, np.nan) for label in labels])


def _check_probability(name: str, value: object) -> None:
    if not (isinstance(value, int | float | np.number) and 0 <= value <= 1):
        raise ValueError(f"{name}, {value!r}, is no probability: pass one from 0 to 1.")


def given_labels(probabilities: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the place (n,) of the label that each text gets at the `probabilities` (n, k), of one label a text.

    A label with a threshold of its `own` (k,), NaN for the others, is given from it on; of several that reach theirs
    the one that exceeds it by the greatest factor, where one of 0 counts as one of 1: it lets all through, so any other
    goes before it. Else it is the likeliest of the labels without.
    """
    reached = probabilities >= own
    factors = np.where(reached, probabilities / np.where(own > 0, own, 1.0), -1.0)
    free = np.isnan(own) if np.isnan(own).any() else np.ones(len(own), bool)
    likeliest = np.where(free, probabilities, -1.0).argmax(axis=1)
    found: np.ndarray = np.where(reached.any(axis=1), factors.argmax(axis=1), likeliest)
    return found


def reaches(
    answers: Sequence[Answer], right: np.ndarray, threshold: float, thresholds: Mapping[str, float] | None
) -> np.ndarray:
    """Return which `answers`, so probably `right` (n,), reach the threshold of their label, or without one this one."""
    own = thresholds or {}
    least = [own.get(one, threshold) if isinstance(one, str) else threshold for one in answers]
    found: np.ndarray = right >= np.array(least, float)
    return found


def trusted(answers: Sequence[Answer], reached: np.ndarray, foreign: np.ndarray) -> np.ndarray:
    """Return which `answers` (n,) are sure: those that `reached` their threshold to texts that are not `foreign`.

    To a text that is unlike all that was learnt a label that takes the rest is no worse an answer for that.
    """
    takes_rest = [isinstance(one, str) and is_catch_all(one) for one in answers]
    found: np.ndarray = reached & (~foreign | np.array(takes_rest, bool))
    return found


def is_catch_all(label: str) -> bool:
    """Whether a label takes what is of no other one, by its name."""
    return re.sub(r"[\s_-]+", " ", label).strip().casefold() in CATCH_ALL


def sure_labels(labels: Sequence[str], sure_from: Sequence[float | None], found: Predictions) -> list[tuple[str, ...]]:
    """Return those labels of each answer (n,) that are sure by themselves, whatever its other labels are.

    That are labels whose own probability reaches their point in `sure_from`, in the order of `labels`; None is never
    reached. Of a text that is out of scope no label is sure.
    """
    points = np.array([np.inf if point is None else point for point in sure_from])
    reached = (found.probabilities >= points) & ~found.out_of_scope[:, None]
    own = (dict(zip(labels, row, strict=True)) for row in reached.tolist())
    return [tuple(filter(known.get, named or ())) for named, known in zip(found.labels, own, strict=True)]


class LineEncoding:
    """Tells by the lines of a file whether it is in UTF-8, or in Windows-1252, as Excel in the west saves plain "CSV".

    It is the latter where no line has letters of UTF-8, and each line beyond ASCII is like one of western Europe.
    """

    def __init__(self) -> None:
        self.has_utf_8 = False
        """Whether a line has letters beyond ASCII that are in UTF-8."""
        self.broken: tuple[int, bytes] | None = None
        """The first line that is not in UTF-8, with its number."""
        self._is_western = True
        self._decoder = getincrementaldecoder("utf-8")()

    def take(self, number: int, line: bytes, *, whole: bool = True) -> None:
        """Look at a line; of one that is not `whole` the rest is to come next."""
        if line.isascii() and not self._decoder.getstate()[0]:
            return
        try:
            self.has_utf_8 |= not self._decoder.decode(line, final=whole).isascii()
        except UnicodeDecodeError:
            self._decoder.reset()
            self.broken = self.broken or (number, line)
            self._is_western = self._is_western and is_western(line)

    @property
    def is_western(self) -> bool:
        """Whether the file is read as Windows-1252."""
        return self.broken is not None and self._is_western and not self.has_utf_8

    def remark(self, name: str) -> str:
        """Return the sentence on the file `name` where it is read as Windows-1252; "" where it is not."""
        if not self.is_western or self.broken is None:
            return ""
        return (
            f"{name} is not in UTF-8 and is read as Windows-1252, as which Excel saves 'CSV': look whether the letters "
            f"of line {self.broken[0]:,} are right; if not, save it as 'CSV UTF-8' and begin anew."
        )


def is_western(line: bytes) -> bool:
    """Whether a line that is not UTF-8 reads in Windows-1252 as a language of western Europe is written.

    There letters beyond ASCII stand alone or in twos, signs do not stand within words, and small letters are not
    followed by capitals, as where a line is in another encoding of one byte a letter.
    """
    try:
        return not _NOT_WESTERN.search(line.decode("cp1252"))
    except UnicodeDecodeError:
        return False


def text_problem(text: object) -> str | None:
    """Return why no model can answer a text, as the end of a sentence about it; None where one can."""
    if not isinstance(text, str):
        return "is no text"
    if not text.strip():
        return "is empty"
    if len(text) > MOST_CHARS:
        return f"has more than {MOST_CHARS:,} characters: split it"
    return "has broken characters" if _LONE_SURROGATE.search(text) else None


def unanswered(count: int, first: Sequence[str], what: str = "row") -> str:
    """Return the sentence on so many texts, or `what` they are, without an answer; `first` says of some why."""
    if not count:
        return ""
    have = f"{what} has" if count == 1 else f"{what}s have"
    return f"{count:,} {have} no answer: {'; '.join(first)}{'; and more' if count > len(first) else ''}."


def load(folder: str | Path, engine: str = ENGINES[0]) -> Classifier:
    """Open the export in `folder`, to be computed by one of the `ENGINES`: the encoder, or a faster one that it has.

    Raises:
        ValueError: the folder holds no export, one that is damaged or may not be read, or none with such an engine.
        ImportError: a library that it runs with is not installed; the message says which.
    """
    return Classifier(folder, engine)


def _check_engine(folder: Path, facts: Mapping[str, Any], engine: str) -> None:
    """Raise a `ValueError` if the export in `folder` has no such engine."""
    if engine not in ENGINES:
        raise ValueError(f"Engine {engine!r} is none: choose one of {', '.join(ENGINES)}.")
    if engine == "int8" and not facts.get("int8"):
        raise ValueError(f"Folder {folder.name!r} has no engine 'int8': export the model again, or use {ENGINES[0]!r}.")
    if engine in ("student", "cascade") and not facts.get("student"):
        raise ValueError(
            f"Folder {folder.name!r} has no student. Export the model with student=true, or use {ENGINES[0]!r}."
        )


def _engine(folder: Path, facts: dict[str, Any], engine: str) -> Engine:
    """Return what computes: the graph if there is one, else the encoder and the head, or the matcher."""
    try:
        if engine in ("int8", "student"):
            return GraphEngine(folder, facts[engine])
        if engine == "cascade":
            return _Cascade(folder, facts)
        if facts["graph"]:
            return GraphEngine(folder, facts["graph"])
        if facts["method"] == "matcher":  # no other library has its attention
            from classwright_tools.learning.exports.matcher_engine import MatcherEngine

            return MatcherEngine(folder, facts)
        return _Encoder(folder, facts)
    except ImportError as error:
        raise ImportError(f"This model needs libraries: {_installing(facts['install'])}") from error


class GraphEngine:
    """ONNX Runtime and the tokenizer of the encoder: no torch."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """Open the graph that `facts` name; they also say how texts become its inputs."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        # Threads that wait by spinning take the processor from whatever else is at work, this engine's other ones too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            folder / facts["file"], options, providers=["CPUExecutionProvider"]
        )
        with _opening(folder, "tokenizer.json"):
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        if facts["tokens"] is not None:
            self._tokenizer.enable_truncation(facts["tokens"])
        self._prompt, self._pad = facts["prompt"], facts["pad"]
        self._windows, self._at_once = facts.get("windows", 1), facts["tokens"] or 0
        self._inputs = [one.name for one in self._session.get_inputs()]

    def answers(self, texts: Sequence[str], batch: int) -> Answers:
        """Return the answers to texts; of one that is too long to take at once windows are read."""
        windows = [self._read(first) for first in self._tokenizer.encode_batch_fast([self._prompt + t for t in texts])]
        order = sorted(range(len(texts)), key=lambda place: (len(windows[place]), len(windows[place][0])))
        parts: list[list[int]] = []
        room = 0
        for place in order:
            if len(windows[place]) > room:
                parts.append([])
                room = max(batch, len(windows[place]))
            parts[-1].append(place)
            room -= len(windows[place])
        ran = [self._session.run(None, self._feeds([windows[place] for place in part])) for part in parts]
        probabilities, *likeness = (np.concatenate(outputs)[np.argsort(order)] for outputs in zip(*ran, strict=True))
        return probabilities, likeness[0] if likeness else None

    def _read(self, tokens: Any) -> list[list[int]]:
        """Return the token ids of a text's windows, from what the tokenizer made of it."""
        first = tokens.ids
        if self._windows == 1 or len(first) < self._at_once:
            return [first]  # what overflows takes long to ask for
        return [first, *(window.ids for window in tokens.overflowing[: self._windows - 1])]

    def _feeds(self, texts: Sequence[list[list[int]]]) -> dict[str, np.ndarray]:
        """Return the graph's inputs for texts, each given as the token ids of its windows."""
        tokens = [window for windows in texts for window in windows]
        lengths = np.array([len(window) for window in tokens])
        there = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(there.shape, self._pad, np.int64)
        ids[there] = list(chain.from_iterable(tokens))
        feeds = {"input_ids": ids, "attention_mask": there.astype(np.int64), "token_type_ids": np.zeros_like(ids)}
        of_text = np.repeat(np.arange(len(texts)), [len(windows) for windows in texts])
        feeds["windows"] = ((np.arange(len(texts))[:, None] == of_text) * lengths).astype(np.float32)
        return {name: feeds[name] for name in self._inputs}


class _Cascade:
    """The student, and where its likeliest label is less likely than the cut, the encoder."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self._student = GraphEngine(folder, facts["student"])
        self._encoder = GraphEngine(folder, facts.get("int8") or facts["graph"])
        self._cut: float = facts["student"]["cut"]

    def answers(self, texts: Sequence[str], batch: int) -> Answers:
        """Return the answers to texts; how like what was learnt one is that the student answers is not told."""
        found, _ = self._student.answers(texts, batch)
        likeness = np.full(len(texts), np.inf)
        unsure = np.flatnonzero(found.max(axis=1, initial=0.0) < self._cut)
        if len(unsure):
            found[unsure], asked = self._encoder.answers([texts[place] for place in unsure.tolist()], batch)
            likeness[unsure] = np.inf if asked is None else asked
        return found, likeness


class _Encoder:
    """sentence-transformers and the head: for pairs, and for texts where there is no graph."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        from safetensors.numpy import load_file
        from sentence_transformers import SentenceTransformer

        self._encoder = SentenceTransformer(
            str(folder), local_files_only=True, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
        self._head = load_file(folder / "head.safetensors")
        scope = folder / "scope.safetensors"
        self._means = load_file(scope)["means"].astype(np.float32) if scope.exists() else None
        self._shares = _sigmoid if facts.get("thresholds") else _softmax
        self._pairs, self._windows = facts.get("pairs"), facts.get("windows")

    def answers(self, texts: Sequence[Any], batch: int) -> Answers:
        """Return the answers to texts, or to pairs, which have no scope."""
        if not self._pairs:
            embeddings = self._embed(texts, batch)
            likeness = None if self._means is None else (embeddings @ self._means.T).max(axis=1)
            return self._shares(self._logits(embeddings)), likeness
        unique = list(dict.fromkeys(text for pair in texts for text in pair))
        known = dict(zip(unique, self._embed(unique, batch), strict=True))
        query, item = (np.array([known[pair[side]] for pair in texts]) for side in (0, 1))
        difference, product = self._pairs["difference"] * np.abs(query - item), self._pairs["product"] * query * item
        return _softmax(self._logits(np.concatenate([query, item, difference, product], axis=1))), None

    def _embed(self, texts: Sequence[str], batch: int) -> np.ndarray:
        found = self._encoder.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
        vectors = np.asarray(found)
        for place, text in enumerate(texts):
            # No token stands for less than a byte, and eight at most are put around a text.
            if self._windows and len(text.encode(errors="replace")) + 8 > self._windows["tokens"]:
                vectors[place] = self._embed_windows(text, **self._windows)
        return vectors

    def _embed_windows(self, text: str, most: int, tokens: int, modules: int) -> np.ndarray:
        """Return the unit-length embedding (d,) of a text from its windows, each weighed by its tokens.

        They are `most` windows of so many `tokens`; so many first `modules` of the encoder embed one.
        """
        encoder = self._encoder
        prompt = encoder.prompts.get(encoder.default_prompt_name or "") or ""
        read = encoder.tokenizer(
            prompt + text,
            truncation=True,
            max_length=tokens,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        read.pop("overflow_to_sample_mapping")
        features = {name: values[:most].to(encoder.device) for name, values in read.items()}
        weights = features["attention_mask"].sum(dim=1)
        for module in list(encoder)[:modules]:
            features = module(features)
        vectors = features["sentence_embedding"]
        vector = weights.to(vectors)[None] @ (vectors / vectors.norm(dim=1, keepdim=True))
        features = {"sentence_embedding": vector / vector.norm()}
        for module in list(encoder)[modules:]:
            features = module(features)
        found = features["sentence_embedding"][0]
        embedding: np.ndarray = (found / found.norm()).detach().cpu().numpy()
        return embedding

    def _logits(self, features: np.ndarray) -> np.ndarray:
        logits: np.ndarray = features @ self._head["weights"].T + self._head["biases"]
        return logits


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    probabilities: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return probabilities


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def main(arguments: Sequence[str] | None = None) -> int:
    """Classify the rows of a CSV file; return the exit code."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Classify the rows of a CSV file.")
    parser.add_argument(
        "source", metavar="IN.csv", type=Path, help="a CSV file in UTF-8, with a header; , ; tab or | between"
    )
    parser.add_argument("-o", "--output", metavar="OUT.csv", type=Path, required=True, help="the file to write")
    parser.add_argument("--text-column", metavar="NAME", default="text", help="default: text")
    parser.add_argument("--pair-column", metavar="NAME", default="text_pair", help="of a pair's item: text_pair")
    parser.add_argument(
        "--threshold",
        metavar="[LABEL=]P",
        action="append",
        default=[],
        help="below P it is not sure; default: the export's. With LABEL: that label is given from P on, and only then",
    )
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what computes; default: the encoder")
    parser.add_argument("--batch", type=int, default=BATCH, help=f"texts a forward pass; default: {BATCH}")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")  # sentence-transformers, which is imported later, shows bars
    try:
        rows, remark = _classify_csv(load(Path(__file__).parent, options.engine), options)
    except (OSError, ValueError, ImportError) as error:
        print(f"predict.py: {error}", file=sys.stderr)  # noqa: T201  # a program's own error
        return 1
    count = "1 row" if rows == 1 else f"{rows:,} rows"
    print(f"Classified {count} into {options.output}. {remark}".rstrip(), file=sys.stderr)  # noqa: T201
    return 0


def given_thresholds(arguments: Sequence[str]) -> tuple[float | None, dict[str, float]]:
    """Return the threshold of all answers and those of labels in arguments such as "0.9" and "spam=0.9".

    The first is None where no argument has it.

    Raises:
        ValueError: one is no probability from 0 to 1, names no label before its =, or is given twice.
    """
    found: dict[str | None, float] = {}
    for argument in arguments:
        name, equals, value = argument.rpartition("=")
        label = name if equals else None
        if label == "":
            raise ValueError(f"The threshold {argument!r} names no label before its =: pass LABEL=0.9, or 0.9 for all.")
        if label in found:
            raise ValueError(
                f"The threshold {argument!r} is the second of {label or 'all labels'!r}: pass one of each."
            )
        try:
            found[label] = float(value)
        except ValueError:
            found[label] = np.nan
        if not 0 <= found[label] <= 1:
            raise ValueError(f"The threshold {argument!r} is no probability: pass one from 0 to 1.")
    return found.pop(None, None), {label: least for label, least in found.items() if label is not None}


def answer_columns(
    there: Sequence[str], told: Sequence[str], *, several: bool, labels: Sequence[str] = ()
) -> list[str]:
    """Return the names of the columns that answers have, none of which is among those `there`.

    `several` is whether a text may have several labels. `labels` get a column each, in a table, whose cells hold no
    list. How probable each of the labels `told` is has a column too.
    """
    names = ["labels" if several else "label", "probability", "sure", "out_of_scope"]
    names += ["sure_labels"] if several else []
    names += map(label_column, labels)
    return names_beside(there, [*names, *map(probability_column, told)])


def label_column(label: str) -> str:
    """Return the column that has 1 where a label applies, and 0 where not."""
    return f"label_{label}"


def probability_column(label: str) -> str:
    """Return the column that says how probable a label is."""
    return f"probability_{label}"


def told_labels(labels: Sequence[str], thresholds: Mapping[str, float] | None, mismatch: str | None) -> tuple[str, ...]:
    """Return those of the `labels` whose probabilities have columns: all, or of many those with a threshold.

    The `mismatch`, by which pairs are sorted, always has one, if there is one.
    """
    told = {*(thresholds or {}), mismatch}
    return tuple(label for label in labels if len(labels) <= MOST_COLUMNS or label in told)


def told_probabilities(labels: Sequence[str], told: Sequence[str], probabilities: np.ndarray) -> list[list[float]]:
    """Return of each row of the `labels`' probabilities (n, k) those of the labels `told`."""
    found: list[list[float]] = probabilities[:, [labels.index(label) for label in told]].tolist()
    return found


def names_beside(there: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the `names` of columns, with "predicted_" before each where one of them is among those `there`."""
    found = list(names)
    while set(found) & set(there):
        found = [f"predicted_{name}" for name in found]
    return found


def names_apart(names: Sequence[str]) -> list[str]:
    """Return the `names` of columns; those that are there several times are numbered, as "note_1" and "note_2"."""
    times, taken, numbers, found = Counter(names), set(names), Counter[str](), list[str]()
    for name in names:
        own = name
        while times[name] > 1 and own in taken:
            numbers[name] += 1
            own = f"{name}_{numbers[name]}"
        taken.add(own)
        found.append(own)
    return found


def answer_cells(answer: Sequence[Any], labels: Sequence[str]) -> list[Any]:
    """Return an answer, label or labels first, as the values of its `answer_columns` for `labels`."""
    if not labels:
        return list(answer)
    named, right, sure, foreign, trusted, *told = answer
    cells = ["|".join(named) or NO_LABELS, right, sure, foreign, "|".join(trusted)]
    return [*cells, *(int(label in named) for label in labels), *told]


class RowEnds:
    """What `csv.writer` writes to, for rows that end in `line_end`; a carriage return in a cell is quoted still.

    With a line feed for its own end of lines, it leaves such a cell bare, which readers then refuse.
    """

    def __init__(self, file: TextIO, line_end: str) -> None:
        self._file = file
        self._line_end = line_end

    def write(self, row: str) -> None:
        """Write a row as `csv.writer` gives it: whole, and ended as on Windows."""
        self._file.write(row.removesuffix("\r\n") + self._line_end)


def _classify_csv(model: Classifier, options: argparse.Namespace) -> tuple[int, str]:
    """Write the rows of the source with their answers; return how many there are, and what is to be told of them.

    The output appears whole, or not at all. It is in UTF-8, and begins with a byte-order mark where the source does or
    is in Windows-1252, as Excel needs it; its rows end as the first line there.
    """
    if not options.source.is_file():  # it is read twice, as a pipe cannot be
        raise ValueError(f"{options.source} is not there, or no file: pass the path of a CSV file.")
    if options.output.exists() and options.output.samefile(options.source):
        raise ValueError(f"{options.output.name} is the file to read: name another with --output.")
    letters = LineEncoding()
    with options.source.open("rb") as lines:
        marked = lines.read(len(BOM_UTF8)) == BOM_UTF8
        lines.seek(0)
        line_end = "\r\n" if lines.readline().endswith(b"\r\n") else "\n"
        lines.seek(0)
        for number, line in enumerate(lines, 1):
            letters.take(number, line)
    western = letters.is_western
    if letters.broken and not western:
        raise ValueError(f"{options.source.name} is not in UTF-8 (line {letters.broken[0]:,}): save it as 'CSV UTF-8'.")
    staged = options.output.with_name(f".{options.output.name}.staged")
    limit = csv.field_size_limit(MOST_CELL)
    try:
        with (
            options.source.open(encoding="cp1252" if western else "utf-8-sig", newline="") as source,
            staged.open("w", encoding="utf-8-sig" if marked or western else "utf-8", newline="") as output,
        ):
            rows, remark = _classify_rows(model, options, source, RowEnds(output, line_end))
        staged.replace(options.output)
    finally:
        csv.field_size_limit(limit)
        staged.unlink(missing_ok=True)
    return rows, f"{letters.remark(options.source.name)} {remark}".strip()


def _classify_rows(model: Classifier, options: argparse.Namespace, source: TextIO, output: RowEnds) -> tuple[int, str]:
    columns = [options.text_column, *([options.pair_column] if model.takes_pairs else [])]
    labels = model.labels if model.several else ()
    delimiter, before = _delimiter(source, options.text_column)
    reader = _rows(csv.reader(source, delimiter=delimiter, strict=True), before, options.source.name)
    header = next(reader, [])
    if tuple(columns) == USUAL_PAIR and not {*columns} <= {*header} and {*OTHER_PAIR} <= {*header}:
        columns = [*OTHER_PAIR]
    for column, option in zip(columns, ("--text-column", "--pair-column"), strict=False):
        if column not in header:
            raise ValueError(
                f"{options.source.name} has no column {column!r}; it has {', '.join(header)}. Name one with {option}."
            )
        if header.count(column) > 1:
            raise ValueError(
                f"{options.source.name} has several columns {column!r}. Rename the one to read; name it with {option}."
            )
    if len(set(columns)) < len(columns):
        raise ValueError(f"Column {columns[0]!r} is to be read as both texts of a pair: name another --pair-column.")
    there, places = names_apart(header), [header.index(column) for column in columns]
    least, given = given_thresholds(options.threshold)
    thresholds = {**model.label_thresholds, **given}
    told = told_labels(model.labels, thresholds, model.mismatch)
    names = answer_columns(there, told, several=model.several, labels=labels)
    writer = csv.writer(output, delimiter=delimiter)
    writer.writerow([*there, *names])
    rows, certain, problems = 0, 0, list[str]()
    while chunk := list(islice(reader, CHUNK)):
        texts: list[Any] = [tuple(row[place] for place in places) for row in chunk]
        for number, parts in enumerate(texts, rows + 1):
            problems += [f"row {number:,} {why}" for why in filter(None, map(text_problem, parts))][:1]
        asked = texts if model.takes_pairs else [text for (text,) in texts]
        found, rights = model.predict_with_confidence(
            asked, threshold=least, thresholds=thresholds, batch=options.batch
        )
        certain += int(np.sum(found.sure))
        probable = told_probabilities(model.labels, told, found.probabilities)
        is_so = (["true" if one else "false" for one in known] for known in (found.sure, found.out_of_scope))
        trusted = [[one] for one in sure_labels(model.labels, model.sure_from, found)] if labels else [[]] * len(chunk)
        answers = zip(chunk, found.labels, rights, *is_so, trusted, probable, strict=True)
        for row, named, right, sure, foreign, by_itself, own in answers:
            cells = (named, f"{right:.6f}", sure, foreign, *by_itself, *(f"{one:.6f}" for one in own))
            answer = answer_cells(cells, labels) if named is not None else []
            writer.writerow([*row, *(answer or [""] * len(names))])
        rows += len(chunk)
    told_of_sure = f"It is sure of {certain:,}; the other labels are guesses."
    return rows, f"{told_of_sure} {unanswered(len(problems), problems[:PLACES_NAMED])}".strip()


def _delimiter(source: TextIO, column: str) -> tuple[str, int]:
    """Return the delimiter by which the header has `column`, else the one by which it has the most columns.

    How many lines stand before the header comes with it.

    A first line `sep=;`, as Excel writes and reads it, names the delimiter. The source is left at the header.
    """
    named = _NAMED_DELIMITER.match(source.readline())
    if named:
        return named.group(1), 1
    widths = {}
    for delimiter in DELIMITERS:
        source.seek(0)
        try:
            header = next(csv.reader(source, delimiter=delimiter), [])
        except csv.Error:
            header = []  # whoever reads the rows tells of it
        widths[delimiter] = (column in header, len(header))
    source.seek(0)
    return max(widths, key=lambda one: widths[one]), 0


def _rows(reader: Any, before: int, name: str) -> Iterator[list[str]]:
    """Yield the header and the rows of a reader, without blank ones.

    One that cannot be read, or has not the header's width, is named by its first line, after so many lines `before`.
    """
    width = 0
    while True:
        where = f"The row of {name} that begins in line {before + reader.line_num + 1:,}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"{where} cannot be read ({error}): is a quote not closed?") from error
        if row is None:
            return
        width = width or len(row)
        if row and len(row) != width:
            raise ValueError(f"{where} has not as many fields as the header. Mend it, or take it out.")
        if row:
            yield row


if __name__ == "__main__":
    sys.exit(main())
