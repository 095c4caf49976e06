"""Texts that are longer than the encoder takes at once: the first window alone against the mean of up to eight.

    python benchmarks/long_texts.py --data FOLDER [--final]

--data holds a folder a set with `train.jsonl.gz` and `test.jsonl.gz`. A probe learns from 25, 100 and 1,000 real rows
of `amazon_reviews`, five draws each. Without --final it is measured on held-out training rows, and other ways to pool
the windows are beside it: choices are made there. With --final the way that was kept is measured on the test rows.
Intervals are paired, over the drawn rows' answers, by bootstrap. Sets of short texts are embedded both ways, to see
that no bit of them changes. It prints tables and writes `benchmarks/results/long_texts.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from articles.pages import table
from articles.sets import read_split
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.windows import MOST_WINDOWS, embed_windows, windows_of

SET, SHORT_SETS = "amazon_reviews", ("banking77", "sms_spam", "twitter_financial_news")
ROWS, SEEDS, PENALTY = (25, 100, 1_000), range(5), 10.0
POOL, HELD_OUT, TIMED = 2_500, 1_000, 300  # training rows to draw from, and to choose by; texts that are timed
BOOTSTRAPS = 2_000
RESULTS = Path(__file__).parent / "results" / "long_texts.json"


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class WindowedTexts:
    """The embeddings of every window of some texts, and ways to make one embedding of a text's windows."""

    def __init__(self, encoder: Encoder, texts: tuple[str, ...]) -> None:
        windows = [
            window
            for start in range(0, len(texts), 64)
            for window in windows_of(encoder.model, texts[start : start + 64], MOST_WINDOWS)
        ]
        self.tokens = [np.array([len(window["input_ids"]) for window in own]) for own in windows]
        self.ends = np.cumsum([0, *map(len, windows)])
        self.vectors = embed_windows(encoder.model, [[window] for own in windows for window in own])

    def pooled(self, weights: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the texts' embeddings (n, d): of each the mean by the `weights` of its windows' tokens."""
        spans = [self.vectors[start:end] for start, end in pairwise(self.ends)]
        return unit(np.stack([weights(own) @ span for own, span in zip(self.tokens, spans, strict=True)]))


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "first window": lambda tokens: np.eye(len(tokens))[0],
    "mean by tokens": lambda tokens: tokens / tokens.sum(),
    "mean of windows": lambda tokens: np.ones(len(tokens)),
    "first and last": lambda tokens: np.eye(len(tokens))[0] + np.eye(len(tokens))[-1],
    "first of two by tokens": lambda tokens: (tokens / tokens.sum())[:2].tolist() + [0.0] * max(0, len(tokens) - 2),
}


def answers(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, true: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """Return which test rows are answered rightly by a probe of the training rows at `places`."""
    head = fit_head(train[places], labels[places], 2, c=PENALTY)
    return head.logits(test).argmax(axis=1) == true


def gain(first: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Return the gain in accuracy and its 95% interval of answers (seeds, rows), resampled by rows and by seeds."""
    rng = np.random.default_rng(0)
    difference = other.astype(float) - first
    drawn = []
    for _ in range(BOOTSTRAPS):
        seeds = rng.integers(0, len(difference), len(difference))
        rows = rng.integers(0, difference.shape[1], difference.shape[1])
        drawn.append(difference[np.ix_(seeds, rows)].mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def measured(data: Path, *, final: bool) -> dict[str, Any]:
    encoder = open_encoder(DEFAULT_ENCODER)
    rows = read_split(data, SET, "train")
    order = np.random.default_rng(0).permutation(len(rows.texts))
    pool, held_out = order[:POOL], order[POOL : POOL + HELD_OUT]
    names = sorted(set(rows.labels))
    labels = np.array([names.index(label) for label in rows.labels])
    if final:
        test = read_split(data, SET, "test")
        test_texts, true = test.texts, np.array([names.index(label) for label in test.labels])
    else:
        test_texts, true = tuple(rows.texts[place] for place in held_out), labels[held_out]
    learnt = WindowedTexts(encoder, tuple(rows.texts[place] for place in pool))
    asked = WindowedTexts(encoder, test_texts)
    long = np.array([len(tokens) > 1 for tokens in asked.tokens])
    ways = dict(list(WAYS.items())[:2]) if final else WAYS
    lines = []
    for count in ROWS:
        places = [np.random.default_rng(seed).permutation(POOL)[:count] for seed in SEEDS]
        right = {
            way: np.stack(
                [answers(learnt.pooled(weights), labels[pool], asked.pooled(weights), true, own) for own in places]
            )
            for way, weights in ways.items()
        }
        base = right["first window"]
        for way, own in right.items():
            line: dict[str, Any] = {"rows": count, "way": way, "accuracy": float(own.mean())}
            line |= {"accuracy of long": float(own[:, long].mean())}
            if way != "first window":
                line |= {"gain": gain(base, own), "gain on long": gain(base[:, long], own[:, long])}
            lines.append(line)
    return {"long": int(long.sum()), "of": len(long), "lines": lines}


def cost(data: Path) -> dict[str, Any]:
    """Return the seconds a 1,000 texts of the set, the first window alone and all."""
    texts = read_split(data, SET, "train").texts[:TIMED]
    encoder = open_encoder(DEFAULT_ENCODER)
    seconds = {}
    for name, windows in (("first window", 1), ("windows", MOST_WINDOWS)):
        own = replace(encoder, ref=encoder.ref.model_copy(update={"windows": windows}))
        started = time.process_time()
        own.embed(texts)
        seconds[name] = (time.process_time() - started) / len(texts) * 1_000
    return seconds


def unchanged(data: Path) -> dict[str, bool]:
    """Return for sets of short texts whether every bit of 1,000 embeddings is the same both ways."""
    encoder = open_encoder(DEFAULT_ENCODER)
    first = replace(encoder, ref=encoder.ref.model_copy(update={"windows": 1}))
    return {
        name: bool((first.embed(texts) == encoder.embed(texts)).all())
        for name in SHORT_SETS
        for texts in [read_split(data, name, "train").texts[:1_000]]
    }


def shown(gained: tuple[float, float, float] | None) -> str:
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*gained) if gained else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--final", action="store_true")
    arguments = parser.parse_args()
    found = measured(arguments.data, final=arguments.final)
    rows = "test" if arguments.final else "held-out training"
    print(f"{found['long']} of {found['of']} {rows} rows are longer than a window.\n")
    header = ["rows", "way", "accuracy", "gain", "accuracy of long", "gain on long"]
    print(
        table(
            header,
            [
                [
                    str(line["rows"]),
                    line["way"],
                    f"{line['accuracy']:.3f}",
                    shown(line.get("gain")),
                    f"{line['accuracy of long']:.3f}",
                    shown(line.get("gain on long")),
                ]
                for line in found["lines"]
            ],
        )
    )
    found |= {
        "processor seconds a 1,000 texts": cost(arguments.data),
        "short texts unchanged": unchanged(arguments.data),
    }
    print(found["processor seconds a 1,000 texts"], found["short texts unchanged"])
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(kept | {rows: found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
