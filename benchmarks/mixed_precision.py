"""Tuning in mixed precision against single precision: the same rows, steps and held-out texts; accuracy and time.

    python benchmarks/mixed_precision.py --data FOLDER [--method contrastive] [--rows 16] [--sets NAME ...] [--seeds 3]

It needs a processor that multiplies bfloat16. Training rows are drawn anew for each seed, `--rows` of each label, and
up to 1,000 other training rows are answered; no test row is read. Gained and lost are the answers that only one of the
two has right. `results/mixed_precision.json` keeps each run as soon as it is done.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from articles.pages import table
from articles.runs import Figures, Runs
from classwright_tools.learning import contrastive, finetune
from classwright_tools.learning.mixed_precision import tuning_precision
from classwright_tools.learning.rows import Rows
from contrastive_vs_setfit import Draw, answers, measured, read_lines

SETS = ("cr", "subj", "financial_phrasebank", "emotion")
PRECISIONS = {"single": torch.float32, "mixed": torch.bfloat16}
HELD_OUT = 1_000


def draw(folder: Path, rows_a_label: int, seed: int) -> Draw:
    """Return training rows, and other training rows to answer, at random by `seed`."""
    rows = read_lines(folder / "train.jsonl.gz")
    names = sorted({row["label"] for row in rows})
    labels = np.array([names.index(row["label"]) for row in rows])
    order = np.random.default_rng(seed).permutation(len(rows))
    trained = np.concatenate([order[labels[order] == label][:rows_a_label] for label in range(len(names))])
    asked = order[~np.isin(order, trained)][:HELD_OUT]
    texts = [row["text"] for row in rows]
    return Draw(
        rows=Rows(tuple(texts[place] for place in trained), labels[trained], np.arange(len(trained)), "real"),
        k=len(names),
        texts=tuple(texts[place] for place in asked),
        labels=labels[asked],
    )


def run(method: str, drawn: Draw, seed: int) -> Figures:
    """Train in both precisions by turns; return what each took and had right, and where they differ."""
    figures: Figures = {}
    right = {}
    for name, precision in PRECISIONS.items():
        contrastive.tuning_precision = finetune.tuning_precision = lambda _device, of=precision: of
        with tempfile.TemporaryDirectory() as cache:
            measured("probe", drawn, seed, Path(cache))  # embeds with the frozen encoder, outside the time
            found = measured(method, drawn, seed, Path(cache))
        right[name] = answers(found)
        figures |= {f"{name} seconds": found["processor_seconds"], f"{name} accuracy": float(right[name].mean())}
    figures["gained"] = float((right["mixed"] & ~right["single"]).sum())
    figures["lost"] = float((right["single"] & ~right["mixed"]).sum())
    return figures | {"texts": float(len(drawn.texts))}


def compared(runs: Runs, name: str, method: str, rows: int) -> list[str]:
    """Return a line of the table over all seeds."""

    def of(figure: str) -> np.ndarray:
        return np.array(runs.figures(figure, set=name, method=method, rows=rows))

    single, mixed = (of(f"{one} seconds") for one in PRECISIONS)
    times = single / mixed
    change = 100 * (of("gained") - of("lost")).sum() / of("texts").sum()
    return [
        name,
        str(len(times)),
        *(f"{of(f'{one} accuracy').mean():.3f}" for one in PRECISIONS),
        f"{change:+.2f} ({of('gained').sum():.0f} gained, {of('lost').sum():.0f} lost)",
        f"{np.median(single):.1f}",
        f"{np.median(mixed):.1f}",
        f"{np.median(times):.2f} ({times.min():.2f} to {times.max():.2f})",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    parser.add_argument("--method", default="contrastive", choices=["contrastive", "finetune"])
    parser.add_argument("--rows", type=int, default=16, help="a label")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if tuning_precision(torch.device("cpu")) != torch.bfloat16:
        parser.error("this processor has no instructions for bfloat16, so nothing is to be saved")
    runs = Runs("mixed_precision", quick=False)
    for seed in range(options.seeds):
        for name in options.sets:
            key = {"set": name, "method": options.method, "rows": options.rows, "seed": seed}
            runs.measure(key, lambda name=name, seed=seed: _run(options, name, seed))
    header = ("set", "seeds", "single", "mixed", "points", "single, s", "mixed, s", "times faster")
    print(table(header, [compared(runs, name, options.method, options.rows) for name in options.sets]))


def _run(options: argparse.Namespace, name: str, seed: int) -> Figures:
    return run(options.method, draw(options.data / name, options.rows, seed), seed)


if __name__ == "__main__":
    main()
