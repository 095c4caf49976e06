"""The methods that tune the encoder against `probe`, by the number of training rows: accuracy and processor time.

    python benchmarks/fine_tuning.py --data FOLDER [--sets NAME ...] [--rows N ...] [--ways NAME ...] [--seeds 3]

For each set, number of rows and seed all ways train on one draw of training rows, with the labels' own shares, and
answer one draw of test texts. `contrastive` has a loss on pairs for few rows and the contrastive loss for many; here
each is a way of its own, for any number. Each run is kept in `benchmarks/results/fine_tuning.json` as soon as it is
done: a measurement that was stopped goes on, and further cases come beside those that are there. The table is of all
that are kept. The difference to `probe` is paired: its interval is a bootstrap over all (seed, text) pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from articles.pages import table
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning import contrastive
from classwright_tools.learning.rows import Rows
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import accuracy_of
from contrastive_vs_setfit import Draw, answers, measured, read_lines

RESULTS = Path(__file__).parent / "results" / "fine_tuning.json"
SETS = ("banking77", "twitter_financial_news")
ROWS = (500, 1000, 2000)
BASE = "probe"
FEW = {"contrastive, loss on pairs": 10**9, "contrastive, contrastive loss": 0}
"""Up to how many rows `contrastive` takes for few in each of its ways."""
WAYS = (BASE, "contrastive, contrastive loss", "finetune")
TEST_TEXTS = 1000


def draw(folder: Path, rows: int, seed: int) -> Draw:
    """Return `rows` training rows drawn at random, and test texts; labels without a training row are left out."""
    train, test = (read_lines(folder / f"{split}.jsonl.gz") for split in ("train", "test"))
    generator = np.random.default_rng(seed)
    drawn = [train[place] for place in generator.permutation(len(train))[:rows]]
    names = sorted({row["label"] for row in drawn})
    known = [row for row in test if row["label"] in names]
    asked = [known[place] for place in generator.permutation(len(known))[:TEST_TEXTS]]
    return Draw(
        rows=Rows(
            texts=tuple(row["text"] for row in drawn),
            labels=np.array([names.index(row["label"]) for row in drawn]),
            groups=np.arange(len(drawn)),
            origin="real",
        ),
        k=len(names),
        texts=tuple(row["text"] for row in asked),
        labels=np.array([names.index(row["label"]) for row in asked]),
    )


def run(way: str, drawn: Draw, seed: int, cache: Path) -> dict[str, Any]:
    """Return which answers are right and the seconds that the training took, the frozen encoder's work aside."""
    contrastive.FEW_ROWS = FEW.get(way, contrastive.FEW_ROWS)
    measured(BASE, drawn, seed, cache)  # embeds
    return measured(way.split(",")[0], drawn, seed, cache)


def compared(runs: list[dict[str, Any]], name: str, rows: int, way: str) -> list[str]:
    """Return a line of the table: a way beside `probe` over the seeds that both have."""
    case = [one for one in runs if (one["set"], one["rows"]) == (name, rows)]
    seeds = sorted({one["seed"] for one in case if one["way"] == way})
    of = {(one["way"], one["seed"]): one for one in case if one["seed"] in seeds}
    ours, theirs = (np.concatenate([answers(of[which, seed]) for seed in seeds]) for which in (way, BASE))
    gain = bootstrap(lambda weights, one, other: accuracy_of(weights, one) - accuracy_of(weights, other), ours, theirs)
    seconds = np.median([of[way, seed]["processor_seconds"] for seed in seeds])
    return [
        name,
        str(rows),
        way,
        str(len(seeds)),
        f"{ours.mean():.3f}",
        "" if way == BASE else f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
        f"{seconds:.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS)
    parser.add_argument("--ways", nargs="+", choices=[BASE, *FEW, "finetune"], default=WAYS)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"] if RESULTS.is_file() else []
    done = {(one["set"], one["rows"], one["seed"], one["way"]) for one in runs}
    with tempfile.TemporaryDirectory() as cache:
        for seed, name, rows, way in product(range(options.seeds), options.sets, options.rows, options.ways):
            if (name, rows, seed, way) in done:
                continue
            drawn = draw(options.data / name, rows, seed)
            runs.append({"set": name, "rows": rows, "seed": seed, "way": way} | run(way, drawn, seed, Path(cache)))
            kept = {"encoder": DEFAULT_ENCODER, "runs": sorted(runs, key=lambda one: json.dumps(one, sort_keys=True))}
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            print(name, rows, seed, way, f"{answers(runs[-1]).mean():.3f}", flush=True)
    cases = sorted({(one["set"], one["rows"]) for one in runs})
    ways = [way for way in (BASE, *FEW, "finetune") if any(one["way"] == way for one in runs)]
    header = ["set", "rows", "way", "seeds", "accuracy", "over probe (95%)", "processor seconds"]
    found = {(one["set"], one["rows"], one["way"]) for one in runs}
    print(table(header, [compared(runs, *case, way) for case in cases for way in ways if (*case, way) in found]))


if __name__ == "__main__":
    main()
