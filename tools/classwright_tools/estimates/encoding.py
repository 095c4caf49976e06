"""The encoding that a call will do: the texts that are not in the cache, at a pace that was measured here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from classwright_tools.context import AUTO_ENCODER, ToolContext
from classwright_tools.estimates.guesses import ENCODING, FROZEN_COPIES, LIBRARIES_MB, LOADED, MINILM_MB
from classwright_tools.estimates.history import History
from classwright_tools.estimates.parts import Guess, Part
from classwright_tools.meter import LOADING, Meter

if TYPE_CHECKING:
    from classwright_tools.domain.cards import EncoderRef
    from classwright_tools.domain.example import Split
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import Encoder

MEASURED_TEXTS = 64
WARMING_TEXTS = 8
"""The first texts that a process encodes take longer than others."""
_MB = 1_000_000


def texts_of(context: ToolContext, dataset: str, splits: Sequence[Split]) -> dict[Split, list[str]]:
    """Return the texts of a dataset by split; of pairs the queries, then the items."""
    from classwright_tools.workspace.datasets import read_table

    table = read_table(context.workspace, dataset)
    split_of = table["split"].to_pylist()
    columns = [table[name].to_pylist() for name in ("text", "text_pair") if name in table.column_names]
    return {
        split: [text for column in columns for text, its in zip(column, split_of, strict=True) if its == split and text]
        for split in splits
    }


class Encoding:
    """The encoder of a call, as far as its cost goes; `encoder` is None where it is not on this machine yet."""

    def __init__(self, name: str, encoder: Encoder | None, context: ToolContext) -> None:
        from classwright_tools.learning.encoders import encoding, shown_name

        self.name = name
        self._shown = shown_name(name)
        self._encoder = encoder
        self._context = context
        self._kind = encoding(name)
        self.weights_mb = _weights_mb(encoder) if encoder else MINILM_MB
        self.slowness = max(0.1, self.weights_mb / MINILM_MB)
        self.has_layers = encoder is None or encoder.has_layers

    @property
    def remark(self) -> str:
        """What the estimate leaves out."""
        return "" if self._encoder else f"without fetching {self._shown!r}, which is taken for one of MiniLM's size"

    @property
    def memory(self) -> int:
        """A guess at the megabytes of a process that encodes."""
        return round(LIBRARIES_MB + FROZEN_COPIES * self.weights_mb)

    def part(
        self, texts: Sequence[str], *, anew: Sequence[str] = (), of: EncoderRef | None = None, tuned: bool = False
    ) -> Part:
        """Return the work for `texts`, of which those in the cache take none, and for those that are read `anew`.

        With `of` the encoder is a model's own, which is like this one; `tuned` says that its weights are others.
        The pace of an encoder that was never measured here is measured by the first of the texts.
        """
        from classwright_tools.learning.embedding_cache import EmbeddingCache
        from classwright_tools.learning.encoders import CHUNK, encoding_units

        missing = list(dict.fromkeys(texts))
        if self._encoder:
            cache = EmbeddingCache(self._context.workspace.embeddings, tuned=tuned)
            encoder = replace(self._encoder, ref=of) if of else self._encoder
            missing = encoder.missing(missing, cache)
            if missing and not tuned and self._measured(missing, cache):
                missing = encoder.missing(missing, cache)
        units = encoding_units(missing) + encoding_units(anew)
        chunks = -(-len(missing) // CHUNK) + -(-len(anew) // CHUNK)
        guess = Guess(ENCODING.each * self.slowness, ENCODING.unit * self.slowness)
        return Part(self._kind, units, guess, times=chunks)

    def _measured(self, missing: Sequence[str], cache: EmbeddingCache) -> bool:
        """Measure the pace by some of the texts, which are then in the cache, unless it is known already."""
        history = History(self._context.workspace.engine)
        if history.of(self._kind):
            return False
        assert self._encoder
        step = max(1, len(missing) // (MEASURED_TEXTS + WARMING_TEXTS))
        sample = missing[::step]
        self._context.progress(None, "measuring the pace of the encoder")
        self._encoder.embed(sample[:WARMING_TEXTS], cache)
        meter = Meter()
        with meter.running():
            self._encoder.embed(sample[WARMING_TEXTS : WARMING_TEXTS + MEASURED_TEXTS], cache)
        history.add(meter)
        return True


def encoding_by(name: str | None, context: ToolContext) -> Encoding:
    """Return the encoding by the encoder that a call names; for a choice of the best, by the server's own."""
    load_measured(context)
    from classwright_tools.learning.callers_encoders import callers_encoder_here

    meant = context.encoder if name in (None, AUTO_ENCODER) else str(name)
    return Encoding(meant, callers_encoder_here(meant, context), context)


def load_measured(context: ToolContext) -> None:
    """Load the libraries of encoders and keep how long it took, so that no work of the call is taken to be slower."""
    from classwright_tools.learning.encoders import load_libraries

    if not loading().times:
        return
    context.progress(0.0, LOADING)
    meter = Meter()
    with meter.running():
        load_libraries()
    History(context.workspace.engine).add(meter)


def loading() -> Part:
    """Return the loading of the libraries, if this process has not loaded them."""
    return Part(LOADING, 1, LOADED, times=0 if "sentence_transformers" in sys.modules else 1)


def _weights_mb(encoder: Encoder) -> float:
    return sum(one.numel() * one.element_size() for one in encoder.model.parameters()) / _MB
