"""Token embeddings: the frozen encoder's last hidden states, in half precision, fewer dimensions, and padded."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder

LONGEST = 48  # tokens of a text that are looked at; product titles end before
DIMENSIONS = 96  # principal components kept: attention learns few weights, and a fit takes seconds
FITTING_TOKENS = 40_000  # tokens enough for the principal components
CHUNK = 256  # texts between two reports of progress


@dataclass(frozen=True)
class TokenProjection:
    """The mean (d,) and the first principal axes (d, p) of token embeddings; float32.

    The encoder's token embeddings all share one large component: without their mean, similarities tell more.
    """

    mean: np.ndarray
    axes: np.ndarray

    @staticmethod
    def fit(states: Sequence[np.ndarray]) -> TokenProjection:
        """Return the projection of `states`, one matrix (tokens, d) a text; the same for the same states."""
        parts, count = [], 0
        for place in np.random.default_rng(0).permutation(len(states)):
            parts.append(states[place])
            count += len(parts[-1])
            if count >= FITTING_TOKENS:
                break
        tokens = np.concatenate(parts).astype(np.float32)
        mean = tokens.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((tokens - mean).T))
        return TokenProjection(mean=mean, axes=axes[:, ::-1][:, :DIMENSIONS].astype(np.float32).copy())

    def table(self, states: Sequence[np.ndarray]) -> TokenTable:
        """Return the projected states of texts, padded with zeros to the longest of them."""
        lengths = np.array([len(one) for one in states], np.int64)
        values = np.zeros((len(states), max(1, lengths.max(initial=0)), self.axes.shape[1]), np.float16)
        if lengths.sum():
            tokens = np.concatenate(states).astype(np.float32)
            values[np.arange(values.shape[1])[None, :] < lengths[:, None]] = (tokens - self.mean) @ self.axes
        return TokenTable(torch.from_numpy(values), torch.from_numpy(np.maximum(lengths, 1)))


@dataclass(frozen=True)
class TokenTable:
    """Token embeddings (n, t, p) of n texts in half precision, and how many of the t are theirs (n,)."""

    values: torch.Tensor
    lengths: torch.Tensor

    def of(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings (b, t, p) and which are tokens and not padding (b, t), of the texts at `places`."""
        lengths = self.lengths[places]
        longest = int(lengths.max())
        return self.values[places, :longest].float(), torch.arange(longest)[None, :] < lengths[:, None]


def token_states(
    encoder: Encoder,
    texts: Sequence[str],
    cache: EmbeddingCache | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> list[np.ndarray]:
    """Return the last hidden states (tokens, d), float16, of each text, without special tokens, up to `LONGEST`.

    `cache` is a workspace's; the states are kept in it under a name of their own. `on_progress` is called with the
    share done every `CHUNK` texts; what it raises stops the work.
    """
    name = f"{encoder.ref.digest}-tokens"
    kept = cache.in_half_precision() if cache else None
    unique = list(dict.fromkeys(texts))
    known = kept.get(name, unique) if kept else {}
    missing = sorted((text for text in unique if text not in known), key=lambda text: (len(text), text))
    for start in range(0, len(missing), CHUNK):
        if on_progress:
            on_progress(start / len(missing))
        chunk = missing[start : start + CHUNK]
        states = _computed(encoder, chunk)
        if kept:
            kept.put(name, chunk, states)
        known.update(zip(chunk, states, strict=True))
    width = int(encoder.model[0].get_embedding_dimension())  # type: ignore[operator]  # of the transformer
    return [known[text].reshape(-1, width) for text in texts]


def token_pieces(encoder: Encoder, text: str) -> list[str]:
    """Return the pieces of words that `token_states` has a state of each for, without the marks of the tokenizer."""
    tokenizer = encoder.model.tokenizer
    pieces = tokenizer.convert_ids_to_tokens(_token_ids(encoder, [text])[0])
    return [piece.replace("##", "").replace("▁", "") for piece in pieces]


def _computed(encoder: Encoder, texts: list[str]) -> list[np.ndarray]:
    # Without the encoder's usual prompt, if it has one: attention is to the words of the text.
    outputs: Any = encoder.model.encode(texts, prompt="", batch_size=64, output_value=None, show_progress_bar=False)
    special = set(encoder.model.tokenizer.all_special_ids)
    states = []
    for output in outputs:
        own = own_tokens(output["input_ids"].tolist(), output["attention_mask"], special)
        states.append(output["token_embeddings"][own][:LONGEST].to(torch.float16).cpu().numpy())
    return states


def own_tokens(ids: Sequence[int], mask: torch.Tensor, special: Container[int]) -> torch.Tensor:
    """Return which of the tokens `ids` (t) are the text's own (t,): neither padding, by `mask` (t,), nor `special`.

    It is on the device of `mask`, the encoder's.
    """
    return mask.bool() & torch.tensor([token not in special for token in ids], device=mask.device)


def _token_ids(encoder: Encoder, texts: list[str]) -> list[list[int]]:
    encoded = encoder.model.tokenizer(texts, truncation=True, max_length=encoder.model.max_seq_length)["input_ids"]
    special = set(encoder.model.tokenizer.all_special_ids)
    return [[token for token in ids if token not in special][:LONGEST] for ids in encoded]
