"""Measured runs, kept as they come: a benchmark that was stopped goes on where it was, and processes share a table."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import parent_process
from pathlib import Path

Value = str | int | float | bool
Figures = dict[str, float]

RESULTS = Path(__file__).parents[1] / "results"
LIBRARIES = ("torch", "sentence-transformers", "scikit-learn", "numpy")


def arguments_of(description: str) -> argparse.Namespace:
    """Return the arguments that every table of the articles takes: `data`, a folder of sets, and `quick`."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    data = os.environ.get("DATA")
    parser.add_argument("--data", type=Path, default=Path(data) if data else None, help="the folder of the sets")
    parser.add_argument("--quick", action="store_true", help="few seeds: whether it runs, not what it shows")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("it needs the sets: pass --data FOLDER or set DATA (benchmarks/README.md says which)")
    return arguments


class Runs:
    """The runs of one table in `results/NAME.json`; those of a quick try in `quick/NAME.json` beside it.

    A run is named by its key (method, set, rows, seed, ...). What a key means must not change: a run that is there is
    not repeated. Delete the file to measure anew.

    Processes that make a table together have a folder `claims`, empty at their start: each marks there what it takes.
    """

    def __init__(self, name: str, *, quick: bool, folder: Path = RESULTS, claims: Path | None = None) -> None:
        self._path = folder / ("quick" if quick else "") / f"{name}.json"
        self._claims = claims
        self._runs: dict[str, tuple[dict[str, Value], Figures]] = {}
        self._read()

    def takes(self, *part: Value) -> bool:
        """Return whether this process is the one that makes the runs of `part`: the first that asks.

        Raises:
            SystemExit: whoever started the processes is gone.
        """
        if self._claims is None:
            return True
        parent = parent_process()
        if parent and not parent.is_alive():
            raise SystemExit("the measurement was ended")
        try:
            (self._claims / " ".join(map(str, part))).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def measure(self, key: Mapping[str, Value], run: Callable[[], Figures]) -> Figures:
        """Return the figures of the run `key`: those that are there, else of one call of `run`."""
        name = _name(key)
        if name not in self._runs:
            self._runs[name] = dict(key), run()
            self._save()
            print(name, self._runs[name][1], flush=True)
        return self._runs[name][1]

    def figures(self, measure: str, **key: Value) -> list[float]:
        """Return one figure of all runs that have it and whose keys contain `key`, in the order of their seeds."""
        found = [
            (own["seed"], figures[measure])
            for own, figures in self._runs.values()
            if measure in figures and all(own.get(name) == value for name, value in key.items())
        ]
        return [value for _, value in sorted(found)]

    def all(self) -> list[tuple[dict[str, Value], Figures]]:
        """Return every run, in the order of its key."""
        return [self._runs[name] for name in sorted(self._runs)]

    def _read(self) -> None:
        """Take up the runs of the file that are not known yet."""
        if self._path.exists():
            for run in json.loads(self._path.read_text(encoding="utf-8"))["runs"]:
                self._runs.setdefault(_name(run["key"]), (run["key"], run["figures"]))

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._read()  # what the others have measured meanwhile
            document = {
                "python": platform.python_version(),
                "versions": {name: version(name) for name in LIBRARIES},
                "runs": [{"key": key, "figures": figures} for key, figures in self._runs.values()],
            }
            beside = self._path.with_suffix(".tmp")
            beside.write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")
            beside.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep the other processes from writing."""
        if self._claims is None:
            yield
            return
        with self._claims.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _name(key: Mapping[str, Value]) -> str:
    return json.dumps(dict(sorted(key.items())))
