"""The loop on recorded sets: what each part is worth on test rows; only the last two train on real labels.

    python benchmarks/loop.py --data FOLDER [--recorded FOLDER] [--held-out]

On each set a language model was the client: it wrote the texts of two rounds and labelled some of the unlabelled texts,
and what it did is recorded (`looping/record.py`). Here it is done again by the product's tools, a part more at a time.
Models are chosen and calibrated by the validation rows, as the product does; the test rows serve for the figures alone.
While something is being chosen, `--held-out` measures on training rows that nothing else uses in place of test rows. It
goes on where it was stopped: `--work` keeps what was made, `results/loop.json` what was measured.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from articles.pages import table
from articles.runs import RESULTS, Figures, Runs
from classwright_tools.context import DEFAULT_ENCODER
from looping.recorded import POOL, open_recorded
from looping.steps import Steps, measure, steps

RECORDED = Path(__file__).parent / "recorded"
PLAIN, FIRST, SECOND_ALONE = "plain recipe: round 0, no validation rows", "round 0", "both rounds"
UNLABELLED, SECOND = "round 0, texts without labels", "both rounds, texts without labels"
LABELLED = ("round 0, 300 of the texts labelled", "both rounds, 300 of the texts labelled")
LAST = "both rounds, 300 labelled, validation rows"
CEILING = "the texts without labels, with those of the set"
PARTS = (PLAIN, FIRST, SECOND_ALONE, UNLABELLED, SECOND, *LABELLED, LAST, CEILING)
ENDS = ("gain", "gain_low", "gain_high")
GAINS = {SECOND: UNLABELLED, SECOND_ALONE: FIRST, LABELLED[0]: UNLABELLED, LABELLED[1]: LABELLED[0]}  # over which part


def parts(of: Steps, method: str, seed: int) -> Iterator[tuple[str, Callable[[], Figures]]]:
    """Yield the parts of the loop by their names, each with what trains its model and measures it."""
    first = of.with_round(0, of.begin())
    second = of.with_round(1, first)
    told, both = (of.with_unlabelled(dataset) for dataset in (first, second))
    bare = of.with_round(0, of.begin(with_validation=False))

    def figures(dataset: str, against: str | None = None, **options: bool) -> Figures:
        model = of.trained(dataset, method, seed, **options)
        other = of.trained(against, method, seed) if against else None
        found = of.figures(model, dataset, other)
        return found | {"kept": of.is_kept(model, dataset, other)} if other else found

    def advised() -> Figures:
        return figures(told) | {"labels_advised": of.labels_are_advised(of.trained(told, method, seed), told)}

    yield PLAIN, lambda: of.figures(of.trained(bare, method, seed), bare)
    yield FIRST, lambda: figures(first)
    yield SECOND_ALONE, lambda: figures(second, first)
    if of.recorded.has_others:
        yield UNLABELLED, advised
        yield SECOND, lambda: figures(both, told)
    if of.recorded.answers:
        yield LABELLED[0], lambda: figures(of.annotated(told), told)
        yield LABELLED[1], lambda: figures(of.annotated(both), of.annotated(told))
        yield LAST, lambda: figures(of.annotated(both), train_on_validation=True)
    if of.recorded.has_others:
        yield CEILING, lambda: figures(of.with_labels(of.begin(with_validation=False)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    parser.add_argument("--recorded", type=Path, default=RECORDED, help="the folder of what was recorded")
    parser.add_argument("--sets", nargs="+", help="default: all that are recorded")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER, help="'auto': the best of it and of those in --encoders")
    parser.add_argument("--encoders", type=Path, help="further encoders, in folders such as OWNER/NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument(
        "--texts",
        type=int,
        default=POOL,
        help="without labels, at most, those that are labelled among them; 0: only these. The fewer, the further the "
        "shares are from those of random texts",
    )
    parser.add_argument("--test-rows", type=int, default=sys.maxsize, help="at most; drawn at random of more")
    parser.add_argument(
        "--parts", nargs="+", default=PARTS, choices=PARTS, metavar="PART", help="of the loop, as tables name them"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/loop"), help="what was made; go on from it")
    parser.add_argument("--held-out", action="store_true", help="measure on training rows, the results in --work")
    arguments = parser.parse_args()
    names = arguments.sets or sorted(path.name for path in arguments.recorded.iterdir())
    runs = Runs("loop", quick=False, folder=arguments.work if arguments.held_out else RESULTS)
    way = {"method": arguments.method, "encoder": arguments.encoder, "texts": arguments.texts}
    for name, seed in itertools.product(names, arguments.seeds):
        of = steps(
            open_recorded(
                arguments.recorded / name,
                arguments.data,
                texts=arguments.texts,
                test_rows=arguments.test_rows,
                seed=seed,
            ),
            arguments.work,
            held_out=arguments.held_out,
            encoder=arguments.encoder,
            encoders=arguments.encoders,
        )
        for part, run in parts(of, arguments.method, seed):
            if part not in arguments.parts:
                continue
            runs.measure({"set": name, **way, "seed": seed, "part": part}, run)
    print(told(runs, names, **way))


def told(runs: Runs, names: Sequence[str], **way: str | int) -> str:
    """Return the tables: of the parts on each set, of what they gain, and of shares and calibration.

    `way` is the method, the encoder and the texts of the runs that are told.
    """

    def mean(name: str, part: str, figure: str) -> float | None:
        found = runs.figures(figure, set=name, part=part, **way)
        return float(np.mean(found)) if found else None

    named = [f"`{name}`, {measure(name)}" for name in names]
    lines = [[part, *(_shown(mean(name, part, measure(name))) for name in names)] for part in PARTS]
    spread = [
        ["standard deviation of the seeds, at most", *(_shown(_most_spread(runs, name, way)) for name in names)],
    ]
    gains = [
        [
            f"{part}; over: {over}",
            *(_interval(*(mean(name, part, end) for end in ENDS)) for name in names),
            _interval(*_mean_interval([[mean(name, part, end) for end in ENDS] for name in names])),
        ]
        for part, over in GAINS.items()
    ]
    errors = [[part, *(_shown(mean(name, part, "calibration_error")) for name in names)] for part in PARTS]
    shares = [
        [f"`{name}`", part, *(_shown(mean(name, part, figure)) for figure in ("shares_error", "shares_covered"))]
        for name in names
        for part in PARTS
        if mean(name, part, "shares_error") is not None
    ]
    advised = [
        "labels are advised before a second round",
        *(_shown(mean(name, UNLABELLED, "labels_advised")) for name in names),
    ]
    return "\n\n".join(
        (
            table(("part", *named), [*lines, *spread, advised]),
            table(("gain of", *named, "mean"), gains),
            table(("ECE", *names), errors),
            table(("set", "part", "mean error of the shares", "covered"), shares),
        )
    )


def _most_spread(runs: Runs, name: str, way: Mapping[str, str | int]) -> float | None:
    """Return the largest standard deviation, over seeds, of a part's figure on a set; None of a single seed."""
    found = [runs.figures(measure(name), set=name, part=part, **way) for part in PARTS]
    return max((float(np.std(figures, ddof=1)) for figures in found if len(figures) > 1), default=None)


def _mean_interval(of_sets: Sequence[Sequence[float | None]]) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return the mean of gains on several sets and its 95% interval, from those of the sets, whose rows differ."""
    known = np.array([ends for ends in of_sets if None not in ends], float)
    if not len(known):
        return None, None, None
    value, half = known[:, 0].mean(), np.sqrt((((known[:, 2] - known[:, 1]) / 2) ** 2).sum()) / len(known)
    return float(value), float(value - half), float(value + half)


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    return "" if value is None else f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3f}"


if __name__ == "__main__":
    main()
