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
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from articles.pages import table
from articles.runs import RESULTS, Figures, Runs
from classwright_tools.context import DEFAULT_ENCODER
from looping.recorded import POOL, open_recorded
from looping.steps import Steps, steps

RECORDED = Path(__file__).parent / "recorded"
PLAIN, FIRST, SECOND_ALONE = "plain recipe: round 0, no validation rows", "round 0", "both rounds"
UNLABELLED, SECOND = "round 0, texts without labels", "both rounds, texts without labels"
LABELLED = ("round 0, 300 of the texts labelled", "both rounds, 300 of the texts labelled")
LAST = "both rounds, 300 labelled, validation rows"
CEILING = "the texts without labels, with those of the set"
PARTS = (PLAIN, FIRST, SECOND_ALONE, UNLABELLED, SECOND, *LABELLED, LAST, CEILING)
# Which figure a set is known by.
MEASURES = {"twitter_financial_news": "weighted_f1", "toxic_chat": "f1 toxic", "emotion": "macro_f1"}


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

    yield PLAIN, lambda: of.figures(of.trained(bare, method, seed), bare)
    yield FIRST, lambda: figures(first)
    yield SECOND_ALONE, lambda: figures(second, first)
    if of.recorded.has_others:
        yield UNLABELLED, lambda: figures(told)
        yield SECOND, lambda: figures(both, told)
    if of.recorded.answers:
        yield LABELLED[0], lambda: figures(of.annotated(told), told)
        yield LABELLED[1], lambda: figures(of.annotated(both), both)
        yield LAST, lambda: figures(of.annotated(both), train_on_validation=True)
    if of.recorded.has_others:
        yield CEILING, lambda: figures(of.with_labels(of.begin()))


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
        "--texts", type=int, default=POOL, help="without labels, at most; 0: only those that are labelled"
    )
    parser.add_argument("--test-rows", type=int, default=sys.maxsize, help="at most; drawn at random of more")
    parser.add_argument("--work", type=Path, default=Path("runs/loop"), help="what was made; go on from it")
    parser.add_argument("--held-out", action="store_true", help="measure on training rows, the results in --work")
    arguments = parser.parse_args()
    names = arguments.sets or sorted(path.name for path in arguments.recorded.iterdir())
    runs = Runs("loop", quick=False, folder=arguments.work if arguments.held_out else RESULTS)
    for name in names:
        of = steps(
            open_recorded(
                arguments.recorded / name, arguments.data, texts=arguments.texts, test_rows=arguments.test_rows
            ),
            arguments.work,
            held_out=arguments.held_out,
            encoder=arguments.encoder,
            encoders=arguments.encoders,
        )
        for seed in arguments.seeds:
            key = {"set": name, "method": arguments.method, "encoder": arguments.encoder, "seed": seed}
            for part, run in parts(of, arguments.method, seed):
                runs.measure({**key, "part": part}, run)
    print(told(runs, names, method=arguments.method, encoder=arguments.encoder))


def told(runs: Runs, names: Sequence[str], **way: str) -> str:
    """Return the tables: of the parts on each set, of the second round, and of shares and calibration.

    `way` is the method and the encoder of the runs that are told.
    """

    def mean(name: str, part: str, figure: str) -> float | None:
        found = runs.figures(figure, set=name, part=part, **way)
        return float(np.mean(found)) if found else None

    named = [f"`{name}`, {MEASURES.get(name, 'accuracy')}" for name in names]
    lines = [[part, *(_shown(mean(name, part, MEASURES.get(name, "accuracy"))) for name in names)] for part in PARTS]
    rounds = [
        [
            f"`{name}`",
            part,
            *(_shown(mean(name, part, end), signed=True) for end in ("gain", "gain_low", "gain_high")),
            f"{sum(kept):.0f} of {len(kept)}",
        ]
        for name in names
        for part in (SECOND, SECOND_ALONE, *LABELLED)
        if (kept := runs.figures("kept", set=name, part=part, **way))
    ]
    figures = ("shares_error", "shares_covered", "calibration_error")
    shares = [
        [f"`{name}`", part, *(_shown(mean(name, part, figure)) for figure in figures)]
        for name in names
        for part in PARTS
        if mean(name, part, "calibration_error") is not None
    ]
    return "\n\n".join(
        (
            table(("part", *named), lines),
            table(("set", "rows of", "gain in accuracy on test rows", "low", "high", "kept by validation"), rounds),
            table(("set", "part", "mean error of the shares", "covered", "ECE"), shares),
        )
    )


def _shown(figure: float | None, *, signed: bool = False) -> str:
    return "" if figure is None else f"{figure:+.3f}" if signed else f"{figure:.3f}"


if __name__ == "__main__":
    main()
