"""Reading limits of encoders: the rows that are longer, and so are cut before the encoder sees their ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from classwright_tools.domain.pair import parts
from classwright_tools.learning.encoder_folders import folder_at_hand
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.windows import MOST_WINDOWS, NO_LIMIT, OWN_TOKENS, tokens_at_once, usual_prompt

BATCH = 256  # rows looked at together
OLD_FOLDER = "0_Transformer"  # where models of before 2021 have their transformer
POOLING = "1_Pooling"


@dataclass(frozen=True)
class ReadingLimit:
    """The number of tokens that an encoder reads of a text, and that a text has.

    It takes `at_once` tokens, of which it puts `own` before and after a text, in each of `windows` windows. `lengths`
    returns the number of tokens of each text, uncut; `prompt` is what the encoder puts before every text.
    """

    at_once: int
    own: int
    windows: int
    lengths: Callable[[list[str]], list[int]]
    prompt: str = ""

    @property
    def tokens(self) -> int:
        """The most tokens that it reads of a text."""
        return self.own + self.windows * (self.at_once - self.own)

    @property
    def in_words(self) -> str:
        """The same in words."""
        return f"{self.tokens:,} tokens" + (f" ({self.at_once} at a time)" if self.windows > 1 else "")

    def cut(self, contents: Iterable[str]) -> int:
        """Return how many of the rows are cut: see `cuts`."""
        return sum(self.cuts(contents))

    def cuts(self, contents: Iterable[str]) -> Iterator[bool]:
        """Yield for each row, a text or a joined pair, whether it is cut; a pair is where one of its texts is.

        Only texts that may be too long are tokenised: no token stands for less than one byte.
        """
        rows = iter(contents)
        while batch := list(islice(rows, BATCH)):
            texts = [[self.prompt + part for part in parts(row)] for row in batch]
            long = [[text for text in of_row if self._may_be_cut(text)] for of_row in texts]
            lengths = iter(self.lengths(flat) if (flat := [text for of_row in long for text in of_row]) else ())
            for of_row in long:
                yield max((next(lengths) for _ in of_row), default=0) > self.tokens

    def may_be_cut(self, contents: Any) -> Any:
        """Return of each string of a `pyarrow.Array` whether `cuts` has to look at it, quickly."""
        import pyarrow.compute as pc

        return pc.greater(pc.add(pc.binary_length(contents), len(self.prompt.encode()) + OWN_TOKENS), self.tokens)

    def remark(self, cut: int, rows: int, what: str = "rows") -> str:
        """Return the sentence that says how many of `rows` are cut, and `what` rows they are; nothing where none is."""
        if not cut:
            return ""
        verb = "is" if cut == 1 else "are"
        return (
            f"{cut} of {rows} {what} {verb} cut at {self.tokens:,} tokens: the encoder does not see what comes after."
        )

    def _may_be_cut(self, text: str) -> bool:
        return len(text.encode(errors="replace")) + OWN_TOKENS > self.tokens


def limit_of(encoder: Encoder) -> ReadingLimit | None:
    """Return the limit of an open encoder, or None if it reads texts of any length."""
    model = encoder.model
    at_once = tokens_at_once(model)
    if at_once is None:
        return None

    def lengths(texts: list[str]) -> list[int]:
        return [len(ids) for ids in model.tokenizer(texts, truncation=False, verbose=False)["input_ids"]]

    own = model.tokenizer.num_special_tokens_to_add() if encoder.ref.windows > 1 else 0
    return ReadingLimit(at_once, own, encoder.ref.windows, lengths, usual_prompt(model))


def limit_at_hand(name: str) -> ReadingLimit | None:
    """Return the limit of the encoder `name` from its files on this machine: nothing is fetched, nor torch loaded.

    None is returned where it reads texts of any length, and where that cannot be told without opening it.
    """
    folder = folder_at_hand(name)
    return _limit_in(folder) if folder else None


def tokenizer_folder(folder: Path) -> Path:
    """Return where in the `folder` of an encoder its tokenizer is."""
    return folder / OLD_FOLDER if (folder / OLD_FOLDER).is_dir() else folder


@lru_cache(maxsize=4)
def _limit_in(folder: Path) -> ReadingLimit | None:
    from tokenizers import Tokenizer

    folder = tokenizer_folder(folder)
    tokens = _tokens(folder)
    if tokens is None or tokens >= NO_LIMIT:
        return None
    try:
        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # noqa: BLE001  # the library has none narrower; a mere vocabulary is for transformers to read
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    prompt = _prompt(folder)
    leaves_out = prompt and _settings(folder / POOLING, "config.json").get("include_prompt") is False
    return ReadingLimit(
        at_once=tokens,
        own=tokenizer.num_special_tokens_to_add(False),
        windows=1 if leaves_out else MOST_WINDOWS,
        lengths=lambda texts: [len(encoded) for encoded in tokenizer.encode_batch_fast(texts)],
        prompt=prompt,
    )


def _tokens(folder: Path) -> int | None:
    """Return the limit as sentence-transformers takes it: its own setting, else the tokenizer's up to the model's."""
    own = _settings(folder, "sentence_bert_config.json").get("max_seq_length")
    if isinstance(own, int):
        return own
    found = [
        _settings(folder, "tokenizer_config.json").get("model_max_length"),
        _settings(folder, "config.json").get("max_position_embeddings"),
    ]
    return min((int(limit) for limit in found if isinstance(limit, int | float) and limit > 0), default=None)


def _prompt(folder: Path) -> str:
    settings = _settings(folder, "config_sentence_transformers.json")
    prompts, default = settings.get("prompts"), settings.get("default_prompt_name")
    return str(prompts.get(default) or "") if isinstance(prompts, dict) and isinstance(default, str) else ""


def _settings(folder: Path, name: str) -> dict[str, Any]:
    try:
        settings = json.loads((folder / name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}
