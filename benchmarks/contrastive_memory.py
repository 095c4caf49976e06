"""Memory and time of `contrastive`, beside training that keeps the activations of all texts.

    python benchmarks/contrastive_memory.py [--encoder NAME_OR_FOLDER] [--tokens 256] [--batches 2] [--bounded-only]

Each run is a process of its own, in turn: the peak of its resident memory, that before training, and the processor time
of the training. Without a bound 16 texts are encoded at a time and all of it is kept for the gradient: 64 texts of 384
tokens take an encoder of 110 million parameters 20 GB, so `--bounded-only` leaves it out. Figures are added to
`benchmarks/results/contrastive_memory.json`, one entry for each encoder and length.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from math import inf
from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER

RESULTS = Path(__file__).parent / "results" / "contrastive_memory.json"
WORDS = (
    "film",
    "plot",
    "slow",
    "but",
    "its",
    "actors",
    "are",
    "good",
    "and",
    "a",
    "house",
    "by",
    "the",
    "green",
    "sea",
)
LABELS = ("good", "bad", "mixed")
BATCH = 64  # of the method with many rows
MB = 2**20
RUNS = 3


def trained(encoder_name: str, tokens: int, batches: int, bounded: bool) -> dict[str, float]:
    """Train in this process; return its peak and what it held before in MB, and the processor seconds."""
    from classwright_tools.learning import contrastive
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup

    if not bounded:
        contrastive.memory_bound = lambda _device: inf
    generator = np.random.default_rng(0)
    texts = tuple(" ".join(generator.choice(WORDS, tokens)) for _ in range(BATCH * batches))
    labels = np.arange(len(texts)) % len(LABELS)
    rows = Rows(texts=texts, labels=labels, groups=np.arange(len(texts)), origin="real")
    with tempfile.TemporaryDirectory() as folder:
        cache = EmbeddingCache(Path(folder) / "embeddings.sqlite")
        setup = Setup(open_encoder(encoder_name), cache, LABELS, epochs=1, seed=0, progress=lambda *_: None)
        before = peak_bytes()
        began = time.process_time()
        contrastive.fit_contrastive(rows, setup)
        return {"before": before / MB, "peak": peak_bytes() / MB, "seconds": time.process_time() - began}


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_own_process(arguments: argparse.Namespace, way: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--encoder", arguments.encoder, "--tokens", str(arguments.tokens)]
    command += ["--batches", str(arguments.batches), "--run", way]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--tokens", type=int, default=256, help="of every text; longer texts are cut by the encoder")
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--bounded-only", action="store_true")
    parser.add_argument("--run", choices=["bounded", "whole"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if arguments.run:
        print(json.dumps(trained(arguments.encoder, arguments.tokens, arguments.batches, arguments.run == "bounded")))
        return
    ways = ["bounded"] if arguments.bounded_only else ["bounded", "whole"]
    runs = [{way: in_own_process(arguments, way) for way in ways} for _ in range(arguments.runs)]
    medians = {way: {name: statistics.median(run[way][name] for run in runs) for name in runs[0][way]} for way in ways}
    name = f"{Path(arguments.encoder).name}, {BATCH} texts of {arguments.tokens} tokens"
    print(f"{name}, {arguments.batches} steps, {arguments.runs} runs")
    for way, figures in medians.items():
        print(
            f"  {way:8} {figures['before']:6.0f} MB before, peak {figures['peak']:6.0f} MB, {figures['seconds']:.1f} s"
        )
    entry = {"steps": arguments.batches, "medians": medians, "runs": runs}
    if not arguments.bounded_only:
        ratios = [run["bounded"]["seconds"] / run["whole"]["seconds"] for run in runs]
        entry["times"] = [statistics.median(ratios), min(ratios), max(ratios)]
        print("  processor time over that of the whole: {:.2f} ({:.2f} to {:.2f})".format(*entry["times"]))
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(kept | {name: entry}, indent=2) + "\n")


if __name__ == "__main__":
    main()
