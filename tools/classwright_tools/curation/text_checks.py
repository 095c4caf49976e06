"""What makes a written text useless by itself: too short, too long, debris of the writing, the label's name in it."""

from __future__ import annotations

import re
from functools import lru_cache

MIN_CHARS = 3
# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Chinese, Japanese. (Korean does.)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

# What stands in square, angle or curly brackets where a model left a gap to be filled in.
_FILLER_WORDS = (
    r"(?:(?:your|the|my|insert|enter|customer'?s?|user'?s?|company|first|last|full|some|random)[ _-]+)*"
    r"(?:name|number|date|time|amount|address|e-?mail|phone|id|city|country|company|product|item|order|account|bank|"
    r"merchant|store|shop|link|url|text|message|placeholder|redacted|card|tracking|reference)s?"
    r"(?:[ _-]+(?:here|number|no|id|name|code|date))?"
)

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
            "a language model's refusal",
            r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
            r"|^(?:(?:i[\u2019']?m sorry|i apologi[sz]e|sorry),?\s*)?(?:but\s+)?"
            r"i (?:can(?:no|[\u2019'])t|am unable to) "
            r"(?:assist|comply|generate|create|write|provide|fulfil+)\b.{0,40}"
            r"\b(?:request|text|content|example|message)s?\b",
        ),
    )
)


def too_short(text: str, single_words: bool) -> str | None:
    """Return why `text` is too short, or None; `single_words` says that the task's texts may be one word."""
    characters = sum(character.isalnum() for character in text)
    if characters < MIN_CHARS and not _UNSPACED.search(text):
        return f"it has {characters} letters and digits, fewer than {MIN_CHARS}"
    if not single_words and len(text.split()) < 2 and not _UNSPACED.search(text):
        return "it is a single word"
    return None


def debris(text: str) -> str | None:
    """Return what in `text` is no text at all (a placeholder, JSON, a refusal), or None."""
    for name, pattern in _DEBRIS:
        found = pattern.search(text)
        if found:
            return f"it holds {name}: {found.group().strip()[:60]!r}"
    return None


def leaked_label(text: str, labels: tuple[str, ...]) -> str | None:
    """Return where the name of a label stands in `text` as metadata, or None.

    A label that is made like an identifier ("card_arrival", "cardArrival") leaks wherever it stands. One made of
    ordinary words ("refund", "lost card") leaks only where it names the class: "[refund] ...", "Label: refund".
    """
    found = _leak_pattern(labels).search(text)
    return f"it says {found.group().strip()[:60]!r}" if found else None


@lru_cache(maxsize=64)
def _leak_pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    identifiers = [re.escape(name) for name in labels if _is_identifier(name)]
    spoken = [r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", name) if word) for name in labels]
    names = "|".join(sorted(spoken, key=len, reverse=True))
    heading = r"(?:label|category|class|intent|topic|tag|type)"
    forms = [
        rf"^\s*[\[<({{*#\"']+\s*(?:{heading}\s*[:=-]\s*)?(?:{names})\s*[\]>)}}*\"']+\s*[:.-]?(?=\s|$)",
        rf"[\[<({{]\s*(?:{heading}\s*[:=-]\s*)?(?:{names})\s*[\]>)}}]\s*$",
        rf"(?:^|[\[(<.;|]\s*|\s-\s*){heading}\s*(?:is\s*)?[:=]\s*[\"'*\[]*(?:{names})\b",
        rf"^\s*(?:{names})\s*[:|]\s",
        rf"\s(?:->|=>|\u2192)\s*(?:{names})\s*$",
    ]
    if identifiers:
        forms.append(rf"(?<![\w-])(?:{'|'.join(identifiers)})(?![\w-])")
    return re.compile("|".join(forms), re.IGNORECASE)


def _is_identifier(name: str) -> bool:
    return " " not in name and ("_" in name or re.search(r"[a-z][A-Z]", name) is not None or name.count("-") > 1)
