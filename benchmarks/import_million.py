"""Time and memory of importing and de-duplicating short rows: 125 thousand to a million.

Each size runs in a process of its own, whose peak memory the system reports. The rows are made from a seed: sentences
of random words from a vocabulary with Zipf's law, of 4 to 16 words; 5% are copies of earlier rows and 5% have one
character changed. `exponent` is b of seconds = a * rows ** b, fitted over the sizes; n log n gives 1.08 in this range.

    python benchmarks/import_million.py
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (125_000, 250_000, 500_000, 1_000_000)
VOCABULARY = 30_000
LABELS = ("billing", "delivery", "account")
COLUMNS = ("rows", "imported", "duplicates", "near_duplicates", "seconds", "cpu_seconds", "peak_mb")
RESULTS = Path(__file__).parent / "results" / "import_million.json"


def write_rows(path: Path, rows: int) -> None:
    import numpy as np

    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    words = ["".join(random.choice(letters, size=random.integers(2, 10))) for _ in range(VOCABULARY)]
    weights = 1 / np.arange(1, VOCABULARY + 1) ** 0.8
    weights /= weights.sum()
    recent: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for begin in range(0, rows, 10_000):
            count = min(10_000, rows - begin)
            lengths = random.integers(4, 17, size=count)
            drawn = random.choice(VOCABULARY, size=int(lengths.sum()), p=weights)
            ends = np.cumsum(lengths)
            texts = [" ".join(words[w] for w in drawn[end - n : end]) for end, n in zip(ends, lengths, strict=True)]
            for at in np.flatnonzero(random.random(count) < 0.1).tolist():
                if recent:
                    other = recent[int(random.integers(len(recent)))]
                    place = int(random.integers(len(other)))
                    texts[at] = other if random.random() < 0.5 else other[:place] + "x" + other[place + 1 :]
            recent = (recent + texts)[-200_000:]
            for number, text in enumerate(texts):
                file.write(json.dumps({"text": text, "label": LABELS[(begin + number) % 3]}) + "\n")


def measure(rows: int) -> dict[str, float]:
    """Run one import in this process and return its figures."""
    from classwright_tools.context import ToolContext
    from classwright_tools.domain.task import Label, Task
    from classwright_tools.import_examples import ImportExamplesRequest, import_examples
    from classwright_tools.workspace.workspace import Workspace

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, "--write", str(folder / "rows.jsonl"), str(rows)], check=True)
        workspace = Workspace(folder / "workspace")
        labels = tuple(Label(name=label) for label in LABELS)
        workspace.save_task(Task(slug="million", instruction="Sort messages by what they are about.", labels=labels))
        context = ToolContext(workspace=workspace, run_key="million", import_folders=(folder,))
        begin, begin_cpu = time.perf_counter(), time.process_time()
        result = import_examples(ImportExamplesRequest(task="million", split="train", path="rows.jsonl"), context)
        return {
            "rows": rows,
            "imported": result.imported,
            "duplicates": result.skipped.get("duplicate", 0) + result.skipped.get("same text with another label", 0),
            "near_duplicates": result.skipped.get("near-duplicate", 0),
            "seconds": round(time.perf_counter() - begin, 1),
            "cpu_seconds": round(time.process_time() - begin_cpu, 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def main() -> None:
    figures = []
    print(" ".join(f"{name:>15}" for name in COLUMNS))
    for rows in SIZES:
        command = [sys.executable, __file__, "--measure", str(rows)]
        figure = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        figures.append(figure)
        print(" ".join(f"{figure[name]:>15}" for name in COLUMNS))
    xs = [math.log(figure["rows"]) for figure in figures]
    ys = [math.log(figure["cpu_seconds"]) for figure in figures]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)
    print(f"exponent {slope:.2f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"cores": os.cpu_count(), "exponent": round(slope, 3), "runs": figures}, indent=1) + "\n"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write_rows(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main()
