"""Names for groups of texts: the words that are frequent in a group and rare elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from classwright_tools.measurement.bare_text import bare_text

WORDS_A_NAME = 4
# Of English, beside scikit-learn's list: what is in every kind of message and says nothing of it.
_EMPTY = frozenset(
    {"does", "did", "doing", "done", "don", "didn", "doesn", "isn", "wasn", "aren", "won", "can", "cant", "just",
     "really",
     "also", "get", "got", "getting", "go", "going", "gonna", "wanna", "im", "ive", "dont", "doesnt", "didnt", "thats",
     "whats", "ok", "okay", "yes", "no", "please", "pls", "plz", "thanks", "thank", "thx", "hi", "hello", "hey", "rt",
     "amp", "ur"}
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Scripts that put no space between words: their runs are cut into overlapping pairs of characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2,}")


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without stop words of English, links, addresses and handles."""
    found = []
    for word in _WORD.findall(bare_text(text).lower()):
        if _UNSPACED.fullmatch(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        elif len(word) > 1 and not word.endswith("n't") and word.split("'")[0] not in ENGLISH_STOP_WORDS | _EMPTY:
            found.append(word)
    return found


def group_names(groups: Sequence[Sequence[str]], background: Sequence[str] = ()) -> list[str]:
    """Return a name for each group of texts: its words with the highest class-based TF-IDF.

    The weight of word t in group c is tf(t, c) * log(1 + A / tf(t)), with tf(t, c) the word's share of the group's
    words, tf(t) its count over all groups, and A the mean number of words a group (Grootendorst 2022, "BERTopic",
    equation 2). `background` texts are one more group, so that words which occur everywhere name nothing. Nor does a
    word that just one of several texts has, or that is as usual in the background. A group without a word of its own
    has the name "".
    """
    counts = [Counter(word for text in group for word in words(text)) for group in [*groups, background]]
    usual = _shares(background)
    total = sum(counts, Counter[str]())
    mean = total.total() / len(counts)
    names = []
    for group, count in zip(groups, counts, strict=False):
        shares = _shares(group)
        weights = {
            word: n / count.total() * log(1 + mean / total[word])
            for word, n in count.items()
            if (shares[word] * len(group) > 1 or len(group) == 1) and shares[word] > usual.get(word, 0)
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))[:WORDS_A_NAME]
        names.append(", ".join(best))
    return names


def _shares(texts: Sequence[str]) -> dict[str, float]:
    """Return in what share of `texts` each of their words is."""
    counts = Counter(word for text in texts for word in set(words(text)))
    return {word: count / len(texts) for word, count in counts.items()}
