"""Windows: a text that is longer than an encoder takes at once is read piece by piece, and the pieces are averaged.

The tokens of a text, prompt and all, are cut into windows of the encoder's length, none of which overlap; each window
gets the tokens that begin and end a text. The text's embedding is the mean of the windows' unit-length embeddings, each
weighed by its tokens so that a short rest counts little, and cut to unit length. `benchmarks/long_texts.py` measures
what that gains over the first window alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Window = dict[str, list[int]]
"""What a tokenizer makes of a piece of a text: ids and masks, by the name of the encoder's input."""

MOST_WINDOWS = 8  # of a text: 2,000 tokens where an encoder takes 256 at once
TOKENS_AT_ONCE = 8_192  # of a forward pass, padding and all
# A tokenizer that knows no limit names an astronomical one.
NO_LIMIT = 10**6
OWN_TOKENS = 8  # at most, of what a tokenizer puts before and after a text


def tokens_at_once(model: SentenceTransformer) -> int | None:
    """Return the number of tokens that `model` takes of a text, or None if it takes any number."""
    tokens = model.max_seq_length
    return None if tokens is None or tokens >= NO_LIMIT else int(tokens)


def usual_prompt(model: SentenceTransformer) -> str:
    """Return what `model.encode` puts before every text, which few encoders have; usually nothing."""
    return model.prompts.get(model.default_prompt_name or "") or ""


def most_windows(model: SentenceTransformer) -> int:
    """Return how many windows `model` can read of a text: 1 where its tokenizer or its prompt allow no more.

    A prompt that is left out of embeddings is left out of the same place of every window, where later ones have text.
    """
    leaves_out = usual_prompt(model) and not all(getattr(module, "include_prompt", True) for module in model)
    can_split = tokens_at_once(model) is not None and getattr(model.tokenizer, "is_fast", False)
    return MOST_WINDOWS if can_split and not leaves_out else 1


def windows_of(model: SentenceTransformer, texts: Sequence[str], most: int) -> list[list[Window]]:
    """Return the first `most` windows of each text, at least one, not padded."""
    encoded = model.tokenizer(
        [usual_prompt(model) + text for text in texts],
        truncation=True,
        max_length=tokens_at_once(model),
        return_overflowing_tokens=True,
        verbose=False,
    )
    of_text = encoded.pop("overflow_to_sample_mapping")
    windows: list[list[Window]] = [[] for _ in texts]
    for place, text in enumerate(of_text):
        if len(windows[text]) < most:
            windows[text].append({field: encoded[field][place] for field in encoded})
    return windows


def embed_windows(model: SentenceTransformer, windows: Sequence[Sequence[Window]]) -> np.ndarray:
    """Return the unit-length embeddings (n, d), float32, of n texts, each given as its `windows_of`."""
    flat = [window for of_text in windows for window in of_text]
    order = sorted(range(len(flat)), key=lambda place: -len(flat[place]["input_ids"]))
    parts, start = [], 0
    while start < len(order):
        places = order[start : start + max(1, TOKENS_AT_ONCE // len(flat[order[start]]["input_ids"]))]
        parts.append(_embedded(model, [flat[place] for place in places]))
        start += len(places)
    vectors = _unit(np.concatenate(parts))[np.argsort(order)]
    weighed = vectors * np.array([[len(window["input_ids"])] for window in flat], np.float32)
    starts = np.cumsum([0, *(len(of_text) for of_text in windows)])[:-1]
    return _unit(np.add.reduceat(weighed, starts, axis=0))


def _embedded(model: SentenceTransformer, windows: list[Window]) -> np.ndarray:
    import torch

    model.eval()
    features = model.tokenizer.pad(windows, return_tensors="pt")
    with torch.inference_mode():
        embedded = model({field: ids.to(model.device) for field, ids in features.items()})["sentence_embedding"]
    vectors: np.ndarray = embedded.float().cpu().numpy()
    return vectors


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
