"""Gradients of whole batches within a bound of memory, with an encoder in training, dropout and all."""

from __future__ import annotations

from functools import partial
from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.contrastive import supervised_contrastive_loss
from classwright_tools.learning.gradient_cache import AT_ONCE_SHARE, ActivationCost, GradientCache, chunks_of
from classwright_tools.learning.tuning import token_lengths
from support.learning import WRITTEN

TEXTS = [text for topics in WRITTEN.values() for texts in topics.values() for text in texts][:20]


@pytest.fixture(scope="module")
def encoder(shallow: str) -> SentenceTransformer:
    return SentenceTransformer(shallow).train()


def _gradient(
    encoder: SentenceTransformer, texts: list[str], bound: float, precision: torch.dtype = torch.float32
) -> torch.Tensor:
    """Return the gradient that a batch of `texts` gives within `bound`, as one vector."""
    torch.manual_seed(3)
    encoder.zero_grad()
    lengths = token_lengths(encoder, tuple(texts))
    labels = torch.arange(len(texts)) % 3
    cache = GradientCache(encoder, int(lengths.max()), bound, precision=precision)
    cache.backward(texts, lengths, lambda embeddings: supervised_contrastive_loss(embeddings, labels, 0.07))
    found = [parameter.grad.flatten() for parameter in encoder.parameters() if parameter.grad is not None]
    return torch.cat(found)


@pytest.mark.parametrize("bound", [inf, 64 * 2**20, 1.0])
def test_the_gradient_within_a_bound_is_that_of_the_whole_batch_with_the_same_dropout(
    encoder: SentenceTransformer, bound: float
) -> None:
    batch = [text for text in TEXTS if len(text) < 45][:6]
    torch.manual_seed(3)
    encoder.zero_grad()
    order = sorted(range(len(batch)), key=lambda place: len(batch[place]))
    parts = []
    for chunk in chunks_of(order, token_lengths(encoder, tuple(batch)), _cost_of(encoder, batch), bound):
        parts.append(encoder(encoder.preprocess([batch[place] for place in chunk.places]))["sentence_embedding"])
    back = torch.from_numpy(np.argsort(order))
    embeddings = torch.nn.functional.normalize(torch.cat(parts)[back], dim=1)
    supervised_contrastive_loss(embeddings, torch.arange(len(batch)) % 3, 0.07).backward()
    wanted = torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])

    found = _gradient(encoder, batch, bound)

    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def _cost_of(encoder: SentenceTransformer, batch: list[str]) -> ActivationCost:
    return GradientCache(encoder, int(token_lengths(encoder, tuple(batch)).max()), inf).cost


@pytest.mark.parametrize("bound", [inf, 64 * 2**20, 1.0])
def test_in_mixed_precision_all_weights_get_about_the_same_gradient_and_stay_in_single_precision(
    encoder: SentenceTransformer, bound: float
) -> None:
    encoder.eval()  # without dropout, which is drawn by chunks: of these the two have others
    whole = _gradient(encoder, TEXTS, inf)
    rounded = _gradient(encoder, TEXTS, bound, torch.bfloat16)
    encoder.train()
    assert rounded.shape == whole.shape
    assert rounded.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(rounded, whole, dim=0) > 0.99
    assert not torch.equal(rounded, whole)


def test_in_mixed_precision_a_text_takes_less_memory_however_many_weights_are_rounded(
    encoder: SentenceTransformer,
) -> None:
    single, mixed = (GradientCache(encoder, 200, inf, precision=one).cost for one in (torch.float32, torch.bfloat16))
    assert mixed.bytes_of(1, 60) < 0.9 * single.bytes_of(1, 60)
    shorter = GradientCache(encoder, 60, inf, precision=torch.bfloat16).cost
    assert mixed.bytes_of(1, 60) == pytest.approx(shorter.bytes_of(1, 60), rel=0.1)


def test_what_a_text_takes_is_told_for_lengths_that_were_not_measured(encoder: SentenceTransformer) -> None:
    measured, shorter = GradientCache(encoder, 200, inf).cost, GradientCache(encoder, 60, inf).cost
    assert measured.bytes_of(1, 60) == pytest.approx(shorter.bytes_of(1, 60), rel=0.1)
    assert measured.bytes_of(1, 200) > 4 * measured.bytes_of(1, 60)  # attention is quadratic


def test_where_memory_runs_out_fewer_texts_are_encoded_at_a_time_and_the_gradient_is_still_whole(
    encoder: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[int] = []

    def little_memory(_module: torch.nn.Module, inputs: tuple[dict[str, torch.Tensor]]) -> None:
        texts = len(inputs[0]["input_ids"])
        if texts > 2:
            refused.append(texts)
            raise torch.OutOfMemoryError("no room")

    hook = encoder[0].register_forward_pre_hook(little_memory)
    try:
        found = _gradient(encoder, TEXTS[:8], 600 * 2**20)
    finally:
        hook.remove()
    assert refused
    assert found.isfinite().all()
    assert found.norm() > 0
    assert "out of memory" in caplog.text


@pytest.mark.parametrize("bound", [inf, 1.0])
def test_a_loss_that_is_a_sum_has_the_same_gradient_text_by_text_and_where_memory_runs_out(
    encoder: SentenceTransformer, bound: float
) -> None:
    """Of the encoder and of the head, whose part of the gradient is begun anew as well."""
    labels = torch.arange(len(TEXTS)) % 3
    head = torch.nn.Linear(384, 3)
    encoder.eval()  # without dropout, which is drawn by chunks
    encoder.zero_grad()
    embeddings = torch.nn.functional.normalize(encoder(encoder.preprocess(TEXTS))["sentence_embedding"], dim=1)
    torch.nn.functional.cross_entropy(head(embeddings), labels).backward()
    wanted = _gradients(encoder, head)
    lengths = token_lengths(encoder, tuple(TEXTS))
    cache = GradientCache(encoder, int(lengths.max()), bound, head)
    calls: list[int] = []

    def loss(embeddings: torch.Tensor, places: np.ndarray) -> torch.Tensor:
        calls.append(len(places))
        if bound == inf and len(calls) == 2:
            raise torch.OutOfMemoryError("no room")
        return torch.nn.functional.cross_entropy(head(embeddings), labels[places], reduction="sum") / len(TEXTS)

    cache.backward_each(TEXTS, lengths, loss)
    encoder.train()

    assert sum(calls) > len(TEXTS) if bound == inf else calls == [1] * len(TEXTS)
    torch.testing.assert_close(_gradients(encoder, head), wanted, rtol=1e-3, atol=1e-6)


def _gradients(*modules: torch.nn.Module) -> torch.Tensor:
    """Return the gradients of `modules` as one vector, and set them to none."""
    found = [one.grad.flatten() for module in modules for one in module.parameters() if one.grad is not None]
    for module in modules:
        module.zero_grad()
    return torch.cat(found)


def test_one_text_that_does_not_fit_is_an_error_and_no_endless_loop(encoder: SentenceTransformer) -> None:
    def no_memory(_module: torch.nn.Module, inputs: tuple[dict[str, torch.Tensor]]) -> None:
        if len(inputs[0]["input_ids"]) > 0 and not measuring:
            raise torch.OutOfMemoryError("no room")

    measuring = True
    cache = GradientCache(encoder, 16, 64 * 2**20)
    measuring = False
    hook = encoder[0].register_forward_pre_hook(no_memory)
    try:
        with pytest.raises(torch.OutOfMemoryError):
            cache.backward(TEXTS[:3], np.array([10, 10, 10]), partial(torch.sum))
    finally:
        hook.remove()


@given(
    lengths=st.lists(st.integers(1, 512), min_size=1, max_size=80),
    linear=st.floats(1, 1e6),
    quadratic=st.floats(0, 1e4),
    bound=st.floats(1, 1e10),
)
def test_every_text_is_in_one_chunk_and_what_is_kept_is_within_the_bound(
    lengths: list[int], linear: float, quadratic: float, bound: float
) -> None:
    cost = ActivationCost(linear, quadratic)
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    chunks = chunks_of(order, np.array(lengths), cost, bound)
    sizes = [cost.bytes_of(len(chunk.places), max(lengths[place] for place in chunk.places)) for chunk in chunks]
    assert [place for chunk in chunks for place in chunk.places] == order
    assert sum(size for size, chunk in zip(sizes, chunks, strict=True) if chunk.kept) <= bound
    assert all(
        size <= AT_ONCE_SHARE * bound or len(chunk.places) == 1 for size, chunk in zip(sizes, chunks, strict=True)
    )
