"""Time and memory of importing, searching and exporting short rows: 125 thousand to a million.

Each size runs in a process of its own, whose peak memory the system reports. Beside it, in another one, Arrow reads the
same file and writes it as Parquet, looks for the same word, and writes CSV; it compares no rows. The rows are made from
a seed: sentences of random words from a vocabulary with Zipf's law, of 4 to 16 words; 5% are copies of earlier rows and
5% have one character changed. `exponent` is b of seconds = a * rows ** b, fitted over the sizes; n log n gives 1.08 in
this range.

    python benchmarks/import_million.py [ROWS ...]
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SIZES = (125_000, 250_000, 500_000, 1_000_000)
VOCABULARY = 30_000
LABELS = ("billing", "delivery", "account")
COLUMNS = ("rows", "imported", "duplicates", "near_duplicates", "cpu_seconds", "find_cpu", "export_cpu", "peak_mb",
           "arrow_cpu", "arrow_find_cpu", "arrow_export_cpu", "arrow_mb")  # fmt: skip
WORD = "eta"
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


def spent(work: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    began = time.process_time()
    work()
    return round(time.process_time() - began, 2)


def peak() -> int:
    """Return the most memory that this process held, in megabytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(folder: Path) -> dict[str, float]:
    """Import, search and export the rows in `folder` in this process and return the figures."""
    from classwright_tools.context import ToolContext
    from classwright_tools.domain.task import Label, Task
    from classwright_tools.export.dataset_files import export_rows
    from classwright_tools.find_examples import FindExamplesRequest, find_examples
    from classwright_tools.import_examples import ImportExamplesRequest, import_examples
    from classwright_tools.workspace.workspace import Workspace

    workspace = Workspace(folder / "workspace")
    labels = tuple(Label(name=label) for label in LABELS)
    workspace.save_task(Task(slug="million", instruction="Sort messages by what they are about.", labels=labels))
    context = ToolContext(workspace=workspace, run_key="million", import_folders=(folder,))
    begin, begin_cpu = time.perf_counter(), time.process_time()
    result = import_examples(ImportExamplesRequest(task="million", split="train", path="rows.jsonl"), context)
    figures = {
        "imported": result.imported,
        "duplicates": result.skipped.get("duplicate", 0) + result.skipped.get("same text with another label", 0),
        "near_duplicates": result.skipped.get("near-duplicate", 0),
        "seconds": round(time.perf_counter() - begin, 1),
        "cpu_seconds": round(time.process_time() - begin_cpu, 1),
    }
    wanted = FindExamplesRequest.model_validate({"task": "million", "where": {"text": WORD}})
    figures["find_cpu"] = spent(lambda: find_examples(wanted, context))
    figures["export_cpu"] = spent(lambda: export_rows(workspace, "million-d1", folder / "export", "csv"))
    return {**figures, "peak_mb": peak()}


def measure_arrow(folder: Path) -> dict[str, float]:
    """Do the like with Arrow alone in this process and return the figures."""
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet as pq

    parquet = folder / "rows.parquet"

    def found() -> object:
        rows = pq.read_table(parquet)
        return rows.filter(pc.match_substring(rows["text"], WORD, ignore_case=True))

    return {
        "arrow_cpu": spent(lambda: pq.write_table(pyarrow.json.read_json(folder / "rows.jsonl"), parquet)),
        "arrow_find_cpu": spent(found),
        "arrow_export_cpu": spent(lambda: pyarrow.csv.write_csv(pq.read_table(parquet), folder / "rows.csv")),
        "arrow_mb": peak(),
    }


def main(sizes: Sequence[int]) -> None:
    figures = []
    print(" ".join(f"{name:>15}" for name in COLUMNS))
    for rows in sizes:
        figure: dict[str, float] = {"rows": rows}
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, __file__, "--write", f"{folder}/rows.jsonl", str(rows)], check=True)
            for way in ("--measure", "--arrow"):
                command = [sys.executable, __file__, way, folder]
                figure |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        figures.append(figure)
        print(" ".join(f"{figure[name]:>15}" for name in COLUMNS))
    about: dict[str, object] = {"cores": os.cpu_count(), "runs": figures}
    if len(figures) > 1:
        xs, ys = ([math.log(figure[name]) for figure in figures] for name in ("rows", "cpu_seconds"))
        about["exponent"] = round(statistics.linear_regression(xs, ys).slope, 3)
        print(f"exponent {about['exponent']}")
    RESULTS.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write_rows(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] in (["--measure"], ["--arrow"]):
        print(json.dumps((measure if sys.argv[1] == "--measure" else measure_arrow)(Path(sys.argv[2]))))
    else:
        main([int(rows) for rows in sys.argv[1:]] or SIZES)
