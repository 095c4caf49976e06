"""Shares of labels told from unlabelled texts: how near they are, and what they are worth on test rows.

    python benchmarks/label_shift.py --data FOLDER [--written FOLDER]

--data holds a folder a set with `train.jsonl.gz` and `test.jsonl.gz`; --written one with the written rows of some sets,
`round*.jsonl`. A probe learns from these, else from 40 real rows a label. It is calibrated by 150 real rows, equally
many a label, and the shares are told from 2,000 texts: once with the labels' own shares, once with shares drawn at
random. The texts, the calibration rows and the rows to learn from are disjoint parts of a sample of the training file;
test rows serve for the figures alone. It prints tables and writes `benchmarks/results/label_shift.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.metrics import f1_score

from articles.pages import table
from articles.sets import LabelledTexts, read_split
from classwright_tools.learning.calibration import fit_temperature
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.statistics.at_shares import rare_label, row_weights
from classwright_tools.statistics.label_shift import LabelShift, calibrate, estimate_shares
from classwright_tools.statistics.metrics import calibration_error
from classwright_tools.statistics.ranking import threshold_of_best_f1
from classwright_tools.statistics.told_thresholds import as_told

SETS = ("twitter_financial_news", "toxic_chat", "arxiv12", "banking12", "emotion", "hate_speech_davidson")
BANKING12 = Path(__file__).parents[1] / "examples" / "banking12"
SAMPLE, TEST_ROWS = 2_150, 1_000  # texts that are embedded of a set; their order is drawn once
LEARNT_FROM, CALIBRATED_BY, TEXTS = 40, 150, 2_000  # rows a label; rows; texts
PENALTY = 10.0
RESULTS = Path(__file__).parent / "results" / "label_shift.json"


@dataclass(frozen=True)
class Rows:
    """Embeddings (n, d) and the numbers of the labels (n,)."""

    embeddings: np.ndarray
    labels: np.ndarray

    def take(self, places: np.ndarray) -> Rows:
        """Return the rows at `places`."""
        return Rows(self.embeddings[places], self.labels[places])

    def logits(self, head: Head) -> np.ndarray:
        """Return the uncalibrated logits (n, k)."""
        return head.logits(self.embeddings)


@dataclass(frozen=True)
class Set:
    """A set: a sample of its training rows, of its test rows, and the written rows if there are any."""

    names: tuple[str, ...]
    shares: np.ndarray  # of the labels in the whole training file
    real: Rows
    test: Rows
    written: Rows | None


def sampled(texts: LabelledTexts, most: int) -> LabelledTexts:
    places = np.random.default_rng(0).permutation(len(texts.texts))[:most]
    return LabelledTexts(tuple(texts.texts[i] for i in places), tuple(texts.labels[i] for i in places))


def read_set(name: str, data: Path, written: Path | None) -> Set:
    made = written_rows(name, written)
    folder = "banking77" if name == "banking12" else name
    train, test = read_split(data, folder, "train"), read_split(data, folder, "test")
    if name == "banking12":
        assert made
        train, test = (of_labels(rows, set(made.labels)) for rows in (train, test))
    names = tuple(sorted(set(train.labels)))
    counts = np.array([train.labels.count(label) for label in names])

    def embedded(rows: LabelledTexts) -> Rows:
        return Rows(rows.embeddings(), np.array([names.index(label) for label in rows.labels]))

    return Set(
        names=names,
        shares=counts / counts.sum(),
        real=embedded(sampled(train, SAMPLE)),
        test=embedded(sampled(test, TEST_ROWS)),
        written=embedded(made) if made else None,
    )


def of_labels(rows: LabelledTexts, labels: set[str]) -> LabelledTexts:
    """Return the rows of these lower-case `labels`, whatever their case is in the set."""
    pairs = ((text, label.lower()) for text, label in zip(rows.texts, rows.labels, strict=True))
    kept = [(text, label) for text, label in pairs if label in labels]
    return LabelledTexts(*zip(*kept, strict=True))


def written_rows(name: str, folder: Path | None) -> LabelledTexts | None:
    """Return the rows that were written for the set; None where there are none."""
    if name == "banking12":
        rows = [row for path in sorted((BANKING12 / "completions").glob("*.jsonl")) for row in read_lines(path)]
        pairs = [
            (text, row["label"]) for row in rows if row["kind"] in ("examples", "contrast") for text in row["items"]
        ]
    elif folder and (folder / name).is_dir():
        rows = [row for path in sorted((folder / name).glob("round*.jsonl")) for row in read_lines(path)]
        pairs = [(row["text"], row["label"]) for row in rows]
    else:
        return None
    return LabelledTexts(*zip(*pairs, strict=True))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measured(one: Set, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the runs of one draw: with the set's own shares, and with drawn ones."""
    generator = np.random.default_rng(seed)
    k = len(one.names)
    learnt, calibrated, rest = parts(one, generator)
    train = one.written or one.real.take(learnt)
    head = fit_head(train.embeddings, train.labels, k, c=PENALTY)
    by, pool = one.real.take(calibrated), one.real.take(rest)
    logits = by.logits(head)
    for kind, shares in (("own", one.shares), ("drawn", generator.dirichlet(np.ones(k)))):
        texts = with_shares(pool, shares, generator).logits(head)
        found = estimate_shares(logits, by.labels, texts, one.names, seed=seed)
        counted = np.bincount(texts.argmax(axis=1), minlength=k) / len(texts)
        run = {"shares": kind, "seed": seed, "texts": len(texts), "reason": found.reason}
        run |= {"outcome": found.outcome, "counted_error": float(np.abs(counted - shares).mean())}
        if found.shares:
            run |= against(found, shares)
        if one.written:
            by_written = estimate_shares(out_of_fold(train, k), train.labels, texts, one.names, seed=seed)
            if by_written.shares:
                run |= {f"written_{name}": figure for name, figure in against(by_written, shares).items()}
        if kind == "own":
            at = [share.value for share in found.shares] if found.outcome == "estimated" else None
            run |= on_test(one, head, by, at)
        yield run


def with_shares(pool: Rows, shares: np.ndarray, generator: np.random.Generator) -> Rows:
    """Return rows of the `pool` of which the labels have these `shares`, up to chance, none of them twice."""
    there = np.bincount(pool.labels, minlength=len(shares))
    wanted = generator.multinomial(int(min(TEXTS, (there / shares).min())), shares)
    return pool.take(
        np.concatenate(
            [generator.permutation(np.flatnonzero(pool.labels == label))[:rows] for label, rows in enumerate(wanted)]
        )
    )


def out_of_fold(rows: Rows, k: int) -> np.ndarray:
    """Return the logits (n, k) of each fifth of the rows by a probe of the others."""
    fold = np.random.default_rng(0).permutation(len(rows.labels)) % 5
    logits = np.empty((len(rows.labels), k))
    for number in range(5):
        train, held_out = (rows.take(np.flatnonzero(part)) for part in (fold != number, fold == number))
        logits[fold == number] = held_out.logits(fit_head(train.embeddings, train.labels, k, c=PENALTY))
    return logits


def against(found: LabelShift, shares: np.ndarray) -> dict[str, Any]:
    """Return how far the shares that were found are from the true ones, and whose intervals hold these."""
    value, low, high = (np.array([getattr(share, end) for share in found.shares]) for end in ("value", "low", "high"))
    return {
        "error": float(np.abs(value - shares).mean()),
        "largest_error": float(np.abs(value - shares).max()),
        "covered": [bool(inside) for inside in (low <= shares) & (shares <= high)],
        "widest": float((high - low).max()),
    }


def parts(one: Set, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the places of the real rows to learn from, to calibrate by, and to tell shares of: a third at least."""
    k = len(one.names)
    learnt, calibrated, rest = [], [], []
    for label in range(k):
        places = generator.permutation(np.flatnonzero(one.real.labels == label))
        first = 0 if one.written else min(LEARNT_FROM, len(places) // 3)
        second = first + min(CALIBRATED_BY // k, len(places) // 3)
        learnt.append(places[:first])
        calibrated.append(places[first:second])
        rest.append(places[second:])
    return np.concatenate(learnt), np.concatenate(calibrated), np.concatenate(rest)


def on_test(one: Set, head: Head, by: Rows, shares: list[float] | None) -> dict[str, float]:
    """Return the figures on the test rows as the model is, and with the prior at the estimated shares.

    There a rare label has its F1 from the threshold on too that the calibration rows give for it.
    """
    logits, k = by.logits(head), len(one.names)
    plain = softmax(one.test.logits(head) / fit_temperature(logits, by.labels), axis=1)
    shifted, calibration = plain, calibrate(logits, by.labels)
    if shares is not None:
        shifted = softmax(calibration.scale * one.test.logits(head) + calibration.offsets(shares), axis=1)
    rare = int(one.shares.argmin())
    found = {
        f"{name}_{when}": figure
        for when, proba in (("before", plain), ("after", shifted))
        for name, figure in figures(one.test.labels, proba, rare, k).items()
    }
    if shares is not None and rare_label(shares) == rare:
        scores = softmax(calibration.scale * logits + calibration.offsets(shares), axis=1)[:, rare]
        weights = row_weights(by.labels, shares)[by.labels]
        threshold = threshold_of_best_f1(by.labels == rare, as_told(scores), weights)
        if threshold is not None:
            found["rare_f1_best"] = float(f1_score(one.test.labels == rare, shifted[:, rare] >= threshold))
    return found


def figures(true: np.ndarray, proba: np.ndarray, rare: int, k: int) -> dict[str, float]:
    predicted = proba.argmax(axis=1)
    of_label = f1_score(true, predicted, labels=range(k), average=None, zero_division=0)
    return {
        "accuracy": float((predicted == true).mean()),
        "weighted_f1": float(of_label @ np.bincount(true, minlength=k) / len(true)),
        "macro_f1": float(of_label.mean()),
        "rare_f1": float(of_label[rare]),
        "calibration_error": calibration_error(true, proba),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    parser.add_argument("--written", type=Path, help="the folder of written rows")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    runs = []
    for name in arguments.sets:
        one = read_set(name, arguments.data, arguments.written)
        for seed in range(arguments.seeds):
            runs += [{"set": name, **run} for run in measured(one, seed)]
        print(name, "is done", flush=True)
    RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    print(shares_table(runs), "", test_table(runs), sep="\n")


def shares_table(runs: list[dict[str, Any]]) -> str:
    header = ("set", "shares", "told", "mean error", "largest error", "interval covers", "widest interval")
    lines = []
    for name, kind in dict.fromkeys((run["set"], run["shares"]) for run in runs):
        of = [run for run in runs if (run["set"], run["shares"]) == (name, kind)]
        counted = f"{np.mean([run['counted_error'] for run in of]):.3f}"
        lines.append([name, kind, *told(of), *told(of, "written_")[1:4:2], counted])
    return table((*header, "error, calibrated by written rows", "interval covers", "error of counting answers"), lines)


def told(runs: list[dict[str, Any]], by: str = "") -> list[str]:
    """Return the cells of the shares that runs told, calibrated `by` real rows or "written_" ones."""
    those = [run for run in runs if f"{by}error" in run]
    if not those:
        return [f"0 of {len(runs)}", "", "", "", ""]
    errors = [f"{np.mean([run[by + figure] for run in those]):.3f}" for figure in ("error", "largest_error")]
    covered = [inside for run in those for inside in run[f"{by}covered"]]
    widest = f"{np.mean([run[by + 'widest'] for run in those]):.2f}"
    return [f"{len(those)} of {len(runs)}", *errors, f"{sum(covered)} of {len(covered)}", widest]


def test_table(runs: list[dict[str, Any]]) -> str:
    names = ("accuracy", "weighted_f1", "macro_f1", "rare_f1", "calibration_error")
    lines = []
    for name in dict.fromkeys(run["set"] for run in runs):
        of = [run for run in runs if run["set"] == name and run["shares"] == "own"]
        ends = ([np.mean([run[f"{figure}_{when}"] for run in of]) for when in ("before", "after")] for figure in names)
        lines.append([name, *(f"{before:.3f}, {after:.3f}" for before, after in ends), from_its_threshold(of)])
    header = ("accuracy", "weighted F1", "macro-F1", "F1 of the rarest label", "ECE", "that F1 from its threshold on")
    return table(("set, before and after", *header), lines)


def from_its_threshold(runs: list[dict[str, Any]]) -> str:
    """Return the F1 of the rare label from its threshold on, and its gain in these runs; "" where it has none."""
    best = np.array([run["rare_f1_best"] for run in runs if "rare_f1_best" in run])
    gains = best - [run["rare_f1_after"] for run in runs if "rare_f1_best" in run]
    return f"{best.mean():.3f} ({gains.mean():+.3f}, {(gains > 0).sum()} of {len(best)})" if len(best) else ""


if __name__ == "__main__":
    main()
