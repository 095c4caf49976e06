"""The cases of `scope.py`: rows that a model learns, texts of its labels, and near and far texts of none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from articles.sets import LabelledTexts, read_split
from classwright_tools.domain.example import example_id
from classwright_tools.learning.rows import Rows
from looping.recorded import open_recorded

RECORDED = Path(__file__).parents[1] / "recorded"
OUT_OF_SCOPE = "out_of_scope"  # the label of clinc150 for texts of none of its others
LEARNT_LABELS = {"banking77": 20, "clinc150": 30, "arxiv12": 8}
"""Of sets with more labels, drawn anew each time: texts of the others are near, but of no label that is learnt."""
NEAR = {
    "emotion": "semeval_tweets",
    "sms_spam": "semeval_tweets",
    "twitter_financial_news": "semeval_tweets",
    "hate_speech_davidson": "semeval_tweets",
    "toxic_chat": "clinc150",
    "sst5": "cr",
}
"""Sets of texts of the same form, and of another kind."""
FAR = ("banking77", "twitter_financial_news", "arxiv12", "sms_spam", "emotion", "hate_speech_davidson")
TEXTS, FAR_TEXTS = 250, 50  # of each kind that are asked; of each set of `FAR`
VALIDATION, UNLABELLED = 100, 200


@dataclass(frozen=True)
class Case:
    """Rows to learn, with k labels; and texts to ask: those of the labels, near ones and far ones of no label.

    `validation` are real texts of the labels, and `unlabelled` are real texts as they come.
    """

    rows: Rows
    validation: Rows
    unlabelled: tuple[str, ...]
    own: tuple[str, ...]
    near: tuple[str, ...]
    far: tuple[str, ...]

    @property
    def k(self) -> int:
        """The number of labels."""
        return int(self.rows.labels.max()) + 1


def real_case(data: Path, name: str, a_label: int, seed: int) -> Case:
    """Return a case of real rows of the set `name`: so many of each label that is learnt."""
    generator = np.random.default_rng(seed)
    train, test = _shuffled(data, name, "train", generator), _shuffled(data, name, "test")
    labels = sorted(set(train.labels) - {OUT_OF_SCOPE})
    learnt = [labels[place] for place in generator.permutation(len(labels))[: LEARNT_LABELS.get(name)]]
    outside = {OUT_OF_SCOPE} if OUT_OF_SCOPE in test.labels else set(test.labels) - set(learnt)
    near = [text for text, label in zip(test.texts, test.labels, strict=True) if label in outside]
    near = near or list(_shuffled(data, NEAR[name], "test").texts)
    places = {label: place for place, label in enumerate(learnt)}
    chosen, rest = [], []
    taken = dict.fromkeys(learnt, 0)
    for text, label in zip(train.texts, train.labels, strict=True):
        if label in taken and taken[label] < a_label:
            taken[label] += 1
            chosen.append((text, places[label]))
        elif label in taken:
            rest.append((text, places[label]))
    own = tuple(text for text, label in zip(test.texts, test.labels, strict=True) if label in places)
    return Case(_rows(chosen), _rows(rest[:VALIDATION]), (), own[:TEXTS], tuple(near[:TEXTS]), _far(data, name))


def written_case(data: Path, name: str, seed: int) -> Case:
    """Return a case of the rows that a language model wrote for the set `name`; another `seed` asks other texts."""
    recorded = open_recorded(RECORDED / name, data, seed=seed)
    labels = sorted({row["label"] for row in recorded.written})
    cells = sorted({_cell(row) for row in recorded.written})
    rows = Rows(
        tuple(row["text"] for row in recorded.written),
        np.array([labels.index(row["label"]) for row in recorded.written]),
        np.array([cells.index(_cell(row)) for row in recorded.written]),
        "written",
    )
    validation = _rows([(row["text"], labels.index(row["label"])) for row in recorded.validation])
    seen = {example_id(text) for text in validation.texts}
    unlabelled = tuple(
        row["text"] for row in recorded.unlabelled(held_out=False) if example_id(row["text"]) not in seen
    )
    test = _shuffled(data, name, "test")
    own = tuple(text for text, label in zip(test.texts, test.labels, strict=True) if label in labels)
    near = [text for text, label in zip(test.texts, test.labels, strict=True) if label not in labels]
    if name in NEAR:
        near += _shuffled(data, NEAR[name], "test").texts
    drawn = np.random.default_rng(seed).permutation(len(unlabelled))[:UNLABELLED]
    return Case(
        rows,
        validation,
        tuple(unlabelled[place] for place in drawn),
        own[:TEXTS],
        tuple(near[:TEXTS]),
        _far(data, name),
    )


def _rows(labelled: Sequence[tuple[str, int]]) -> Rows:
    labels = np.array([label for _, label in labelled])
    return Rows(tuple(text for text, _ in labelled), labels, np.arange(len(labelled)), "real")


def _cell(row: dict[str, str]) -> str:
    return f"{row['label']} {row.get('topic')} {row.get('contrast')}"


def _far(data: Path, name: str) -> tuple[str, ...]:
    alike: dict[str, Sequence[str]] = {"clinc150": ("banking77",), "toxic_chat": ("hate_speech_davidson",)}
    others = [other for other in FAR if other != name and other not in alike.get(name, ())]
    return tuple(text for other in others for text in _shuffled(data, other, "test").texts[:FAR_TEXTS])


def _shuffled(data: Path, name: str, split: str, generator: np.random.Generator | None = None) -> LabelledTexts:
    """Return the rows of a split in a random order, without a `generator` in the same one each time."""
    found = read_split(data, name, split)
    order = (generator or np.random.default_rng(0)).permutation(len(found.texts))
    return LabelledTexts(tuple(found.texts[place] for place in order), tuple(found.labels[place] for place in order))
