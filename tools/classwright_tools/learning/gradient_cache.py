"""The gradient of a loss over a whole batch of texts, within a bound of memory.

A contrastive loss compares every text of a batch with all others, so plain training keeps the activations of all of
them: many gigabytes where texts are long. Here texts are encoded a few at a time, and those over the bound twice: once
for the loss and once more, with the same dropout, for the gradient, which stays the same (Gao et al. 2021, "Scaling
Deep Contrastive Learning Batch Size under Memory Limited Setup", section 3.2).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.memory import trim_heap
from classwright_tools.learning.windows import usual_prompt

logger = logging.getLogger("classwright.learning")

ENCODED_AT_ONCE = 16
"""Texts of like length: little is padded."""
PROCESSOR_BYTES = 600 * 2**20
"""The bound on a processor: a step whose activations take less encodes no text twice."""
GPU_SHARE = 0.4
"""The bound on a GPU, of what is free when training begins: optimiser and attention need the rest."""
AT_ONCE_SHARE = 0.5
"""Of the bound, for texts that are encoded together."""


@dataclass(frozen=True)
class ActivationCost:
    """Memory of the activations of a text of s tokens: `linear` s + `quadratic` s**2 bytes; attention is quadratic."""

    linear: float
    quadratic: float

    def bytes_of(self, texts: int, tokens: int) -> float:
        """Return what so many texts take that are padded to so many tokens."""
        return texts * (self.linear * tokens + self.quadratic * tokens**2)


@dataclass(frozen=True)
class Chunk:
    """Texts of a batch that are encoded together."""

    places: tuple[int, ...]
    kept: bool
    """Whether their activations are kept until the gradient is taken, or the texts are encoded a second time."""


def chunks_of(order: Sequence[int], lengths: np.ndarray, cost: ActivationCost, bound: float) -> list[Chunk]:
    """Return the places `order` in chunks, of which so many keep their activations as `bound` bytes hold.

    `lengths` (n,) are the tokens of the text at each place. A text that is over the bound is a chunk of its own.
    """
    chunks: list[Chunk] = []
    kept = 0.0
    start = 0
    while start < len(order):
        end = start + 1
        while (
            end - start < ENCODED_AT_ONCE
            and end < len(order)
            and cost.bytes_of(end + 1 - start, lengths[list(order[start : end + 1])].max()) <= AT_ONCE_SHARE * bound
        ):
            end += 1
        places = tuple(order[start:end])
        size = cost.bytes_of(len(places), lengths[list(places)].max())
        fits = kept + size <= bound
        kept += size if fits else 0
        chunks.append(Chunk(places, fits))
        start = end
    return chunks


class GradientCache:
    """Takes the gradients of an encoder's batches; made once for a training."""

    def __init__(
        self,
        model: SentenceTransformer,
        longest: int,
        bound: float,
        head: torch.nn.Module | None = None,
        precision: torch.dtype = torch.float32,
    ) -> None:
        """Measure what texts of up to `longest` tokens take in `model`; activations are to take `bound` bytes.

        A `head` is trained along, by the loss. The encoder multiplies in `precision`: its weights, their gradients, the
        embeddings and the loss are in single precision.
        """
        self._model = model
        self._precision = precision
        self._head = head
        self._bound = bound
        self.cost = self._measured(longest)

    def backward(self, texts: Sequence[str], lengths: np.ndarray, loss: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Give the encoder's parameters the gradient of `loss`, which takes the texts' unit-length embeddings (n, d).

        `lengths` (n,) are the tokens of each text, as many as the encoder reads of it. Where memory runs out the bound
        is halved, for good, and the batch is begun anew.

        Raises:
            torch.OutOfMemoryError, RuntimeError, MemoryError: there is no memory for a single text.
        """
        self._within_bound(texts, lengths, lambda chunks: self._take(chunks, texts, loss))

    def backward_each(
        self, texts: Sequence[str], lengths: np.ndarray, loss: Callable[[torch.Tensor, np.ndarray], torch.Tensor]
    ) -> None:
        """Do what `backward` does for a loss that is a sum over texts, none of which is encoded twice.

        `loss` takes the unit-length embeddings (m, d) of some of the texts and their places (m,).
        """

        def take(chunks: list[Chunk]) -> None:
            for chunk in chunks:
                part = self._encode([texts[place] for place in chunk.places])
                loss(torch.nn.functional.normalize(part, dim=1), np.array(chunk.places)).backward()  # type: ignore[no-untyped-call]  # torch
                if not chunk.kept:
                    trim_heap()

        self._within_bound(texts, lengths, take)

    def _within_bound(self, texts: Sequence[str], lengths: np.ndarray, take: Callable[[list[Chunk]], None]) -> None:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        while True:
            chunks = chunks_of(order, lengths, self.cost, self._bound)
            try:
                return take(chunks)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error) or all(len(chunk.places) == 1 and not chunk.kept for chunk in chunks):
                    raise
            self._model.zero_grad()
            if self._head is not None:
                self._head.zero_grad()
            self._bound = min(self._bound, sum(self._size(chunk, lengths) for chunk in chunks)) / 2
            logger.warning("out of memory: texts are encoded fewer at a time, within %.0f MB", self._bound / 2**20)
            if self._model.device.type == "cuda":
                torch.cuda.empty_cache()

    def _size(self, chunk: Chunk, lengths: np.ndarray) -> float:
        return self.cost.bytes_of(len(chunk.places), lengths[list(chunk.places)].max())

    def _take(self, chunks: list[Chunk], texts: Sequence[str], loss: Callable[[torch.Tensor], torch.Tensor]) -> None:
        states, parts = [], []
        with self._rounding():  # the weights are rounded once for all chunks that are kept
            for chunk in chunks:
                states.append(_random_state(self._model.device))
                with contextlib.nullcontext() if chunk.kept else torch.no_grad():
                    parts.append(self._encode([texts[place] for place in chunk.places]))
        embeddings = torch.cat([part.detach() for part in parts]).requires_grad_()
        back = np.argsort([place for chunk in chunks for place in chunk.places])
        loss(torch.nn.functional.normalize(embeddings[torch.from_numpy(back)], dim=1)).backward()  # type: ignore[no-untyped-call]  # torch
        assert embeddings.grad is not None
        gradients = torch.split(embeddings.grad, [len(chunk.places) for chunk in chunks])
        # Those that are kept first: their activations are gone before others are made.
        for number in sorted(range(len(chunks)), key=lambda number: (not chunks[number].kept, -number)):
            part = parts[number]
            if not chunks[number].kept:
                with _random_state_again(self._model.device, states[number]):
                    part = self._encode([texts[place] for place in chunks[number].places])
            part.backward(gradients[number])  # type: ignore[no-untyped-call]  # torch
            parts[number] = part = part.detach()
            if not chunks[number].kept:  # texts so long that what they leave behind in pieces adds up
                trim_heap()

    def _encode(self, texts: list[str]) -> torch.Tensor:
        """Return the embeddings (n, d) of `texts`."""
        return self._embedded(self._features(texts))

    def _embedded(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        with self._rounding():
            embedded: torch.Tensor = self._model(features)["sentence_embedding"]
        return embedded.float()

    def _rounding(self) -> torch.autocast:
        """Return within what the encoder multiplies in the precision asked for.

        The weights are rounded once for all texts within the outermost of these. What was rounded without a gradient is
        not kept: the next texts would have none either.
        """
        mixed = self._precision != torch.float32
        device = self._model.device.type
        return torch.autocast(device, self._precision, enabled=mixed, cache_enabled=torch.is_grad_enabled())

    def _features(self, texts: list[str]) -> dict[str, torch.Tensor]:
        features = self._model.preprocess(texts, prompt=usual_prompt(self._model))
        return {
            name: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }

    def _measured(self, longest: int) -> ActivationCost:
        """Return what a text takes, by two that are `longest` and half as long; the weights' own memory is left out."""
        sizes: list[float] = []
        lengths: list[int] = []
        with _random_state_again(self._model.device, _random_state(self._model.device)), self._rounding():
            weights, _, _kept = self._saved(1)  # kept, so that what comes after lies elsewhere
            for words in (max(1, longest // 2), longest):
                saved, tokens, _ = self._saved(words)
                sizes.append(sum(size for place, size in saved.items() if place not in weights))
                lengths.append(tokens)
        short, long = lengths
        slope = sizes[0] / short  # bytes a token, which grow with the text
        quadratic = max(0.0, (sizes[1] / long - slope) / (long - short)) if long > short else 0.0
        return ActivationCost(max(0.0, slope - quadratic * short), quadratic)

    def _saved(self, words: int) -> tuple[dict[int, int], int, torch.Tensor]:
        """Encode a text; return the bytes of each storage kept for its gradient, its tokens, and its embedding."""
        features = self._features([" ".join(["a"] * words)])
        saved: dict[int, int] = {}

        def count(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()  # an output that its own operation keeps would otherwise keep itself

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            embedded = self._embedded(features)
        mask = features.get("attention_mask")  # an encoder without attention has none
        return saved, words if mask is None else mask.shape[1], embedded


def memory_bound(device: torch.device) -> float:
    """Return the bytes that activations may take on `device`."""
    return GPU_SHARE * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else PROCESSOR_BYTES


def _is_out_of_memory(error: BaseException) -> bool:
    # On a processor torch raises a plain RuntimeError, and its message is all there is to tell it by.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _random_state(device: torch.device) -> list[torch.Tensor]:
    """Return the state of the random numbers that an encoder on `device` draws its dropout by."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


@contextlib.contextmanager
def _random_state_again(device: torch.device, state: list[torch.Tensor]) -> Iterator[None]:
    """Draw from `state` on; afterwards the numbers go on as if nothing had been drawn."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.set_rng_state(state[0])
        if on_gpu:
            torch.cuda.set_rng_state(state[1], device)
        yield
