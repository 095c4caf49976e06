"""Learning from a large labelled dataset of the workspace: once, and never from copies of the task's own rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classwright_tools.augmentation.base_classes import base_classes
from classwright_tools.augmentation.gan_fitting import Pretrained, pretrain
from classwright_tools.augmentation.gan_form import GanForm
from classwright_tools.augmentation.pair_sphere import on_sphere
from classwright_tools.augmentation.pretrained_files import kept_pretrained, pretraining_key, rows_digest
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.rows import without_copies
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace

MOST_ROWS = 50_000  # more take minutes to embed and teach the same
LEAST_ROWS = 100
LEAST_OF_LABEL = 10  # rows of a label that is learned from
SEED = 0  # one pre-training serves all seeds of what follows: it is kept
# Of the progress of the whole call, where nothing is kept yet: to embed thousands of texts takes most of its time.
BEGUN, EMBEDDED, LEARNT = 0.05, 0.75, 0.85


@dataclass(frozen=True)
class Lesson:
    """What a corpus taught, from how many rows, the folded names of its labels, and whether it had been kept."""

    pretrained: Pretrained
    rows: int
    names: frozenset[str]
    reused: bool


def learn_from(
    context: ToolContext,
    encoder: Encoder,
    cache: EmbeddingCache,
    corpus: str,
    own: dict[Split, list[Example]],
    kind: TaskKind,
    *,
    network: bool,
) -> Lesson:
    """Return what the training rows of the dataset `corpus` teach, without near-duplicates of the rows in `own`.

    Its rows must be of the `kind` of the task's: single texts or pairs.

    With `network` the GAN is pre-trained on them, or taken from the workspace if it has been; without, only the means
    and covariances of its labels are taken.

    Raises:
        InvalidInput: its rows are of the other kind.
        NotEnoughData: it has fewer than 100 rows, or fewer than two labels with 10.
    """
    rows = _corpus_rows(context.workspace, corpus, own, kind)
    names = sorted({str(row.label) for row in rows})
    numbers = np.array([names.index(str(row.label)) for row in rows])
    features = _embedded([row.content for row in rows], encoder, cache, corpus, context)
    vectors = on_sphere(kind, features)
    labels = np.eye(len(names), dtype=np.float32)[numbers]
    folded = frozenset(name.casefold() for name in names)
    if not network:
        return Lesson(Pretrained(base_classes(vectors, labels, names), None), len(rows), folded, reused=False)
    digest = rows_digest([(row.id, str(row.label)) for row in rows])
    pretrained, reused = kept_pretrained(
        context.workspace.cache,
        pretraining_key(digest, encoder.ref.digest, GanForm(), SEED),
        lambda: pretrain(
            vectors,
            labels,
            names,
            GanForm(),
            SEED,
            lambda done: context.progress(
                EMBEDDED + (LEARNT - EMBEDDED) * done, f"pre-training on {corpus}, once: it is kept"
            ),
        ),
    )
    return Lesson(pretrained, len(rows), folded, reused)


def _embedded(
    texts: Sequence[str], encoder: Encoder, cache: EmbeddingCache, corpus: str, context: ToolContext
) -> np.ndarray:
    """Return the embeddings (n, d) of a corpus; how many are to be computed is told from the start, then for how long.

    The encoder begins with the shortest texts, so what is left takes longer than the first ones say.
    """
    new = len(encoder.missing(texts, cache))
    started = time.monotonic()

    def tell(done: float) -> None:
        seconds = (time.monotonic() - started) * (1 / done - 1) if done else 0.0
        left = f"at least {seconds:,.0f} s left" if done else "minutes on a CPU where they are thousands"
        context.progress(
            BEGUN + (EMBEDDED - BEGUN) * done, f"embedding {counted(new, 'text')} of {corpus}, once: {left}"
        )

    return encoder.embed(texts, cache, tell)


def _corpus_rows(workspace: Workspace, corpus: str, own: dict[Split, list[Example]], kind: TaskKind) -> list[Example]:
    labelled = [row for row in read_rows(workspace, corpus, "train") if row.label is not None]
    if any((row.text_pair is not None) != (kind == "pair") for row in labelled):
        reason, wanted = ("holds single texts", "pairs") if kind == "pair" else ("holds pairs", "single texts")
        raise InvalidInput(f"dataset {corpus!r}", f"{reason}, and the task is about {wanted}", f"Name one of {wanted}.")
    chosen = np.random.default_rng(SEED).permutation(len(labelled))[:MOST_ROWS]
    kept = without_copies(
        [labelled[place] for place in np.sort(chosen)], [row for rows in own.values() for row in rows]
    )
    counts: dict[str, int] = {}
    for row in kept:
        counts[str(row.label)] = counts.get(str(row.label), 0) + 1
    enough = [row for row in kept if counts[str(row.label)] >= LEAST_OF_LABEL]
    if len(enough) < LEAST_ROWS or len({row.label for row in enough}) < 2:
        raise NotEnoughData(
            f"the corpus {corpus!r}",
            f"has {counted(len(enough), 'row')} of labels with {LEAST_OF_LABEL} rows or more, without copies of the "
            "task's rows",
            f"Name a dataset with {LEAST_ROWS} rows of two labels or more, or leave `pretrain_dataset` out.",
        )
    return enough
