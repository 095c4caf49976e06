"""The rules for a written text, in sentences: what the gates check, for a writer or the calling model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import Field

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.noun import LabelName, Noun

_NAMES_LISTED = 12


class TextRules(Noun):
    """The properties that a text needs to pass the gates of its task, as far as they are known beforehand."""

    least_words: int = Field(default=2, ge=0)
    least_letters: int = Field(default=3, ge=0)
    usual_words: tuple[int, int, int] | None = Field(
        default=None, description="The 10th, 50th and 90th percentile of the words of real texts, if there are some."
    )
    never_written: tuple[LabelName, ...] = Field(
        default=(), description="Label names that give a text away wherever they stand, as they are spelled."
    )

    def sentences(self, quoted: Callable[[Sequence[str]], str]) -> tuple[str, ...]:
        """Return the rules as sentences; `quoted` puts label names, which may come from strangers, into one of them."""
        rules = [
            f"A text has {self.length}.",
            "No text is marked with a label's name: not in brackets or quotes at its beginning or end, not after a "
            "word such as 'Label:' or 'Topic:', not before a colon at its beginning, not behind an arrow at its end. "
            "Within a sentence a name may be said where its author would say it.",
            "A text is the text itself: no placeholder like [name], no number or list mark before it, no heading, JSON "
            "or code fence around it, no word of yours.",
            "A text may not say nearly the same in nearly the same words as another text, written or real.",
        ]
        if self.usual_words is None:
            rules.append("Some texts have a few words, others several sentences.")
        else:
            low, middle, high = self.usual_words
            rules.append(
                f"Of real texts one in ten has at most {counted(low, 'word')}, half have at most {middle}, and one in "
                f"ten has {high} or more: spread yours alike."
            )
        if self.never_written:
            names = quoted(self.never_written[:_NAMES_LISTED])
            rules.append(f"Names like {names} stand nowhere in a text as they are spelled: say their words.")
        return tuple(rules)

    @property
    def length(self) -> str:
        """The least length in words."""
        return "at least one word" if self.least_words < 2 else f"at least {self.least_words} words"
