"""Zero-data classifiers: the whole path on labelled sets, from a sentence to accuracy on real test rows.

    python benchmarks/zero_data.py --data FOLDER --writer-url http://127.0.0.1:8000/v1 --writer-model MODEL
    python benchmarks/zero_data.py --sets examples/banking12 --recorded examples/banking12/completions/*.jsonl

For each set two ways with one writer: Classwright's rounds, and AnyClassifier's recipe (the same cells, no gates, no
contrast rounds). No real row is trained on or steers anything; the test rows of a round choose nothing. It goes on
where it was stopped: `--work` keeps what was written, trained and measured. While something is left to do, as when no
endpoint answers, it ends with status 1.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from articles.pages import write_section
from articles.runs import Figures, Runs
from articles.sets import CACHE
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.domain.usage import FREE
from classwright_tools.domain.writer import Writer
from classwright_tools.errors import ClasswrightError
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.methods.choice import MethodName
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from classwright_tools.writing.backends.recorded import RecordedSettings
from zero.labelled_set import SETS, LabelledSet, open_set
from zero.results import PLAIN, ROUNDS, section
from zero.unattended import EndpointGone, StoppingWriter, paid_for
from zero.ways import Made, classwright_rounds, plain_recipe, prepare


def main() -> None:
    arguments = _arguments()
    writer = StoppingWriter(_writer(arguments))
    runs = Runs("s4", quick=True, folder=arguments.work) if arguments.quick else Runs("s4", quick=False)
    failed = []
    for name in arguments.sets:
        labelled = open_set(name, arguments.data, arguments.instruction)
        for method in arguments.method:
            for error in _measure_set(labelled, method, writer, runs, arguments):  # the others still count
                failed.append(labelled.name)
                print(f"{labelled.name}: {error}", file=sys.stderr, flush=True)
    if runs.all():
        write_section("s4", section(runs), quick=arguments.quick)
    if failed:
        raise SystemExit(f"not finished: {', '.join(dict.fromkeys(failed))}; run the same command again to go on")


def _measure_set(
    labelled: LabelledSet, method: MethodName, writer: Writer, runs: Runs, arguments: argparse.Namespace
) -> Iterator[ClasswrightError]:
    """Measure the plain recipe's model and that of each round on the real test rows; yield what stood in the way."""
    # A folder for each way of going about it: what is in its store is what that way has cost.
    folder = arguments.work / f"{labelled.name}-{method}-{arguments.rows}-{arguments.rows_a_round}"
    workspace = Workspace(folder)
    context = ToolContext(workspace=workspace, run_key=labelled.name, writer=writer)
    try:
        dataset = prepare(labelled, context)
    except ClasswrightError as error:
        yield error
        return
    rows = _even(arguments.rows, workspace, labelled.proposal.task)
    key = {"set": labelled.name, "writer": writer.name, "rows": rows, "train": method, "seed": 0}
    plain = None
    try:
        plain = plain_recipe(labelled, dataset, context, rows=rows, method=method)
        runs.measure({**key, "way": PLAIN, "round": 0}, lambda: _figures(plain, None, labelled, context))
    except ClasswrightError as error:
        yield error
        if isinstance(error, EndpointGone):
            return
    rounds = classwright_rounds(
        labelled,
        dataset,
        context,
        rows=rows,
        rows_a_round=arguments.rows_a_round,
        rounds=arguments.rounds,
        method=method,
    )
    try:
        for number, made in enumerate(rounds):
            runs.measure(
                {**key, "way": ROUNDS, "round": number, "rows_a_round": arguments.rows_a_round},
                lambda made=made: _figures(made, plain, labelled, context),
            )
    except ClasswrightError as error:
        yield error


def _even(rows: int, workspace: Workspace, task: str) -> int:
    """Return `rows`, raised to as many for each cell: both ways then ask for the same."""
    tree = workspace.document(workspace.resolve(None, "topics", task).id, "topics", TopicTree)
    return math.ceil(rows / len(tree.cells())) * len(tree.cells())


def _figures(made: Made, plain: Made | None, labelled: LabelledSet, context: ToolContext) -> Figures:
    """Return the figures on the real test rows, alone and against `plain`, how alike the texts are, and the cost."""
    request = EvaluateRequest(
        model=made.model, dataset=made.dataset, split="test", against=plain.model if plain else None
    )
    result = evaluate(request, ToolContext(workspace=context.workspace, run_key=f"{context.run_key}/{made.model}"))
    written = read_rows(context.workspace, made.dataset, "train")
    spent = paid_for(context.workspace.engine)
    assert context.writer is not None
    figures: Figures = {
        "training_rows": len(written),
        "test_rows": result.figures.rows,
        "written_similarity": _similarity([row.text for row in written], [str(row.label) for row in written]),
        "real_similarity": _similarity([row["text"] for row in labelled.rows], [row["label"] for row in labelled.rows]),
        "tokens": sum(spent),
        "cost": (context.writer.prices or FREE).cost(spent),
    }
    for name in ("accuracy", "macro_f1", "weighted_f1"):
        figures |= _told(name, getattr(result.figures, name))
    figures |= {f"f1 {one.label}": one.f1.value for one in result.classes}
    if result.comparison:
        figures |= _told("accuracy_gain", result.comparison.accuracy_gain)
        figures |= _told("macro_f1_gain", result.comparison.macro_f1_gain)
        figures["p"] = result.comparison.p
    return figures


def _told(name: str, estimate: Estimate) -> Figures:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _similarity(texts: list[str], labels: list[str]) -> float:
    """Return the mean cosine of two different texts of one label, averaged over the labels."""
    vectors = open_encoder(DEFAULT_ENCODER).embed(texts, EmbeddingCache(CACHE))
    means = []
    for label in sorted(set(labels)):
        own = vectors[np.array(labels) == label].astype(np.float64)
        if len(own) > 1:
            means.append(((own.sum(axis=0) ** 2).sum() - len(own)) / (len(own) * (len(own) - 1)))
    return float(np.mean(means))


def _writer(arguments: argparse.Namespace) -> Writer:
    if arguments.recorded:
        return RecordedSettings(files=tuple(arguments.recorded)).open(os.environ)
    if not (arguments.writer_url and arguments.writer_model):
        raise SystemExit("who writes? Pass --writer-url and --writer-model, or --recorded FILE...")
    price_in, price_out = arguments.prices or (None, None)
    return EndpointSettings(
        base_urls=tuple(arguments.writer_url),
        model=arguments.writer_model,
        key_env=arguments.writer_key_env,
        price_in=price_in,
        price_out=price_out,
    ).open(os.environ)


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
    parser.add_argument(
        "--method",
        nargs="+",
        choices=("probe", "contrastive", "setfit"),
        help="each writes for itself; default: contrastive, with --quick probe",
    )
    parser.add_argument("--recorded", type=Path, nargs="+", help="files of recorded completions")
    parser.add_argument("--writer-url", nargs="+", help="OpenAI-compatible base URLs")
    parser.add_argument("--writer-model")
    parser.add_argument("--writer-key-env", help="the environment variable that holds the key")
    parser.add_argument("--prices", type=float, nargs=2, metavar=("IN", "OUT"), help="US dollars a million tokens")
    parser.add_argument("--quick", action="store_true", help="a try: its results stay in the folder --work")
    arguments = parser.parse_args()
    if arguments.quick or not arguments.method:
        arguments.method = ["probe" if arguments.quick else "contrastive"]
    return arguments


if __name__ == "__main__":
    main()
