"""Form of texts: lengths, questions, typing; and whether written texts differ in it from real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from classwright_tools.curation.bare_text import bare_text
from classwright_tools.curation.greetings import GREETINGS, begins_with_greeting
from classwright_tools.curation.text_checks import UNSPACED
from classwright_tools.domain.analysis import StyleGap
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.share_interval import wilson

LEAST_LABELLED = 30  # real rows with labels, to do without those that have none
MOST_OF_LABELS = 10  # differences of single labels that are told, the largest ones

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


@dataclass(frozen=True)
class Wording:
    """What is counted, how it is said of "n% of the texts", and what to ask a writer for if real texts have more."""

    name: str
    clause: str
    more: str
    fewer: str


@dataclass(frozen=True)
class Measure(Wording):
    """What is counted of a text by itself."""

    holds: Callable[[str], bool]


_MEASURES = (
    Measure("questions", "ask a question", "more questions", "fewer questions", lambda text: "?" in text),
    Measure(
        "lower-case starts",
        "start in lower case",
        "more texts that start in lower case",
        "fewer texts that start in lower case",
        lambda text: text[:1].islower(),
    ),
    Measure(
        "contractions",
        'have contractions such as "I\'m"',
        "more contractions",
        "fewer contractions",
        lambda text: bool(_CONTRACTION.search(text)),
    ),
    Measure(
        "careless spelling",
        "are carelessly typed",
        "more hasty typing",
        "less hasty typing",
        lambda text: bool(_CARELESS.search(text)),
    ),
    Measure(
        "exclamations", "have an exclamation mark", "more exclamations", "fewer exclamations", lambda text: "!" in text
    ),
    Measure(
        "greetings",
        "begin with a greeting",
        "more greetings",
        "fewer greetings",
        begins_with_greeting,
    ),
    Measure(
        "several sentences",
        "have several sentences",
        "more texts of several sentences",
        "more texts of a single sentence",
        lambda text: sentences(text) > 1,
    ),
)
_LANGUAGES_OF = {"contractions": {"en"}, "careless spelling": {"en"}, "greetings": set(GREETINGS)}
"""The languages that a measure is known in; of other measures that is any."""
_UNSPACED_LANGUAGES = {"zh", "yue", "wuu", "ja", "th", "lo", "my", "km"}
"""No space parts their words, which are not counted."""

# An end of a sentence: its mark, and a blank and a word, or in scripts without blanks a word. No end is the dot of an
# initial ("U.S."), of a shortened word or of a number in a list.
_END = re.compile(r"""[.!?\u2026]+["')\]]*\s+(?=["'(\[]*\w)|[.!?\u3002]+["')\]\u300d]*""" + f"(?=[{UNSPACED}])")
_NO_END = re.compile(
    r"(?:\b\w\.\w|\b[A-Za-z]|^\d{1,2}|\b(?:mr|mrs|ms|dr|prof|st|vs|no|inc|ltd|co|corp|approx|dept|est|jan|feb|mar|apr|jun|"
    r"jul|aug|sep|sept|oct|nov|dec|e\.g|i\.e|z\.b|usw|bzw|ca))\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> int:
    """Return how many sentences a text has; the dots of numbers, initials and shortened words end none."""
    ends = [found for found in _END.finditer(text) if not _NO_END.search(text[: found.start() + 1])]
    return 1 + len(ends)


def number_of_words(text: str) -> int:
    """Return how many words a text has, without its links and handles."""
    return len(_WORDS.findall(bare_text(text)))


@dataclass(frozen=True)
class Forms:
    """The form of n texts: their words, and which of the measures but those of length each has (n, measures)."""

    words: npt.NDArray[np.int64]
    holds: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.words)

    def take(self, places: npt.NDArray[Any]) -> Forms:
        """Return the forms at `places`, numbers or bool (n,)."""
        return Forms(self.words[places], self.holds[places])


def forms_of(texts: Iterable[str]) -> Forms:
    """Return the form of `texts`. Links, handles and tokenisation blanks are no style: see `bare_text`."""
    bare = [bare_text(text) for text in texts]
    holds = [[measure.holds(text) for measure in _MEASURES] for text in bare]
    words = [len(_WORDS.findall(text)) for text in bare]
    return Forms(np.array(words, np.int64), np.array(holds, bool).reshape(len(bare), len(_MEASURES)))


@dataclass(frozen=True)
class WordingDifference:
    """A measure of some texts beside that of others; `differs` is whether they differ by more than chance."""

    measure: Wording
    ours: Estimate
    theirs: Estimate
    differs: bool

    @property
    def is_alike(self) -> bool:
        """Whether each share lies within the interval of the other: what differs not may be apart all the same."""
        return self.ours.low <= self.theirs.value <= self.ours.high and (
            self.theirs.low <= self.ours.value <= self.theirs.high
        )


def differences(
    ours: Forms,
    theirs: Forms,
    languages: Collection[str] = ("en",),
    strata: tuple[Sequence[str | None], Sequence[str | None]] | None = None,
    alpha: float = SIGNIFICANCE,
) -> list[WordingDifference]:
    """Return how some texts differ in form from others; both are there.

    What is looked for in some languages is left out if `languages`, BCP 47 tags, has others. Short and long texts are
    those beyond the quartiles of `theirs`.

    A difference is one by the test of Cochran, Mantel and Haenszel at `alpha`, shared by all measures (Bonferroni), and
    if the shares of all texts lie the same way. `strata` are the labels of both: only texts of one label are compared.
    """
    spoken = {language.split("-")[0] for language in languages}
    low, high = (int(n) for n in np.percentile(theirs.words, [25, 75], method="nearest"))
    measured = [
        (_short(low), ours.words <= low, theirs.words <= low),
        (_long(high), ours.words > high, theirs.words > high),
        *zip(_MEASURES, ours.holds.T, theirs.holds.T, strict=True),
    ]
    measured = measured if spoken.isdisjoint(_UNSPACED_LANGUAGES) else measured[2:]
    measured = [one for one in measured if spoken <= _LANGUAGES_OF.get(one[0].name, spoken)]
    labels = strata or ([None] * len(ours), [None] * len(theirs))
    found = []
    for measure, held, other_held in measured:
        share, other_share = wilson(int(held.sum()), len(held)), wilson(int(other_held.sum()), len(other_held))
        z = mantel_haenszel(held, other_held, *labels)
        differs = 2 * norm.sf(abs(z)) < alpha / len(measured) and z * (share.value - other_share.value) > 0
        found.append(WordingDifference(measure, share, other_share, bool(differs)))
    return found


def _short(words: int) -> Wording:
    few = f"at most {counted(words, 'word')}"
    return Wording("short texts", f"have {few}", f"more texts of {few}", f"fewer texts of {few}")


def _long(words: int) -> Wording:
    many = f"more than {counted(words, 'word')}"
    return Wording("long texts", f"have {many}", f"more texts of {many}", f"fewer texts of {many}")


def mantel_haenszel(
    held: npt.NDArray[np.bool_],
    other_held: npt.NDArray[np.bool_],
    strata: Sequence[str | None],
    other_strata: Sequence[str | None],
) -> float:
    """Return by how many standard errors the first share is larger than the other's, within strata.

    The statistic of Cochran (1954) and of Mantel and Haenszel (1959), corrected for continuity; 0 if nothing varies.
    """
    number = {stratum: place for place, stratum in enumerate(dict.fromkeys((*strata, *other_strata)))}
    own, other = (np.array([number[one] for one in some], np.int64) for some in (strata, other_strata))
    n, m = (np.bincount(some, minlength=len(number)) for some in (own, other))
    own_hits, other_hits = (
        np.bincount(some[hit], minlength=len(number)) for some, hit in ((own, held), (other, other_held))
    )
    both = (n > 0) & (m > 0)
    n, m, own_hits, hits = n[both], m[both], own_hits[both], (own_hits + other_hits)[both]
    rows = n + m
    excess = float((own_hits - n * hits / rows).sum())
    variance = float((n * m * (hits * (rows - hits) / (rows.astype(float) ** 2 * (rows - 1)))).sum())
    return float(np.sign(excess) * max(0.0, abs(excess) - 0.5) / np.sqrt(variance)) if variance else 0.0


def style_gaps(
    written: Sequence[Example], real: Sequence[Example], languages: Collection[str] = ("en",)
) -> tuple[StyleGap, ...]:
    """Return the form of `written` rows beside `real` ones, what differs first, and then what differs in single labels.

    Where enough real rows have labels, only these count, and rows are compared within labels, or sets of them: a label
    that is more frequent among the real rows is no style. Differences in single labels are told of rows with one each.
    """
    labelled = [row for row in real if row.label_key is not None]
    if len(labelled) >= LEAST_LABELLED:
        real = labelled
    if not written or not real:
        return ()
    strata = ([row.label_key for row in written], [row.label_key for row in real]) if real is labelled else None
    ours, theirs = (forms_of(row.text for row in rows) for rows in (written, real))
    every = differences(ours, theirs, languages, strata)
    gaps = sorted((_gap(found) for found in every), key=lambda gap: not gap.differs)
    named = tuple(np.array([row.label or "" for row in rows]) for rows in (written, real))
    return (*gaps, *(_gaps_of_labels(ours, theirs, named, languages) if strata else ()))


def _gaps_of_labels(
    ours: Forms, theirs: Forms, named: tuple[npt.NDArray[np.str_], ...], languages: Collection[str]
) -> Iterator[StyleGap]:
    """Yield the largest differences of the texts of one label; `named` are both's labels, "" where a text has none."""
    own_names, their_names = named
    labels = sorted((set(own_names.tolist()) & set(their_names.tolist())) - {""})
    found: list[tuple[str, WordingDifference]] = []
    for label in labels if len(labels) > 1 else ():
        pair = ours.take(own_names == label), theirs.take(their_names == label)
        every = differences(*pair, languages, alpha=SIGNIFICANCE / len(labels))
        found += [(label, difference) for difference in every if difference.differs]
    found.sort(key=lambda pair: -abs(pair[1].ours.value - pair[1].theirs.value))
    yield from (_gap(difference, label) for label, difference in found[:MOST_OF_LABELS])


def _gap(found: WordingDifference, label: str | None = None) -> StyleGap:
    """Return a difference in words: what to ask for, where it is one."""
    of_label = f" of {label!r}" if label else ""
    clause, more, fewer = found.measure.clause, found.measure.more, found.measure.fewer
    reading = f"About as many written texts as real ones {clause}."
    told = f"{found.ours.value:.0%} of written texts{of_label} {clause}, against {found.theirs.value:.0%} of real ones"
    if found.differs:
        reading = f"{told}: ask for {more if found.ours.value < found.theirs.value else fewer}."
    elif not found.is_alike:
        reading = f"{told}, which may be chance, or come of the labels' shares."
    return StyleGap(
        measure=f"share of {found.measure.name}",
        label=label,
        written=found.ours,
        real=found.theirs,
        differs=found.differs,
        reading=reading,
    )


def form_clauses(texts: Forms, others: Forms, languages: Collection[str] = ("en",)) -> tuple[str, ...]:
    """Return how some texts differ in form from others, as clauses: "80% ask a question (20% of the others)"."""
    if not len(texts) or not len(others):
        return ()
    return tuple(
        f"{found.ours.value:.0%} {found.measure.clause} ({found.theirs.value:.0%} of the others)"
        for found in differences(texts, others, languages)
        if found.differs
    )
