"""Batches of chat prompts through a causal language model of the transformers library; to be run in a thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import UnusableAnswer, WriterUnavailable
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.completions.parsing.answer import is_exhausted
from classwright_tools.writing.completions.retry import Reply
from classwright_tools.writing.prompts.render import Message

LOOK_EVERY = 16  # tokens: reading the answers anew takes longer than a token of a small model


class CausalModel:
    """A model and its tokenizer, loaded when they are first needed. One batch is generated at a time."""

    def __init__(self, path: str, name: str) -> None:
        """Use the model in the folder, or of the hub's name, `path`; `name` is what errors call it."""
        self._path = path
        self._name = name
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def generate(
        self,
        prompts: Sequence[list[Message]],
        temperature: float,
        most_tokens_out: int,
        seed: int,
        stop: threading.Event,
        opening: str = "",
    ) -> list[Reply | WriterFailed]:
        """Return the reply to each prompt, or why it has none; `stop` ends the generation at the next token.

        Every reply begins with `opening`, which the model goes on from: the form of the answer is then settled.

        Raises:
            WriterUnavailable: the model cannot be loaded.
        """
        import torch

        with self._lock, torch.random.fork_rng():
            torch.manual_seed(seed)
            model, tokenizer = self._load()
            texts = [_as_text(tokenizer, messages) + opening for messages in prompts]
            lengths = [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
            context = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
            fitting = [i for i, length in enumerate(lengths) if length < context]
            replies: list[Reply | WriterFailed] = [self._too_long(length, context) for length in lengths]
            if fitting:
                limit = min(most_tokens_out, context - max(lengths[i] for i in fitting))
                found = _sampled(model, tokenizer, [texts[i] for i in fitting], temperature, limit, stop, opening)
                for i, reply in zip(fitting, found, strict=True):
                    replies[i] = reply
            return replies

    def _load(self) -> tuple[Any, Any]:
        """Return the model and its tokenizer; no code of the model's folder is run and no pickle is read."""
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            try:
                # Said outright: left open, a model that brings code makes transformers ask on the standard input.
                tokenizer = AutoTokenizer.from_pretrained(self._path, padding_side="left", trust_remote_code=False)
                model: Any = AutoModelForCausalLM.from_pretrained(
                    self._path, dtype="auto", use_safetensors=True, trust_remote_code=False
                )
            except (OSError, ValueError, KeyError) as error:
                raise WriterUnavailable(
                    f"local model {self._name!r}",
                    "cannot be loaded as a causal language model with safetensors weights",
                    "Check the folder or the name that the server was started with.",
                ) from error
            if tokenizer.pad_token is None:
                tokenizer.pad_token = tokenizer.eos_token
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._loaded = model.to(device).eval(), tokenizer
        return self._loaded

    def _too_long(self, length: int, context: int) -> WriterFailed:
        return UnusableAnswer(
            f"local model {self._name!r}",
            f"takes {context} tokens, and the prompt has {length}",
            "Shorten the labels' descriptions, or use a model with a longer context.",
            TokenCount(0, 0),
        )


def _as_text(tokenizer: Any, messages: list[Message]) -> str:
    """Return `messages` as the model was trained to read them; one after the other if it has no chat template."""
    joined = "\n\n".join(message["content"] for message in messages)
    if tokenizer.chat_template is None:
        return f"{tokenizer.bos_token or ''}{joined}\n\n"
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    except TemplateError:  # some templates know no system message
        alone = [{"role": "user", "content": joined}]
        return str(tokenizer.apply_chat_template(alone, tokenize=False, add_generation_prompt=True))


def _sampled(
    model: Any, tokenizer: Any, texts: list[str], temperature: float, limit: int, stop: threading.Event, opening: str
) -> list[Reply]:
    """Return a sampled continuation of each of `texts`, of at most `limit` tokens, behind the `opening` they end with.

    A row whose answer was opened for it ends where nothing of use can follow; what a model thinks has no such end.
    """
    import torch

    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    width = inputs["input_ids"].shape[1]
    ends = _end_tokens(model, tokenizer)

    def is_done(ids: torch.Tensor, _scores: torch.Tensor, **_: Any) -> torch.Tensor:
        done = [stop.is_set()] * len(texts)
        if opening and (ids.shape[1] - width) % LOOK_EVERY == 0:
            answers = tokenizer.batch_decode(ids[:, width:], skip_special_tokens=True)
            done = [stopped or is_exhausted(opening + answer) for stopped, answer in zip(done, answers, strict=True)]
        return torch.tensor(done, dtype=torch.bool, device=ids.device)

    with torch.inference_mode():
        ids = model.generate(
            **inputs,
            do_sample=True,
            temperature=temperature,
            max_new_tokens=limit,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=[is_done],
        )
    return [
        _reply(tokenizer, row[width:].tolist(), int(mask.sum()), limit, ends, opening)
        for row, mask in zip(ids, inputs["attention_mask"], strict=True)
    ]


def _end_tokens(model: Any, tokenizer: Any) -> set[int | None]:
    """Return the tokens that end a row: those that the model ends with, and the padding behind a row that was ended."""
    own = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, tokenizer.pad_token_id, *(own if isinstance(own, list) else [own])}


def _reply(tokenizer: Any, ids: list[int], tokens_in: int, limit: int, ends: set[int | None], opening: str) -> Reply:
    """Return the reply in the new `ids` of a row, which end with one of `ends`, or at the limit."""
    end = next((place for place, token in enumerate(ids) if token in ends), None)
    ids = ids if end is None else ids[: end + 1]
    cut_off = end is None and len(ids) >= limit
    content = opening + tokenizer.decode(ids, skip_special_tokens=True)
    return Reply(content, "length" if cut_off else "stop", TokenCount(tokens_in, len(ids)))
