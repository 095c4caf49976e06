"""The page of an evaluation: harmless, complete in itself, and short in the answer."""

from __future__ import annotations

import json
import re

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.workspace.workspace import Workspace
from support.evaluation import page_of, report_of
from support.measurement import context_on, dataset_of, trained_on

HOSTILE = "<script>alert(1)</script>"


def test_hostile_labels_and_texts_are_harmless_on_the_page(workspace: Workspace) -> None:
    labels = (Label(name=HOSTILE), Label(name="$harm$ _less_"))
    workspace.save_task(Task(slug="hostile", instruction="Tell two labels apart.", labels=labels))
    texts = {HOSTILE: "where is my parcel", "$harm$ _less_": "my password is wrong"}
    train = [
        make_example(f"{text} {n}", label)
        for label, text in texts.items()
        for n in ("now", "today", "at last", "please", "again")
    ]
    wrong = [make_example(f"{HOSTILE} my password is wrong", HOSTILE), make_example("my parcel", "$harm$ _less_")]
    dataset = dataset_of(workspace, "hostile", train=train, validation=wrong)
    model = trained_on(workspace, dataset, "hostile")

    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    page = page_of(workspace, result.report)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_the_page_needs_nothing_but_itself(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    page = page_of(workspace, result.report)
    assert not re.search(r"(?:src|href)=|url\(|@import", page)
    assert page.count("<svg ") == 3
    names = {path.name for path in workspace.artifact(result.report, "report").path.iterdir()}
    assert names >= {"report.json", "report.html", "confusion.svg", "labels.svg", "reliability.svg"}


def test_the_answer_stays_short_however_long_the_names_are(workspace: Workspace) -> None:
    names = [f"label number {n} with a rather long name that goes on and on and on {n}" for n in range(30)]
    workspace.save_task(
        Task(slug="many", instruction="Tell many apart.", labels=tuple(Label(name=name) for name in names))
    )
    train = [make_example(f"word{n} and word{n} {more}", name) for n, name in enumerate(names) for more in range(5)]
    validation = [make_example(f"something like word{n}", names[(n + 1) % 30]) for n in range(30)]
    dataset = dataset_of(workspace, "many", train=train, validation=validation)
    model = trained_on(workspace, dataset, "many")

    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    assert len(json.dumps(result.model_dump(mode="json"))) < 10_000
    whole = {"classes": 30, "confusions": len(report_of(workspace, result.report).confusions)}
    for name, total in whole.items():
        cut = result.shown_in_part.get(name)
        assert (cut.total if cut else len(getattr(result, name))) == total, name
