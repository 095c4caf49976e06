"""Zero-data classifiers: the whole path on labelled sets, from a sentence to accuracy on real test rows.

    python benchmarks/zero_data.py --data FOLDER --writer-url http://127.0.0.1:8000/v1 --writer-model MODEL
    python benchmarks/zero_data.py --sets examples/banking12 --recorded examples/banking12/completions/*.jsonl

For each set two ways with one writer: Classwright's rounds, and AnyClassifier's recipe (the same cells, no gates, no
contrast rounds). No real row is trained on or steers anything; the test rows of a round choose nothing. It goes on
where it was stopped: `--work` keeps what was written, trained and measured.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

import numpy as np

from articles.pages import table, write_section
from articles.runs import Figures, Runs
from classwright_server.settings import EndpointSettings, RecordedSettings
from classwright_server.writers import make_writer
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.domain.usage import Prices
from classwright_tools.errors import ClasswrightError
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.writer import Writer
from zero.labelled_set import SETS, LabelledSet, open_set
from zero.ways import Made, classwright_rounds, plain_recipe, prepare


def main() -> None:
    arguments = _arguments()
    writer = _writer(arguments)
    runs = Runs("s4", quick=True, folder=arguments.work) if arguments.quick else Runs("s4", quick=False)
    failed = []
    for name in arguments.sets:
        try:
            _measure_set(open_set(name, arguments.data, arguments.instruction), writer, runs, arguments)
        except ClasswrightError as error:  # the others still count; this one goes on in the next run
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
    write_section("s4", _section(runs), quick=arguments.quick)
    if failed:
        raise SystemExit(f"not finished: {', '.join(failed)}; run the same command again to go on")


def _measure_set(labelled: LabelledSet, writer: Writer, runs: Runs, arguments: argparse.Namespace) -> None:
    """Measure the model of each round and that of the plain recipe on the real test rows."""
    workspace = Workspace(arguments.work / labelled.name)
    context = ToolContext(workspace=workspace, run_key=labelled.name, writer=writer)
    dataset = prepare(labelled, context)
    rows = _even(arguments.rows, workspace, labelled.proposal.task)
    key = {"set": labelled.name, "writer": writer.name, "rows": rows, "train": arguments.method, "seed": 0}

    def measured(made: Made, **more: str | int) -> None:
        runs.measure({**key, **more}, lambda: _figures(made, labelled, context))

    measured(plain_recipe(labelled, dataset, context, rows=rows, method=arguments.method), way="plain recipe", round=0)
    rounds = classwright_rounds(
        labelled,
        dataset,
        context,
        rows=rows,
        rows_a_round=arguments.rows_a_round,
        rounds=arguments.rounds,
        method=arguments.method,
    )
    for number, made in enumerate(rounds):
        measured(made, way="classwright", round=number)


def _even(rows: int, workspace: Workspace, task: str) -> int:
    """Return `rows`, raised to as many for each cell: both ways then ask for the same."""
    tree = workspace.document(workspace.resolve(None, "topics", task).id, "topics", TopicTree)
    return math.ceil(rows / len(tree.cells())) * len(tree.cells())


def _figures(made: Made, labelled: LabelledSet, context: ToolContext) -> Figures:
    """Return the figures on the real test rows, how alike the texts are, and what they cost."""
    request = EvaluateRequest(model=made.model, dataset=made.dataset, split="test")
    result = evaluate(request, ToolContext(workspace=context.workspace, run_key=f"{context.run_key}/{made.model}"))
    written = read_rows(context.workspace, made.dataset, "train")
    figures: Figures = {
        "training_rows": len(written),
        "test_rows": result.figures.rows,
        "written_similarity": _similarity([row.text for row in written], [str(row.label) for row in written]),
        "real_similarity": _similarity([row["text"] for row in labelled.rows], [row["label"] for row in labelled.rows]),
    }
    for name in ("accuracy", "macro_f1", "weighted_f1"):
        estimate = getattr(result.figures, name)
        figures |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    figures |= {f"f1 {one.label}": one.f1.value for one in result.weakest}
    if made.usage:
        figures |= {"tokens": made.usage.tokens_in + made.usage.tokens_out, "cost": made.usage.cost}
    return figures


def _similarity(texts: list[str], labels: list[str]) -> float:
    """Return the mean cosine of two different texts of one label, averaged over the labels."""
    vectors = open_encoder(DEFAULT_ENCODER).embed(texts)
    means = []
    for label in sorted(set(labels)):
        own = vectors[np.array(labels) == label].astype(np.float64)
        if len(own) > 1:
            means.append(((own.sum(axis=0) ** 2).sum() - len(own)) / (len(own) * (len(own) - 1)))
    return float(np.mean(means))


def _section(runs: Runs) -> str:
    """Return the section of the page: a line a set, way and round."""
    rows = []
    for key, figures in runs.all():
        accuracy, f1 = (
            f"{figures[name]:.3f} ({figures[f'{name}_low']:.3f}-{figures[f'{name}_high']:.3f})"
            for name in ("accuracy", "macro_f1")
        )
        alike = f"{figures['written_similarity']:.2f} / {figures['real_similarity']:.2f}"
        cost = f"{figures.get('tokens', 0):,.0f} tokens, ${figures.get('cost', 0):.2f}"
        way = f"{key['way']}, round {key['round']}"
        rows.append(
            [str(key["set"]), str(key["writer"]), way, f"{figures['training_rows']:.0f}", accuracy, f1, alike, cost]
        )
    header = ("set", "writer", "way", "written rows", "accuracy", "macro-F1", "likeness, written / real", "cost")
    return f"""## S4: zero-data classifiers (`benchmarks/zero_data.py`)

Real test rows, no real training row. The plain recipe is AnyClassifier's: the cells of the tree asked once, no gates,
no contrast rounds, the same writer. Likeness: mean cosine of two texts of one label. Intervals are over test rows.

{table(header, rows)}
"""


def _writer(arguments: argparse.Namespace) -> Writer:
    if arguments.recorded:
        settings: RecordedSettings | EndpointSettings = RecordedSettings(files=tuple(arguments.recorded))
    elif arguments.writer_url and arguments.writer_model:
        settings = EndpointSettings(
            base_urls=tuple(arguments.writer_url),
            model=arguments.writer_model,
            key_env=arguments.writer_key_env,
            prices=Prices(**dict(zip(("tokens_in", "tokens_out"), arguments.prices, strict=True)))
            if arguments.prices
            else None,
        )
    else:
        raise SystemExit("who writes? Pass --writer-url and --writer-model, or --recorded FILE...")
    writer = make_writer(settings, os.environ)
    assert writer is not None
    return writer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    data = os.environ.get("DATA")
    parser.add_argument("--sets", nargs="+", default=SETS, help="names in --data, or folders; default: %(default)s")
    parser.add_argument("--data", type=Path, default=Path(data) if data else None, help="the folder of the sets")
    parser.add_argument("--instruction", help="what to classify, for a set that neither describes itself nor is known")
    parser.add_argument("--work", type=Path, default=Path("runs/zero_data"), help="what was made; go on from it")
    parser.add_argument("--rows", type=int, default=1_000, help="written rows of the first round")
    parser.add_argument("--rows-a-round", type=int, default=400, help="written rows of each later round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--method", default="contrastive", choices=("probe", "contrastive", "setfit"))
    parser.add_argument("--recorded", type=Path, nargs="+", help="files of recorded completions")
    parser.add_argument("--writer-url", nargs="+", help="OpenAI-compatible base URLs")
    parser.add_argument("--writer-model")
    parser.add_argument("--writer-key-env", help="the environment variable that holds the key")
    parser.add_argument("--prices", type=float, nargs=2, metavar=("IN", "OUT"), help="US dollars a million tokens")
    parser.add_argument("--quick", action="store_true", help="a try: its results stay in the folder --work")
    return parser.parse_args()


if __name__ == "__main__":
    main()
