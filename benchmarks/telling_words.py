"""Words that tell two labels apart, as a plan names them from few rows: how many of them do so in other rows.

    python benchmarks/telling_words.py --data FOLDER

Of each of two labels a few rows are drawn, as a validation split has them, and words are named by `telling_words` and,
beside it, by class-based TF-IDF. A word is right if a larger share of 600 other rows of the first label than of the
second has it. It prints a table and writes `benchmarks/results/telling_words.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from articles.pages import table
from articles.sets import read_split
from classwright_tools.measurement.naming import group_names, telling_words, words

SETS = ("emotion", "sst5", "twitter_financial_news", "hate_speech_davidson", "mr", "financial_phrasebank")
ROWS_A_LABEL = (8, 16, 32, 50, 75, 100)
READ, DRAWN_FROM, OTHERS, PAIRS, DRAWS = 4_000, 150, 600, 4, 3
CHARACTERS = 600
RESULTS = Path(__file__).parent / "results" / "telling_words.json"

Name = Callable[[Sequence[str], Sequence[str]], str]
WAYS: dict[str, Name] = {
    "class-based TF-IDF": lambda texts, others: group_names([texts], others)[0],
    "by more than chance": telling_words,
}


def texts_by_label(data: Path, name: str) -> dict[str, list[str]]:
    """Return the texts of labels that have enough of them."""
    found = read_split(data, name, "train")
    by_label: dict[str, list[str]] = {}
    for place in np.random.default_rng(0).permutation(len(found.texts))[:READ]:
        by_label.setdefault(found.labels[place], []).append(found.texts[place][:CHARACTERS])
    return {label: texts for label, texts in by_label.items() if len(texts) >= 2 * DRAWN_FROM}


def verdicts(by_label: dict[str, list[str]], rows: int, name: Name) -> Iterator[list[bool]]:
    """Yield, for each pair of labels and draw, of each named word whether it is right."""
    shares = {}
    for label, texts in by_label.items():
        others = texts[DRAWN_FROM : DRAWN_FROM + OTHERS]
        held = Counter(word for text in others for word in set(words(text)))
        shares[label] = {word: n / len(others) for word, n in held.items()}
    for one, other in list(permutations(sorted(by_label), 2))[:PAIRS]:
        for draw in range(DRAWS):
            generator = np.random.default_rng(draw)
            own, theirs = (
                [by_label[label][place] for place in generator.choice(DRAWN_FROM, rows, replace=False)]
                for label in (one, other)
            )
            named = filter(None, name(own, theirs).split(", "))
            yield [shares[one].get(word, 0) > shares[other].get(word, 0) for word in named]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    arguments = parser.parse_args()
    sets = [texts_by_label(arguments.data, name) for name in SETS]
    found, lines = [], []
    for rows in ROWS_A_LABEL:
        line = [str(rows)]
        for way, name in WAYS.items():
            every = [named for by_label in sets for named in verdicts(by_label, rows, name)]
            right, named = sum(map(sum, every)), sum(map(len, every))
            found.append({"rows": rows, "way": way, "pairs": len(every), "named": named, "right": right})
            line += [f"{named / len(every):.1f}", f"{right / named:.2f}" if named else ""]
        lines.append(line)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(("rows a label", *(f"{way}: {what}" for way in WAYS for what in ("words a pair", "right"))), lines))


if __name__ == "__main__":
    main()
