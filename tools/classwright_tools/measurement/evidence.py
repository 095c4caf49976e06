"""The evidence of an error analysis: answers to real validation rows, and to held-out training rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.example import REAL_TEXTS, Example
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, encoder_at_hand
from classwright_tools.learning.model import Model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.learning.training_data import counted_validation
from classwright_tools.measurement.caveats import not_covered
from classwright_tools.measurement.held_out import Answers, answers, true_labels
from classwright_tools.measurement.out_of_fold import out_of_fold
from classwright_tools.measurement.second_opinion import SecondOpinion, over, second_opinion
from classwright_tools.measurement.text_map import LEAST_TEXTS, TextMap, map_sample, text_map
from classwright_tools.measurement.trained_rows import unseen
from classwright_tools.workspace.datasets import iterate_rows, read_rows
from classwright_tools.workspace.workspace import Workspace

UNLABELLED_TEXTS = 2_000  # real ones, read for their style; more would not change what is said of it

MOST_UNASKED = 300  # texts of a map that takes about a second

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Evidence:
    """The rows and answers of one dataset; at least one of `real` and `held_out` is there.

    `real` are the model's answers to the real validation rows, but for the `left_out` ones that it learnt from;
    `validation` has the ids of all rows of that split. `held_out` are a probe's to the training rows. The
    `second_opinion` on the labels of both splits is a probe's that has learnt from rows of both: a model without real
    training rows has habits of its own, and what contradicts a habit is no wrong label.
    """

    train: tuple[Example, ...]
    validation: frozenset[str]
    unlabelled: tuple[Example, ...]
    real: Answers | None
    left_out: int
    held_out: Answers | None
    second_opinion: SecondOpinion | None
    encoder: Encoder
    cache: EmbeddingCache

    @property
    def errors_in(self) -> Answers:
        """The answers to explain: those to real validation rows if there are any."""
        found = self.real or self.held_out
        assert found
        return found

    @property
    def sources(self) -> list[Answers]:
        """All answers of a model to rows that it did not see."""
        return [found for found in (self.real, self.held_out) if found]

    @property
    def written_rows(self) -> list[Example]:
        """The training rows that were written by a language model."""
        return [row for row in self.train if row.origin == "written"]

    @property
    def real_rows(self) -> list[Example]:
        """The real validation rows and the unlabelled ones."""
        return [*(self.real.rows if self.real else ()), *self.unlabelled]

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the frozen encoder's embeddings (n, d) of `texts`."""
        return self.encoder.embed(texts, self.cache)

    def text_map(self, seed: int, *, asked: bool) -> TextMap | None:
        """Return the map of the written and the real texts; None where there are too few to draw.

        Of more than `MOST_UNASKED` it is drawn where it is `asked` for, as it takes seconds.
        """
        written = [row.content for row in self.written_rows]
        texts = [*written, *(row.content for row in self.real_rows)]
        real = np.arange(len(texts)) >= len(written)
        if len(texts) < LEAST_TEXTS or (len(texts) > MOST_UNASKED and not asked):
            return None
        places = map_sample(real, seed)
        return TextMap(text_map(self.embed([texts[place] for place in places]), seed, self.cache.folder), real[places])

    @property
    def cannot_know(self) -> str:
        """What the rows cannot tell; empty if they are real validation rows and every label has some."""
        found = self.errors_in
        counts = found.true.sum(axis=0) if found.several else np.bincount(found.true, minlength=len(found.labels))
        bare = [label for label, rows in zip(found.labels, counts, strict=True) if not rows]
        return " ".join(filter(None, (self._stand_in, not_covered(bare))))

    @property
    def _stand_in(self) -> str:
        """What it means that the rows are not real validation rows; empty if they are."""
        found = self.errors_in
        if found.data == "written":
            return (
                "There are no real validation rows. The errors are those of a classifier on written rows that were "
                "held out group by group: they show where the written texts of two labels run together. They cannot "
                "tell how often real texts are classified wrongly, which words, subjects and styles of real texts "
                "were never written, or how frequent each label really is. Ten real rows a label are a start: "
                "import_examples with split='validation'."
            )
        if found.data == "mixed":
            return (
                "There are no real validation rows. The errors are those of a classifier on training rows, real, "
                "annotated or written, that were held out: they tell which texts are hard, not how often this model "
                "is wrong, on real texts least of all. Keep some real rows out of training: import_examples with "
                "split='validation'."
            )
        if self.real is None:
            return (
                "There are no validation rows. The errors are those of a classifier on real training rows that were "
                "held out: they tell which texts are hard, not how often this model is wrong. Keep some rows out of "
                "training: import_examples with split='validation'."
            )
        return ""


def gather(workspace: Workspace, model: Model, dataset: str, seed: int, progress: Progress) -> Evidence:
    """Return the evidence in `dataset` on `model`; its test rows are not read.

    Raises:
        InvalidInput: a row has a label that the model does not know.
        NotEnoughData: there are neither real validation rows nor training rows that can be held out.
    """
    train = tuple(row for row in read_rows(workspace, dataset, "train") if row.label_key is not None)
    checked = read_rows(workspace, dataset, "validation")
    counted_rows = counted_validation(checked)
    validation = [row for row in counted_rows if row.origin in REAL_TEXTS]
    true_labels([*train, *validation], model.space, dataset)  # else a fold of them is refused, which knows no model
    unlabelled = (row for batch in iterate_rows(workspace, dataset, "unlabelled") for row in batch)
    encoder = encoder_for(model.card.kind, encoder_at_hand(model.card.encoder.name, workspace.encoders))
    cache = EmbeddingCache(workspace.embeddings)
    counted = unseen(workspace, [model.card], validation, lambda: progress(0.0))
    real = answers(model, counted, dataset, lambda done: progress(done / 3)) if counted else None

    labelled = [row for row in checked if row.label_key is not None]
    opinion = second_opinion(
        (*train, *labelled),
        model.labels,
        dataset,
        encoder,
        cache,
        seed,
        lambda done: progress((1 + done) / 3),
        several=model.space.several,
    )
    # Real rows of both splits are of one kind: answers by a probe of both are as good as by one of the training rows.
    is_alike = not labelled or all(row.origin in REAL_TEXTS for row in (*train, *labelled))
    own = opinion.held_out.among({row.id for row in train}) if opinion and is_alike else None
    if own and own.rows and {*own.labels} == {*model.labels}:
        held_out: Answers | None = over(own, model.labels)
    else:
        try:
            held_out, _ = out_of_fold(
                train,
                model.labels,
                dataset,
                encoder,
                cache,
                seed,
                lambda done: progress((2 + done) / 3),
                several=model.space.several,
            )
        except NotEnoughData:
            if real is None:
                raise
            held_out = None
    return Evidence(
        train=train,
        validation=frozenset(row.id for row in checked),
        unlabelled=tuple(islice((row for row in unlabelled if row.origin == "real"), UNLABELLED_TEXTS)),
        real=real,
        left_out=len(validation) - len(counted),
        held_out=held_out,
        second_opinion=opinion,
        encoder=encoder,
        cache=cache,
    )
