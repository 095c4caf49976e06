"""How written texts differ in form from real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from classwright_tools.domain.analysis import StyleGap
from classwright_tools.domain.figures import Estimate
from classwright_tools.measurement.bare_text import bare_text
from classwright_tools.statistics.intervals import Z, wilson

_WORDS = re.compile(r"\w+(?:'\w+)*")
# "'s" is a contraction after words that own nothing; after a noun it is a possessive: "the company's".
_CONTRACTION = re.compile(
    r"\b(?:\w+n't|\w+'(?:re|ve|ll|d|m)|(?:it|he|she|that|this|there|here|what|who|where|when|why|how|let|everything|"
    r"something|nothing|everyone|someone|nobody)'s)\b",
    re.IGNORECASE,
)
_CARELESS = re.compile(
    r"(?<![\w.(])i(?=\s+(?:am|was|have|had|do|did|can|could|will|would|want|need|think|know|get|got|just|cant|dont)\b)"
    r"|\b(?:im|ive|dont|doesnt|didnt|cant|wont|isnt|wasnt|havent|hasnt|whats|wheres|thats|ur|pls|plz|thx)\b"
    r"|\bu\b(?![.'])"
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
        lambda text: sentences(text) > 1,
        "more texts of several sentences",
        "more texts of a single sentence",
    ),
)


_ENGLISH_ONLY = {"contractions", "careless spelling"}

# An end of a sentence: its mark, and a blank and a word, or in scripts without blanks a word. No end is the dot of an
# initial ("U.S."), of a shortened word or of a number in a list.
_END = re.compile(
    r"""[.!?\u2026]+["')\]]*\s+(?=["'(\[]*\w)|[.!?\u3002]+["')\]\u300d]*(?=[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff])"""
)
_NO_END = re.compile(
    r"(?:\b\w\.\w|\b[A-Za-z]|^\d{1,2}|\b(?:mr|mrs|ms|dr|prof|st|vs|no|inc|ltd|co|corp|approx|dept|est|jan|feb|mar|apr|jun|"
    r"jul|aug|sep|sept|oct|nov|dec|e\.g|i\.e|z\.b|usw|bzw|ca))\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> int:
    """Return how many sentences a text has; the dots of numbers, initials and shortened words end none."""
    ends = [found for found in _END.finditer(text) if not _NO_END.search(text[: found.start() + 1])]
    return 1 + len(ends)


def style_gaps(
    written: Sequence[str], real: Sequence[str], languages: Collection[str] = ("en",)
) -> tuple[StyleGap, ...]:
    """Return the length and style of `written` texts beside `real` ones, those that differ first.

    Each figure has its 95% interval, and a difference is only called one where the two intervals do not overlap. Links,
    handles and tokenisation blanks are no style: see `bare_text`. What is looked for in English is left out if
    `languages`, BCP 47 tags, has others.
    """
    if not written or not real:
        return ()
    written, real = ([bare_text(text) for text in texts] for texts in (written, real))
    english = all(language.split("-")[0] == "en" for language in languages)
    shares = [share for share in _SHARES if english or share[0] not in _ENGLISH_ONLY]
    gaps = (_length_gap(written, real), *(_share_gap(written, real, *share) for share in shares))
    return tuple(sorted(gaps, key=lambda gap: not gap.differs))


def _length_gap(written: Sequence[str], real: Sequence[str]) -> StyleGap:
    ours, theirs = ([len(_WORDS.findall(text)) for text in texts] for texts in (written, real))
    mean, real_mean = _mean(ours), _mean(theirs)
    against = (
        f"{mean.value:.1f} words against {real_mean.value:.1f} (half of them {_middle(ours)} against {_middle(theirs)})"
    )
    differs = True
    if mean.low > real_mean.high:
        reading = f"Written texts are longer than real ones, {against}: ask for shorter ones."
    elif mean.high < real_mean.low:
        reading = f"Written texts are shorter than real ones, {against}: ask for longer ones."
    else:
        reading, differs = f"Written and real texts are about equally long, {against}.", False
    return StyleGap(measure="mean words", written=mean, real=real_mean, differs=differs, reading=reading)


def _mean(counts: Sequence[int]) -> Estimate:
    """Return the mean with its 95% interval, by Student's distribution; of one count nothing is known but that."""
    mean = float(np.mean(counts))
    if len(counts) < 2:
        return Estimate(value=mean, low=0.0, high=1e6)
    half = float(student.ppf(norm.cdf(Z), len(counts) - 1) * np.std(counts, ddof=1) / np.sqrt(len(counts)))
    return Estimate(value=mean, low=mean - half, high=mean + half)


def _middle(counts: Sequence[int]) -> str:
    """Return between what numbers the middle half of the counts is."""
    low, high = np.percentile(counts, [25, 75], method="nearest")
    return f"{low} to {high}"


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
    differs = True
    if ours.high < theirs.low:
        reading = f"{against}: ask for {more}."
    elif ours.low > theirs.high:
        reading = f"{against}: ask for {fewer}."
    else:
        reading, differs = f"About as many written texts as real ones {said}.", False
    return StyleGap(measure=f"share of {measure}", written=ours, real=theirs, differs=differs, reading=reading)
