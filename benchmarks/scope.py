"""Texts of none of a model's labels: which score tells them best, and what a threshold on it flags.

    python benchmarks/scope.py --data FOLDER [--methods probe contrastive] [--seeds 5]

Models learn 8 or 32 real rows a label, or the rows that a language model wrote (`recorded/`). They are asked texts of
their labels, and texts of none: near ones (of held-out labels, or of the same form) and far ones (of other sets). For
each score it keeps the area under the ROC curve of the texts of none against the others, and what is flagged at the
threshold that flags 5% of rows held out. The score was chosen on the sets of `CHOSEN_ON` alone. Each run is kept in
`results/scope.json` as soon as it is done.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from articles.pages import table
from articles.runs import Figures, Runs
from articles.sets import CACHE
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.classifier import assessed
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.scope import out_of_scope
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import grouped_folds
from classwright_tools.learning.training import train
from scoping.cases import Case, real_case, written_case
from scoping.scores import OF_LOGITS, SCORES, Known

CHOSEN_ON = ("banking77", "emotion", "sms_spam", "sst5")
FINAL = ("clinc150", "arxiv12", "twitter_financial_news", "hate_speech_davidson", "toxic_chat")
REAL = ("banking77", "emotion", "sms_spam", "clinc150", "arxiv12", "twitter_financial_news", "hate_speech_davidson")
WRITTEN = ("banking77", "emotion", "sst5", "arxiv12", "twitter_financial_news", "toxic_chat")
KINDS = ("written", "real, 8", "real, 32")
SHARES = (0.02, 0.05)  # of the rows held out, that are flagged
BY = (("validation", 0.05), ("unlabelled", 0.05), ("held out", 0.05), ("held out", 0.02))
FLAGGED = [f"{kind}, {by} {share:.0%}" for by, share in BY for kind in ("own", "near", "far")]
TOLD = [f"{kind}, {what}" for kind in ("own", "near", "far") for what in ("out of scope", "likely", "sure")]
"""What the product says of texts: out of scope; likely enough to be sure of it without a scope; sure."""
TUNED_ON = (
    ("banking77", "real, 8"),
    ("emotion", "real, 32"),
    ("emotion", "written"),
    ("twitter_financial_news", "written"),
)
"""Where a tuning of the encoder is tried, which takes minutes."""


def cases(methods: list[str], seeds: int, data: Path, sets: list[str]) -> Iterator[tuple[dict[str, str | int], Case]]:
    """Yield every case of the `sets` with the key of its run."""
    for method in methods:
        for seed in range(seeds):
            for name, kind in (
                *((name, KINDS[0]) for name in WRITTEN),
                *((name, rows) for rows in KINDS[1:] for name in REAL),
            ):
                if name not in sets or (method != "probe" and (name, kind) not in TUNED_ON):
                    continue
                key: dict[str, str | int] = {"set": name, "rows": kind, "method": method, "seed": seed}
                found = (
                    written_case(data, name, seed)
                    if kind == "written"
                    else real_case(data, name, int(kind.split()[1]), seed)
                )
                yield key, found


def run(method: str, case: Case, seed: int, cache: EmbeddingCache) -> Figures:
    """Return the figures of every score for a model of the case's rows by `method`."""
    encoder = open_encoder(DEFAULT_ENCODER)
    kept: EmbeddingCache | None = cache
    if method != "probe":
        encoder, kept = _tuned(method, case, seed, encoder, cache), None
    texts = {name: getattr(case, name) for name in ("unlabelled", "own", "near", "far")}
    texts["validation"] = case.validation.texts
    embedded = {name: encoder.embed(own, kept) for name, own in texts.items()}
    known = Known(encoder.embed(case.rows.texts, kept), case.rows.labels)
    folds = grouped_folds(case.rows, seed)
    figures: Figures = {"rows": len(case.rows), "labels": case.k}
    for name, make in SCORES.items():
        score = make(known)
        of = {kind: score(vectors) for kind, vectors in embedded.items() if len(vectors)}
        if name not in OF_LOGITS:
            of["held out"] = np.concatenate([make(known.take(part))(known.embeddings[held]) for part, held in folds])
        for kind in ("near", "far"):
            if kind in of:
                true = np.repeat([1, 0], [len(of["own"]), len(of[kind])])
                figures[f"{name}: {kind}"] = float(roc_auc_score(true, np.concatenate([of["own"], of[kind]])))
        for by in ("validation", "unlabelled", "held out"):
            for share in SHARES if by in of else ():
                threshold = lowest(of[by], share)
                for kind in ("own", "near", "far"):
                    if kind in of:
                        figures[f"{name}: {kind}, {by}, {share}"] = float((of[kind] < threshold).mean())
    return figures


def lowest(scores: np.ndarray, share: float) -> float:
    """Return the score below which that share of further ones may lie: an order statistic; -inf for too few scores."""
    place = int(share * (len(scores) + 1))
    return float(np.sort(scores)[place - 1]) if place else -np.inf


def product(method: str, case: Case, seed: int, cache: EmbeddingCache) -> Figures:
    """Return what the product says of the texts, trained with the real validation rows, and without them."""
    figures: Figures = {}
    for validation, name in ((case.validation, ""), (None, ", no validation rows")):
        trained = train(method, case.rows, validation, _setup(case, seed, open_encoder(DEFAULT_ENCODER), cache))
        for kind in ("own", "near", "far"):
            found = assessed(trained.classifier, getattr(case, kind), case.k)
            foreign = out_of_scope(found.likeness, trained.scope, len(found.logits))
            likely = softmax(found.logits / trained.temperature).max(axis=1) >= trained.sureness.threshold
            shares = (foreign.mean(), likely.mean(), (likely & ~foreign).mean())
            figures |= {f"{of}{name}": float(share) for of, share in zip(_told(kind), shares, strict=True)}
    return figures


def _told(kind: str) -> list[str]:
    return [name for name in TOLD if name.startswith(kind)]


def _tuned(method: str, case: Case, seed: int, encoder: Encoder, cache: EmbeddingCache) -> Encoder:
    return METHODS[method].fit(case.rows, _setup(case, seed, encoder, cache)).encoder


def _setup(case: Case, seed: int, encoder: Encoder, cache: EmbeddingCache) -> Setup:
    labels = tuple(map(str, range(case.k)))
    return Setup(
        encoder=encoder, cache=cache, labels=labels, epochs=None, seed=seed, progress=lambda _done, _what: None
    )


def of_scores(runs: Runs, method: str, sets: tuple[str, ...]) -> list[list[str]]:
    """Return a line a score: the mean area over the sets and seeds, by the kind of rows and of texts."""
    lines = []
    for name in SCORES:
        line = [name]
        for rows in KINDS:
            for kind in ("near", "far"):
                by_set = [runs.figures(f"{name}: {kind}", method=method, rows=rows, set=one) for one in sets]
                line.append(mean_of(by_set))
        lines.append(line)
    return lines


def told(runs: Runs, method: str) -> list[list[str]]:
    """Return two lines a set and kind of rows: what the product says, with validation rows and without."""
    keys = {(str(key["rows"]), str(key["set"])) for key, _ in runs.all() if key.get("part") and key["method"] == method}
    return [
        [
            f"{rows}{name}",
            one,
            *(mean_of([runs.figures(f"{of}{name}", rows=rows, set=one, method=method)]) for of in TOLD),
        ]
        for rows, one in sorted(keys)
        for name in ("", ", no validation rows")
    ]


def mean_of(by_set: list[list[float]]) -> str:
    """Return the mean over sets, and the interval over the seeds of it."""
    there = [one for one in by_set if one]
    if not there:
        return ""
    seeds = min(map(len, there))
    means = np.array([one[:seeds] for one in there]).mean(axis=0)
    half = float(t.ppf(0.975, seeds - 1) * means.std(ddof=1) / np.sqrt(seeds)) if seeds > 1 else float("nan")
    return f"{means.mean():.3f} ± {half:.3f}"


def flagged(runs: Runs, method: str, name: str) -> list[list[str]]:
    """Return a line a set and kind of rows: what a score flags at the thresholds of rows held out, over the seeds."""
    cases = sorted({(str(key["rows"]), str(key["set"])) for key, _ in runs.all() if key["method"] == method})
    lines = []
    for rows, one in cases:
        line = [rows, one]
        for by, share in BY:
            for kind in ("own", "near", "far"):
                line.append(
                    mean_of([runs.figures(f"{name}: {kind}, {by}, {share}", method=method, rows=rows, set=one)])
                )
        lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--methods", nargs="+", default=["probe"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=[*CHOSEN_ON, *FINAL])
    parser.add_argument("--product", action="store_true", help="what trained models say, which takes longer")
    parser.add_argument("--flagged", nargs="*", choices=SCORES, default=["nearest mean"], help="scores to say it of")
    options = parser.parse_args()
    runs, cache = Runs("scope", quick=False), EmbeddingCache(CACHE)
    for key, case in cases(options.methods, options.seeds, options.data, options.sets):
        measured = product if options.product else run
        part: dict[str, str | int] = {"part": "product"} if options.product else {}
        runs.measure(key | part, partial(measured, str(key["method"]), case, int(key["seed"]), cache))
    header = ["score", *(f"{rows}: {kind}" for rows in KINDS for kind in ("near", "far"))]
    for method in options.methods:
        for title, sets in (("chosen on", CHOSEN_ON), ("final", FINAL)):
            print(f"\n{method}, {title}: {', '.join(sets)}\n\n{table(header, of_scores(runs, method, sets))}")
        for name in options.flagged:
            print(f"\n{method}, {name}\n\n{table(['rows', 'set', *FLAGGED], flagged(runs, method, name))}")
        if runs.figures("own, sure", method=method):
            print(f"\n{method}, what the product says\n\n{table(['rows', 'set', *TOLD], told(runs, method))}")


if __name__ == "__main__":
    main()
