"""Scripts: which one a language tag names, which ones a language's identification was trained on, and what text is in.

Tags are BCP 47, scripts ISO 15924.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_SCRIPT = re.compile(r"[A-Za-z]{4}")
# How the names of a script's characters in Unicode begin.
_LETTERS: dict[str, tuple[str, ...]] = {
    "Arab": ("ARABIC",), "Armn": ("ARMENIAN",), "Beng": ("BENGALI",), "Cyrl": ("CYRILLIC",), "Deva": ("DEVANAGARI",),
    "Ethi": ("ETHIOPIC",), "Geor": ("GEORGIAN",), "Grek": ("GREEK",), "Gujr": ("GUJARATI",), "Guru": ("GURMUKHI",),
    "Hang": ("HANGUL",), "Hani": ("CJK",), "Hans": ("CJK",), "Hant": ("CJK",), "Hebr": ("HEBREW",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA"), "Khmr": ("KHMER",), "Knda": ("KANNADA",), "Kore": ("HANGUL", "CJK"),
    "Laoo": ("LAO",), "Latn": ("LATIN", "FULLWIDTH"), "Mlym": ("MALAYALAM",), "Mymr": ("MYANMAR",), "Orya": ("ORIYA",),
    "Sinh": ("SINHALA",), "Taml": ("TAMIL",), "Telu": ("TELUGU",), "Thai": ("THAI",), "Tibt": ("TIBETAN",),
}  # fmt: skip
# The scripts that py3langid knows languages in; of those that are not named, Latin.
_USUAL: dict[str, tuple[str, ...]] = {
    language: tuple(scripts.split("/"))
    for scripts, languages in {
        "Arab": "ar ary arz fa ps sdh ug ur",
        "Armn": "hy",
        "Beng": "as bn",
        "Cyrl": "ba be bg kk ky mk mn ru sr tg tt uk",
        "Deva": "gom hi mr ne sa",
        "Ethi": "am",
        "Geor": "ka",
        "Grek": "el grc",
        "Gujr": "gu",
        "Guru": "pa",
        "Hani/Hans/Hant": "wuu yue zh",
        "Hebr": "hbo he",
        "Jpan": "ja",
        "Khmr": "km",
        "Knda": "kn",
        "Kore/Hang": "ko",
        "Laoo": "lo",
        "Mlym": "ml",
        "Mymr": "my",
        "Orya": "or",
        "Sinh": "si",
        "Taml": "ta",
        "Telu": "te",
        "Thai": "th",
        "Tibt": "dz",
    }.items()
    for language in languages.split()
}


def script_named(tag: str) -> str | None:
    """Return the script that a tag names ("Latn" of "hi-Latn"), or None."""
    parts = tag.split("-")[1:3]  # after the language, and perhaps an extended one
    return next((part.title() for part in parts if _SCRIPT.fullmatch(part)), None)


def script_of(tag: str) -> str:
    """Return the script of `tag`: the one that it names, else the one that its language is usually written in."""
    return script_named(tag) or _USUAL.get(tag.split("-")[0].lower(), ("Latn",))[0]


def is_usual(tag: str) -> bool:
    """Whether the language of `tag` is identified in the script that the tag names, if it names one."""
    script = script_named(tag)
    return script is None or script in _USUAL.get(tag.split("-")[0].lower(), ("Latn",))


def other_script(text: str, tags: tuple[str, ...]) -> str | None:
    """Return the script that most letters of `text` are in, if it is none that the languages `tags` are written in.

    None where a tag's script is not known here.
    """
    scripts = [script_of(tag) for tag in tags]
    if any(script not in _LETTERS for script in scripts):
        return None
    own = {beginning for script in scripts for beginning in _LETTERS[script]}
    found = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    if not found or sum(n for name, n in found.items() if name in own) * 2 >= found.total():
        return None
    return found.most_common(1)[0][0].title()
