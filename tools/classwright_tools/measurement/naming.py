"""Names for groups of texts, and words that tell one group from another: frequent in the one and rare elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log

from classwright_tools.curation.bare_text import bare_text
from classwright_tools.curation.text_checks import UNSPACED
from classwright_tools.measurement.function_words import elided, function_words
from classwright_tools.statistics.two_shares import standard_errors_apart

WORDS_A_NAME = 4
ENGLISH = ("en",)
CHANCE_Z = 1.96  # benchmarks/README.md, "Words that tell two labels apart"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Runs of scripts without spaces between words are cut into overlapping pairs of characters.
_UNSPACED = re.compile(f"[{UNSPACED}]{{2,}}")


def words(text: str, languages: tuple[str, ...] = ENGLISH) -> list[str]:
    """Return the words of `text` in lower case, without links, addresses, handles and function words.

    These are those of English, and of such of `languages`, BCP 47 tags, as have a list.
    """
    empty, before_words = function_words(languages), elided(languages)
    found = []
    for word in _WORD.findall(bare_text(text).lower()):
        head, _, tail = word.partition("'")
        if tail and head in before_words:
            head = word = tail
        if _UNSPACED.fullmatch(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        elif len(word) > 1 and not word.endswith("n't") and head not in empty:
            found.append(word)
    return found


def group_names(
    groups: Sequence[Sequence[str]], background: Sequence[str], languages: tuple[str, ...] = ENGLISH
) -> list[str]:
    """Return a name for each group of texts: its words with the highest class-based TF-IDF.

    The weight of word t in group c is tf(t, c) * log(1 + A / tf(t)), with tf(t, c) the word's share of the group's
    words, tf(t) its count over all groups, and A the mean number of words a group (Grootendorst 2022, "BERTopic",
    equation 2). `background` texts are one more group, so that words which occur everywhere name nothing. Nor does a
    word that just one of several texts has, or that is as usual in the background. A group without a word of its own
    has the name "".
    """
    counts = [Counter(word for text in group for word in words(text, languages)) for group in [*groups, background]]
    usual = _shares(background, languages)
    total = sum(counts, Counter[str]())
    mean = total.total() / len(counts)
    names = []
    for group, count in zip(groups, counts, strict=False):
        shares = _shares(group, languages)
        weights = {
            word: n / count.total() * log(1 + mean / total[word])
            for word, n in count.items()
            if (shares[word] * len(group) > 1 or len(group) == 1) and shares[word] > usual.get(word, 0)
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))[:WORDS_A_NAME]
        names.append(", ".join(best))
    return names


def telling_words(texts: Sequence[str], others: Sequence[str], languages: tuple[str, ...] = ENGLISH) -> str:
    """Return up to four words that more of `texts` hold than of `others` by more than chance, "" where none does.

    The z-test of two proportions with a pooled variance, at `CHANCE_Z` for each word; a word that just one text has is
    none. Those of the highest z come first.
    """
    return _telling(_held(texts, languages), len(texts), _held(others, languages), len(others))


def telling_words_of_each(groups: Sequence[Sequence[str]], languages: tuple[str, ...] = ENGLISH) -> list[str]:
    """Return for each group of texts what `telling_words` finds beside the texts of all the others."""
    held = [_held(group, languages) for group in groups]
    whole, texts = sum(held, Counter[str]()), sum(map(len, groups))
    return [
        _telling(ours, len(group), whole - ours, texts - len(group)) for group, ours in zip(groups, held, strict=True)
    ]


def _telling(ours: Counter[str], of: int, theirs: Counter[str], of_others: int) -> str:
    apart = {word: standard_errors_apart(n, of, theirs[word], of_others) for word, n in ours.items() if n > 1}
    found = {word: z for word, z in apart.items() if z > CHANCE_Z}
    return ", ".join(sorted(found, key=lambda word: (-found[word], word))[:WORDS_A_NAME])


def _held(texts: Sequence[str], languages: tuple[str, ...]) -> Counter[str]:
    """Return how many of `texts` hold each of their words."""
    return Counter(word for text in texts for word in set(words(text, languages)))


def _shares(texts: Sequence[str], languages: tuple[str, ...]) -> dict[str, float]:
    """Return in what share of `texts` each of their words is."""
    return {word: count / len(texts) for word, count in _held(texts, languages).items()}
