"""How written texts differ in form from real ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from classwright_tools.domain.analysis import StyleGap
from classwright_tools.measurement.intervals import Z, wilson

_WORDS = re.compile(r"\w+(?:'\w+)*")
_CONTRACTION = re.compile(r"\b\w+'(?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
_CARELESS = re.compile(
    r"\b(?:i|im|ive|dont|doesnt|didnt|cant|wont|isnt|wasnt|havent|hasnt|whats|wheres|thats|u|ur|pls|plz|thx)\b"
    r"|[?!.]{2,}|\s[,.?!]",
)
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten tag|bonjour|salut|hola|ciao|"
    r"buongiorno|olá|hej|cześć)\b",
    re.IGNORECASE,
)

# What is counted, how it is said of "n% of the texts", and what to ask a writer for if real texts have more, or fewer.
_SHARES: tuple[tuple[str, str, Callable[[str], bool], str, str], ...] = (
    ("questions", "ask a question", lambda text: "?" in text, "more questions", "fewer questions"),
    (
        "lower-case starts",
        "start in lower case",
        lambda text: text[:1].islower(),
        "more texts that start in lower case",
        "fewer texts that start in lower case",
    ),
    (
        "contractions",
        'have contractions such as "I\'m"',
        lambda text: bool(_CONTRACTION.search(text)),
        "more contractions",
        "fewer contractions",
    ),
    (
        "careless spelling",
        "are carelessly typed",
        lambda text: bool(_CARELESS.search(text)),
        "more hasty typing",
        "less hasty typing",
    ),
    ("exclamations", "have an exclamation mark", lambda text: "!" in text, "more exclamations", "fewer exclamations"),
    (
        "greetings",
        "begin with a greeting",
        lambda text: bool(_GREETING.search(text)),
        "more greetings",
        "fewer greetings",
    ),
    (
        "several sentences",
        "have several sentences",
        lambda text: bool(re.search(r"[.!?。]\s*\S*\w", text)),
        "more texts of several sentences",
        "more texts of a single sentence",
    ),
)


def style_gaps(written: Sequence[str], real: Sequence[str]) -> tuple[StyleGap, ...]:
    """Return the length and style of `written` texts beside `real` ones, each with a reading of one sentence.

    A difference is only called one where the 95% intervals of the two do not overlap.
    """
    if not written or not real:
        return ()
    written, real = ([_plain(text) for text in texts] for texts in (written, real))
    return (_length_gap(written, real), *(_share_gap(written, real, *share) for share in _SHARES))


def _plain(text: str) -> str:
    """Return `text` with typographic apostrophes and full-width signs as plain ones."""
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'").strip()


def _length_gap(written: Sequence[str], real: Sequence[str]) -> StyleGap:
    (mean, half), (real_mean, real_half) = _mean_words(written), _mean_words(real)
    if abs(mean - real_mean) <= half + real_half:
        reading = "Written and real texts are about equally long."
    elif mean > real_mean:
        reading = (
            f"Written texts are longer than real ones, {mean:.1f} words against {real_mean:.1f}: ask for shorter ones."
        )
    else:
        reading = (
            f"Written texts are shorter than real ones, {mean:.1f} words against {real_mean:.1f}: ask for longer ones."
        )
    return StyleGap(measure="mean words", written=mean, real=real_mean, reading=reading)


def _mean_words(texts: Sequence[str]) -> tuple[float, float]:
    """Return the mean number of words and half of its 95% interval."""
    counts = np.array([len(_WORDS.findall(text)) for text in texts])
    return float(counts.mean()), float(Z * counts.std(ddof=1) / np.sqrt(len(counts))) if len(counts) > 1 else np.inf


def _share_gap(
    written: Sequence[str],
    real: Sequence[str],
    measure: str,
    said: str,
    holds: Callable[[str], bool],
    more: str,
    fewer: str,
) -> StyleGap:
    ours, theirs = (wilson(sum(map(holds, texts)), len(texts)) for texts in (written, real))
    against = f"{ours.value:.0%} of written texts {said}, against {theirs.value:.0%} of real ones"
    if ours.high < theirs.low:
        reading = f"{against}: ask for {more}."
    elif ours.low > theirs.high:
        reading = f"{against}: ask for {fewer}."
    else:
        reading = f"About as many written texts as real ones {said}."
    return StyleGap(measure=f"share of {measure}", written=ours.value, real=theirs.value, reading=reading)
