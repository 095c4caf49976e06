"""Checks of one written text by itself: too short, or debris of the writing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from classwright_tools.domain.text_rules import LengthUnit

LEAST_ALIKE = 0.9
"""Of a number of texts: so many with lengths in one unit to tell how long they are."""
# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Chinese, Japanese. (Korean does.)
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # in a class of characters
_UNSPACED = re.compile(f"[{UNSPACED}]")

# What stands in square, angle or curly brackets where a model left a gap to be filled in.
_FILLER_WORDS = (
    r"(?:(?:your|the|my|insert|enter|customer'?s?|user'?s?|company|first|last|full|some|random)[ _-]+)*"
    r"(?:name|number|date|time|amount|address|e-?mail|phone|id|city|country|company|product|item|order|account|bank|"
    r"merchant|store|shop|link|url|text|message|placeholder|redacted|card|tracking|reference)s?"
    r"(?:[ _-]+(?:here|number|no|id|name|code|date))?"
)

_REFUSAL = "a language model's refusal"
# What language models leave around or instead of a text, each with its name.
_DEBRIS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("a code fence", r"```"),
        ("a chat template's token", r"<\|[a-z_]+\|>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>"),
        ("JSON", r"""^[\[{]\s*["'{\[]|["']\s*[}\]]\s*,?\s*$|^["'](?:text|label|items?|examples?)["']\s*:"""),
        ("a placeholder", rf"[\[<]\s*{_FILLER_WORDS}\s*[\]>]"),
        # Not where a bracket belongs to a formula: \\frac{a}, x_{i}.
        ("a placeholder", r"(?<![\\^_\w}$`'\"~=])\{\{?\s*[a-z][\w .-]{1,40}\}"),
        ("filler text", r"\blorem ipsum\b"),
        ("a heading", r"^(?:(?:example|sample|text|message|variation|option)\s*#?\s*\d+\s*[:.)-]|\*\*|#{1,6} )"),
        ("a list mark", r"^(?:[-*\u2022]\s+|\(?\d{1,3}[.)]\s+)"),
        (
            "the writer's own words",
            r"^(?:(?:sure|certainly|of course|absolutely|okay|ok)\b\s*[,!.:]*\s*)?"
            r"(?:here(?:'s|\u2019s| is| are)\s+(?:\w+\s+){0,5}"
            r"(?:example|text|message|sentence|sample|variation|item)s?\b"
            r"|(?:below|the following) (?:is|are)\b.{0,60}\b(?:example|text|message|sentence|sample)s?\b)",
        ),
        (
            _REFUSAL,
            r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
            r"|^(?:(?:(?:i[\u2019']?m|i am) (?:really |very |so )?sorry|i apologi[sz]e|sorry|unfortunately)\W*)?"
            r"(?:but\s+)?(?:i (?:can(?:no|[\u2019'])t|won[\u2019']t)|(?:i[\u2019']m|i am) (?:unable|not able) to) (?:"
            # Not "I can't create an account", nor "I can't help but laugh".
            r"(?:(?:provide )?help|assist|comply)(?: you)?"
            r"(?: with (?:this|that|it|(?:this|that|your|the|such a) request))?(?:[.,;!]|$)"
            r"|(?:help|assist)(?: you)? (?:with|in) (?:writing|creating|generating|producing)\b"
            r"|(?:provide|write) (?:this|that)(?:[.!]|$)"
            r"|(?:assist|comply|generate|create|write|provide|fulfil+)\b.{0,40}"
            r"\b(?:request|text|content|example|message)s?\b)",
        ),
    )
)


def is_unspaced(text: str) -> bool:
    """Whether `text` is of a script without spaces between words, as far as one character tells."""
    return bool(_UNSPACED.search(text))


def length_of(text: str) -> tuple[int, LengthUnit]:
    """Return how long `text` is: in words, or in characters if it is of a script without spaces between words."""
    return (len(text), "character") if is_unspaced(text) else (len(text.split()), "word")


def word_count(text: str) -> int:
    """Return how many words `text` has; a script without spaces between words is taken to have enough."""
    return 1_000 if is_unspaced(text) else len(text.split())


def letter_count(text: str) -> int:
    """Return how many letters and digits `text` has, or that it has enough where one is a syllable or a word."""
    return 1_000 if is_unspaced(text) else sum(character.isalnum() for character in text)


def debris(text: str) -> Iterator[tuple[str, str]]:
    """Yield the debris in `text`: its name ("a placeholder", "JSON", ...) and the words that show it."""
    for name, pattern in _DEBRIS:
        found = pattern.search(text)
        if found:
            yield name, found.group().strip()[:60]


def is_refusal(text: str) -> bool:
    """Whether `text` is a language model's refusal to write."""
    return any(name == _REFUSAL for name, _ in debris(text))
