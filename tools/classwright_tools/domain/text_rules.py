"""The rules for a written text, in sentences: what the gates check, for a writer or the calling model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.noun import LabelName, Noun

LengthUnit = Literal["word", "character"]

_NAMES_LISTED = 12
# Upper bounds in tokens: of a text where nothing is known of its length (a long email in a language that tokenizers
# split finely), a word of such a language, and a character of a script without spaces.
_TOKENS_A_TEXT = 300
_TOKENS_A: dict[LengthUnit, int] = {"word": 4, "character": 2}


class UsualLength(Noun):
    """How long real texts are: the 10th, 50th and 90th percentile, in words, or in characters without spaces."""

    low: int
    middle: int
    high: int
    unit: LengthUnit = "word"


class TextRules(Noun):
    """The properties that a text needs to pass the gates of its task, as far as they are known beforehand."""

    least_words: int = Field(default=2, ge=0)
    least_letters: int = Field(default=3, ge=0)
    usual_length: UsualLength | None = Field(default=None, description="Of real texts, if there are some.")
    never_written: tuple[LabelName, ...] = Field(
        default=(), description="Label names that give a text away wherever they stand, as they are spelled."
    )

    def sentences(self, quoted: Callable[[Sequence[str]], str], *, pairs: bool = False) -> tuple[str, ...]:
        """Return the rules as sentences, for queries where texts are `pairs`.

        `quoted` puts label names, which may come from strangers, into one of them.
        """
        rules = [
            f"A text has {self.length}.",
            "No text is marked with a label's name: not in brackets or quotes at its beginning or end, not after a "
            "word such as 'Label:' or 'Topic:', not before a colon at its beginning, not behind an arrow at its end. "
            "Within a sentence a name may be said where its author would say it.",
            "A text is the text itself: no placeholder like [name], no number or list mark before it, no heading, JSON "
            "or code fence around it, no word of yours.",
            "No two queries for one item say the same, and none stands word for word in it or in one that fits it."
            if pairs
            else "A text may not say nearly the same in nearly the same words as another text, written or real.",
        ]
        usual = self.usual_length
        if usual is None:
            rules.append("Some texts have a few words, others several sentences.")
        else:
            rules.append(
                # True where many lengths are equal, too: more than one in ten may then be as short as the low one.
                f"Of real texts the middle one has {counted(usual.middle, usual.unit)}, and at least eight in ten have "
                f"{usual.low} to {usual.high}: spread yours alike."
            )
        if self.never_written:
            names = quoted(self.never_written[:_NAMES_LISTED])
            rules.append(f"Names like {names} stand nowhere in a text as they are spelled: say their words.")
        return tuple(rules)

    @property
    def length(self) -> str:
        """The least length in words."""
        return "at least one word" if self.least_words < 2 else f"at least {self.least_words} words"

    @property
    def most_tokens(self) -> int:
        """An upper bound of the tokens that a text takes, by the long ones of the real texts."""
        usual = self.usual_length
        return max(_TOKENS_A_TEXT, usual.high * _TOKENS_A[usual.unit]) if usual else _TOKENS_A_TEXT
