"""Ten figures of a pair that words alone give, and the cosine of its two embeddings.

They are what a search engineer would write down first, and hard to beat with few labelled mismatches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

NAMES = (
    "share of the query's words in the item",
    "the same, weighted by idf",
    "Jaccard index of the words",
    "share of the query's 3-grams of characters in the item",
    "words in the query",
    "words in the item",
    "last word of the query in the item",
    "first word of the query in the item",
    "largest idf of a missing query word",
    "cosine of the embeddings",
)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Lexicon:
    """The inverse document frequency of each word of the training texts; words outside them have the rarest's."""

    idf: Mapping[str, float]
    rarest: float

    @staticmethod
    def fit(texts: Iterable[str]) -> Lexicon:
        """Return log((1 + n) / (1 + df)) of every word of the different `texts`, n of them."""
        counts: dict[str, int] = {}
        distinct = set(texts)
        for text in distinct:
            for word in set(words_of(text)):
                counts[word] = counts.get(word, 0) + 1
        n = len(distinct)
        idf = {word: float(np.log((1 + n) / (1 + count))) for word, count in counts.items()}
        return Lexicon(idf=idf, rarest=float(np.log(1 + n)))

    def of(self, word: str) -> float:
        """Return the idf of a word, known or not."""
        return self.idf.get(word, self.rarest)


@dataclass(frozen=True)
class LexicalTable:
    """The words and 3-grams of the queries and items of a table, as sparse 0/1 matrices with a row a text."""

    query_words: sparse.csr_matrix
    item_words: sparse.csr_matrix
    query_grams: sparse.csr_matrix
    item_grams: sparse.csr_matrix
    idf: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @staticmethod
    def of(queries: Sequence[str], items: Sequence[str], lexicon: Lexicon) -> LexicalTable:
        """Return the table of different `queries` and `items`."""
        columns: dict[str, int] = {}
        query_words = [words_of(text) for text in queries]
        item_words = [words_of(text) for text in items]
        query_matrix, item_matrix = _incidence(query_words, item_words, columns)
        grams: dict[str, int] = {}
        query_grams, item_grams = _incidence(map(_grams, queries), map(_grams, items), grams)
        return LexicalTable(
            query_words=query_matrix,
            item_words=item_matrix,
            query_grams=query_grams,
            item_grams=item_grams,
            idf=np.array([lexicon.of(word) for word in columns] or [0.0]),
            first=np.array([columns[words[0]] if words else -1 for words in query_words], np.int64),
            last=np.array([columns[words[-1]] if words else -1 for words in query_words], np.int64),
        )

    def features(self, queries: np.ndarray, items: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """Return the features (n, 10), as in `NAMES`, of the pairs of rows `queries` (n,) and `items` (n,)."""
        own, other = self.query_words[queries], self.item_words[items]
        common = own.multiply(other).tocsr()
        missing = (own - common).tocsr()
        n_own, n_other, n_common = (_row_sums(matrix) for matrix in (own, other, common))
        own_grams = self.query_grams[queries]
        common_grams = own_grams.multiply(self.item_grams[items])
        missing_idf = missing.multiply(self.idf[None, :]).max(axis=1).toarray().ravel()
        return np.column_stack(
            [
                n_common / np.maximum(n_own, 1),
                (common @ self.idf) / np.maximum(own @ self.idf, 1e-9),
                n_common / np.maximum(n_own + n_other - n_common, 1),
                _row_sums(common_grams) / np.maximum(_row_sums(own_grams), 1),
                n_own,
                n_other,
                _has_word(other, self.last[queries]),
                _has_word(other, self.first[queries]),
                missing_idf,
                cosines,
            ]
        )


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, in their order."""
    return WORD.findall(text.casefold())


def _grams(text: str) -> list[str]:
    folded = f" {' '.join(words_of(text))} "
    return [folded[start : start + 3] for start in range(len(folded) - 2)]


def _incidence(
    rows: Iterable[Iterable[str]], others: Iterable[Iterable[str]], columns: dict[str, int]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return which of the terms, numbered in `columns` as they come, each row and each other row holds."""
    found = [
        [[columns.setdefault(term, len(columns)) for term in dict.fromkeys(row)] for row in part]
        for part in (rows, others)
    ]
    one, two = (_matrix(part, len(columns)) for part in found)
    return one, two


def _matrix(rows: list[list[int]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, rows)])
    places = np.array([place for row in rows for place in row], np.int64)
    return sparse.csr_matrix((np.ones(len(places)), places, ends), shape=(len(rows), max(width, 1)))


def _row_sums(matrix: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()


def _has_word(matrix: sparse.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """Return 1 where row i of `matrix` has `columns[i]`; 0 where it has not, or the column is -1."""
    present = np.asarray(matrix[np.arange(len(columns)), np.maximum(columns, 0)]).ravel()
    return np.where(columns >= 0, present, 0.0)
