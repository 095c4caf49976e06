"""Identification of a text's language, for clear cases. The model ships inside `py3langid`: nothing is downloaded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from classwright_tools.curation.scripts import is_usual, other_script

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# A text is refused only if some other language is this much more likely than every language of the task. Short
# messages are where identification errs: measured in docs/decisions/languages.md.
CLEARLY_MORE_LIKELY = 100.0
# To count a text for one language of the task, that one has to be so much more likely than the task's others. Of 4,000
# short texts in four languages, tweets for the most part, 0.6% were then counted for a wrong one and 2% for none.
MORE_LIKELY = 3.0
# And only if there is enough of it: names, brands and "ok bye" look like any language.
LETTERS_NEEDED = 10
SYLLABLES_NEEDED = 4  # where a letter is one, or a word
# Languages that short texts do not tell apart: a text in one passes for the other.
_KIN = (
    {"no", "nb", "nn", "da", "sv"},
    {"hr", "bs", "sr", "sl"},
    {"id", "ms", "jv"},
    {"cs", "sk"},
    {"pt", "gl"},
    {"es", "ca", "gl", "ast", "an"},
    {"bg", "mk"},
    {"ru", "uk", "be"},
    {"hi", "mr", "ne"},
    {"nl", "af"},
    {"en", "pcm", "sco"},
    {"de", "lb", "als"},
    {"zh", "yue", "wuu"},
    {"fa", "ps", "ur"},
    {"tl", "fil"},
)
# An address is looked for from the beginning of a word alone: from every character would take quadratic time.
_NOT_WORDS = re.compile(r"https?://\S+|(?<!\S)\S+@\S+|[@#]\w+|\d+")


def wrong_language(text: str, languages: tuple[str, ...]) -> str | None:
    """Return what `text` is clearly in, if it is none of `languages` or their kin: 'de', Cyrillic letters.

    `languages` are BCP 47 tags. Where one of them is a language that cannot be identified, or in a script that it
    cannot be identified in ("hi-Latn"), only scripts are compared. None means: one of them, or not clear.
    """
    words = _words(text)
    identifier = _identifier()
    codes = _codes(languages)
    known = set(identifier.labels)
    if not words or not all(_with_kin(frozenset({code})) & known for code in codes):
        return None
    if not all(map(is_usual, languages)):
        script = other_script(words, languages)
        return script and f"{script} letters"
    own = _with_kin(codes)
    ranked = identifier.rank(words)
    likely, probability = ranked[0]
    own_probability = max(p for language, p in ranked if language in own)
    clear = likely not in own and probability > CLEARLY_MORE_LIKELY * own_probability
    return repr(str(likely)) if clear else None


def language_of(text: str, languages: tuple[str, ...]) -> str | None:
    """Return which of `languages`, BCP 47 tags, `text` is in, by its code: 'de'.

    None where it is clearly in another one, or not clear.
    """
    words, codes, identifier = _words(text), _codes(languages), _identifier()
    can_tell = len(codes) > 1 and codes <= set(identifier.labels) and all(map(is_usual, languages))
    if not words or not can_tell or wrong_language(text, languages):
        return None
    (likely, probability), *others = [one for one in identifier.rank(words) if one[0] in codes]
    return str(likely) if all(probability > MORE_LIKELY * other for _, other in others) else None


def _words(text: str) -> str:
    """Return a text without addresses and numbers; nothing where too few letters are left to identify a language by."""
    words = _NOT_WORDS.sub(" ", text)
    return words if sum(character.isalpha() for character in words) >= letters_needed(words) else ""


def _codes(languages: tuple[str, ...]) -> frozenset[str]:
    return frozenset(tag.split("-")[0].lower() for tag in languages)


def letters_needed(text: str) -> int:
    """Return how many letters identification needs: fewer where a letter is a syllable or a word."""
    return LETTERS_NEEDED if text.isascii() or max(text) < "\u0900" else SYLLABLES_NEEDED


@lru_cache(maxsize=64)
def _with_kin(languages: frozenset[str]) -> frozenset[str]:
    return languages.union(*(group for group in _KIN if group & languages))


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
