"""An export runs without Classwright: the code in its README gives the model's own probabilities."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt

import classwright
from classwright.predict import GraphEngine, load
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export.card import _cell, _plain
from classwright_tools.export.markdown import UNDESCRIBED
from classwright_tools.export.quantised import check_rows
from classwright_tools.export_model import ExportModelRequest, ExportModelResult, export_model
from classwright_tools.learning.model import Model, load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.learning import prompting_encoder, real_rows, save_rows, written_rows
from support.readme_code import code_blocks, printed_numbers, run_code

TEXT = "a text to classify"  # as in the README
# Three windows of the encoder, of which the first alone would be answered otherwise.
LONG = "where is my parcel " * 64 + "i want my money back, refund it " * 60


@dataclasses.dataclass(frozen=True)
class Export:
    """An export, where it is, and the model that it was made of."""

    folder: Path
    result: ExportModelResult
    model: Model


def made_export(workspace: Workspace, task: str, *, method: str, onnx: bool, encoder: str = DEFAULT_ENCODER) -> Export:
    context = ToolContext(workspace=workspace, run_key=f"{task} {method}", encoder=encoder)
    model = train_classifier(TrainClassifierRequest(task=task, method=method, epochs=1), context).model  # type: ignore[arg-type]
    result = export_model(ExportModelRequest(model=model, onnx=onnx), context)
    return Export(workspace.artifact(result.export, "export").path, result, load_model(workspace, model))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> Export:
    """The export, with its graph, of a model with a tuned encoder and three labels."""
    workspace = Workspace(tmp_path_factory.mktemp("exports") / "workspace")
    labels = tuple(Label(name=name, description="its | words\n# here") for name in ("refund", "delivery", "account"))
    workspace.save_task(Task(slug="support", instruction="# Classify\nmessages `to` a <b>shop</b>.", labels=labels))
    save_rows(workspace, written_rows())
    return made_export(workspace, "support", method="contrastive", onnx=True, encoder=shallow)


@pytest.fixture(scope="module")
def printed(export: Export) -> list[list[str]]:
    """What each code block of the README prints for a short text, and for a long one."""
    blocks = code_blocks(export.folder)
    return [[run_code(export.folder, for_text(code, text)) for text in (TEXT, LONG)] for code in blocks]


@pytest.fixture(scope="module", params=["probe", "cluster"])
def export_with_prompt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The export of a model whose encoder puts something before every text.

    That of `cluster` has an adapter, too, and a graph, which takes seconds to make.
    """
    folder = tmp_path_factory.mktemp(request.param)
    workspace = workspace_in(folder)
    encoder = prompting_encoder(folder / "encoder")
    onnx = request.param == "cluster"
    return made_export(workspace, "support", method=request.param, onnx=onnx, encoder=str(encoder))


def workspace_in(folder: Path) -> Workspace:
    """A workspace with the written rows of three labels."""
    workspace = Workspace(folder / "workspace")
    labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
    workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
    save_rows(workspace, written_rows())
    return workspace


def for_text(code: str, text: str) -> str:
    return code.replace(f'"{TEXT}"', repr(text))


@pytest.mark.parametrize(("place", "library"), [(0, "predict"), (1, "SentenceTransformer"), (2, "SetFitModel")])
def test_the_code_of_the_readme_runs_and_gives_the_models_probabilities(
    export: Export, printed: list[list[str]], place: int, library: str
) -> None:
    code = code_blocks(export.folder)[place]
    assert library in code
    assert "torch" not in code
    output = printed[place][0]
    expected = export.model.predict_proba([TEXT])[0]
    np.testing.assert_allclose(printed_numbers(output)[-3:], expected, atol=1e-4)
    assert export.model.labels[int(expected.argmax())] in output


def test_the_graph_gives_the_models_probabilities_for_any_number_of_texts_of_any_length(export: Export) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(export.folder / "model.onnx")
    tokenizer = export.model.encoder.model.tokenizer
    for texts in (["x"], ["where is my parcel", LONG], ["i cannot log in to my account"] * 9):
        tokens = tokenizer(
            texts, padding=True, truncation=True, max_length=256, return_overflowing_tokens=True, return_tensors="np"
        )
        of_text = tokens.pop("overflow_to_sample_mapping")
        feeds = {name: ids.astype(np.int64) for name, ids in tokens.items()}
        of_window = (np.arange(len(texts))[:, None] == of_text[None, :]) * tokens["attention_mask"].sum(axis=1)
        feeds["windows"] = of_window.astype(np.float32)
        assert feeds.keys() == {one.name for one in session.get_inputs()}
        (probabilities,) = session.run(["probabilities"], feeds)
        assert probabilities.shape == (len(texts), 3)
        assert np.abs(probabilities - export.model.predict_proba(texts)).max() < 1e-4


def test_the_program_reads_a_long_text_as_the_model_does_and_other_code_its_beginning_as_the_readme_says(
    export: Export, printed: list[list[str]]
) -> None:
    expected = export.model.predict_proba([LONG])[0]
    for place, (_, output) in enumerate(printed):
        found = printed_numbers(output)[-3:]
        assert (np.abs(found - expected).max() < 1e-4) == (place == 0)
    readme = (export.folder / "README.md").read_text(encoding="utf-8")
    assert "It reads the first 256 tokens of a text, where the program reads 2,034 tokens (256 at a time)." in readme


def test_an_adapter_and_what_an_encoder_puts_before_every_text_are_in_the_export_too(
    export_with_prompt: Export,
) -> None:
    expected = export_with_prompt.model.predict_proba([TEXT])[0]
    for code in code_blocks(export_with_prompt.folder):
        output = run_code(export_with_prompt.folder, code)
        np.testing.assert_allclose(printed_numbers(output)[-3:], expected, atol=1e-4)


def test_the_program_reads_long_texts_with_the_graph_and_with_the_encoder_alone(
    export_with_prompt: Export, tmp_path: Path
) -> None:
    texts = [LONG, TEXT, LONG[700:], "x " * 3_000]
    expected = export_with_prompt.model.predict_proba(texts)
    folder = tmp_path / "export"
    shutil.copytree(export_with_prompt.folder, folder)
    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    if facts["graph"]:
        by_graph = GraphEngine(folder, facts["graph"] | {"file": "model.onnx"})
        np.testing.assert_allclose(by_graph.answers(texts, 2)[0], expected, atol=1e-4)
    (folder / "labels.json").write_text(json.dumps(facts | {"graph": None}), encoding="utf-8")
    np.testing.assert_allclose(load(folder).predict_proba(texts), expected, atol=1e-4)


def test_a_graph_is_refused_where_the_encoder_leaves_its_prompt_out_of_embeddings(tmp_path: Path) -> None:
    encoder = prompting_encoder(tmp_path / "encoder")
    pooling = encoder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"include_prompt": False}))

    with pytest.raises(InvalidInput, match=r"puts a prompt before texts.*onnx=false"):
        made_export(workspace_in(tmp_path), "support", method="probe", onnx=True, encoder=str(encoder))


def test_the_result_lists_every_file_with_its_size_and_checksum(export: Export) -> None:
    listed = {file.name: file for file in export.result.files}
    files = (path for path in export.folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    present = {path.relative_to(export.folder).as_posix() for path in files}
    assert set(listed) == present
    assert {"README.md", "labels.json", "head.safetensors", "model.onnx", "model.safetensors"} <= present
    for name, file in listed.items():
        content = (export.folder / name).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_card_has_front_matter_figures_and_origin_and_no_licence_or_path(export: Export) -> None:
    card = (export.folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["pipeline_tag"] == "text-classification"
    assert front.keys().isdisjoint({"base_model", "license"})  # its encoder has no name but a path
    accuracy = export.model.card.validation.accuracy
    assert f"{accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})" in card
    assert "30 written" in card
    assert "'written': a text that a language model wrote for its label" in card
    assert "'annotated'" not in card
    stored = export.model.card
    rows = (export.folder.parent / stored.dataset / "train.parquet").read_bytes()
    for digest in (hashlib.sha256(rows).hexdigest(), stored.encoder.digest):
        assert f"`: `{digest}`\n" in card
    for name, digest in stored.files.items():  # not of the file beside the card, into which the calibration is folded
        assert f"`{export.result.model}/{name}`: `{digest}`\n" in card
    assert f"exported by Classwright {classwright.__version__}." in card
    assert str(export.folder.parent) not in card
    # What the task says stays text: it opens no heading, no tag, no table cell.
    assert "Classify messages 'to' a &lt;b>shop&lt;/b>." in card
    assert card.count("\n# ") == 1
    assert r"its \| words # here |" in card


def test_the_labels_are_the_models_and_the_answer_says_so_where_the_task_has_others_by_now(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
    task = Task(slug="support", instruction="Tell them apart.", labels=labels)
    workspace.save_task(task)
    save_rows(workspace, written_rows())
    context = ToolContext(workspace=workspace, run_key="run")
    model = train_classifier(TrainClassifierRequest(task="support", method="probe"), context).model
    later = (Label(name="complaint"), Label(name="account", description="logging in"), labels[0])
    workspace.save_task(task.model_copy(update={"labels": later, "instruction": "Something else."}))
    made = export_model(ExportModelRequest(model=model, onnx=False), context)
    folder = workspace.artifact(made.export, "export").path
    card = (folder / "README.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| (\w+) \| (.*) \|$", card.split("## Figures")[0], re.MULTILINE)[1:])
    assert list(described) == json.loads((folder / "labels.json").read_text(encoding="utf-8"))["labels"]
    assert described == {"refund": UNDESCRIBED, "delivery": UNDESCRIBED, "account": "logging in"}
    assert "Tell them apart." in card
    assert f"since {model} was trained: it does not know 'complaint' and still answers with 'delivery'." in made.summary
    first = check_rows(workspace, load_model(workspace, model).card).training[:10]
    assert {row.label for row in written_rows() if row.text in first} == {label.name for label in labels}


def test_the_card_names_labels_as_the_labels_file_does_and_none_is_a_link() -> None:
    names = [
        *("-1", "0", "+1", "#1", "1.", ">50K", "<=50K", "*", "**", "= none", "--", "C++", "A-", "a|b", "a\\b", "`x`"),
        *("[pay](https://evil.example)", "![x](https://evil.example/p.png)", "<b>bold</b>", "R&amp;D", "snake_case_"),
        *("https://evil.example", "www.evil.example", "me@evil.example", "~~no~~", "$x$", "<https://evil.example>"),
    ]
    table = ["| label | |", "|---|---|", *(f"| {_cell(name)} | {_cell(name)} |" for name in names)]
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = [token for token in parser.parse("\n".join(table)) if token.type == "inline"]
    shown = ["".join(child.content for child in token.children or ()) for token in tokens]

    assert shown[2::2] == shown[3::2] == names
    assert {child.type for token in tokens for child in token.children or ()} <= {"text", "text_special"}
    raw = "\n".join(table)
    assert not any(address in raw for address in ("https://", "www.e", "me@e"))  # which some readers make links of
    for name in names:  # as a paragraph, where a sign at the beginning would open a block
        assert [token.type for token in parser.parse(_plain(name))] == ["paragraph_open", "inline", "paragraph_close"]


def test_the_card_tells_the_newest_figures_on_test_rows_and_what_to_know_of_them(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
    workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
    long = make_example("hello " * 2_100, "refund")
    some = [long, *(row for row in real_rows() if row.label == "refund")]
    save_rows(workspace, written_rows(), some, test=real_rows())
    context = ToolContext(workspace=workspace, run_key="run")
    model = train_classifier(TrainClassifierRequest(task="support", method="probe"), context).model

    def card(run_key: str) -> str:
        made = export_model(ExportModelRequest(model=model, onnx=False), replace(context, run_key=run_key))
        return (workspace.artifact(made.export, "export").path / "README.md").read_text(encoding="utf-8")

    untested = card("before")
    for run_key in ("first", "second"):
        figures = evaluate(EvaluateRequest(model=model, split="test"), replace(context, run_key=run_key)).figures
    tested = card("after")
    said = export_model(ExportModelRequest(model=model, onnx=False), replace(context, run_key="said")).summary

    assert re.search(r"It reached accuracy [^,]* on 6 real test rows, and accuracy .*, by which it was chosen\.", said)
    assert "a test set of your own" in untested
    assert "a test set of your own" not in tested
    accuracy = figures.accuracy
    assert f"| {figures.rows} real test rows | {accuracy.value:.3f} ({accuracy.low:.3f} to" in tested
    assert "This is use 2 of the task's test rows." in tested
    assert re.search(r"\| 3 real validation rows \| .*, over 1 of 3 labels \|", tested)
    assert "Of the 3 real validation rows: No row of 'delivery', 'account' was there" in tested
    assert "1 of 3 validation rows is cut at 2,034 tokens" in tested
    assert "It reads the first 2,034 tokens (256 at a time) of a text" in tested


def test_a_frozen_encoder_is_exported_too_and_two_labels_stay_two(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.save_task(
        Task(slug="pair", instruction="Tell two apart.", labels=(Label(name="delivery"), Label(name="account")))
    )
    rows = [row for row in written_rows() if row.label != "refund"]
    save_dataset(workspace, "pair", {"train": rows}, parent=None, run_key="rows", made_by="import_examples")
    export = made_export(workspace, "pair", method="probe", onnx=False)
    assert "model.onnx" not in {file.name for file in export.result.files}
    card = (export.folder / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    codes = code_blocks(export.folder)
    assert len(codes) == 3
    expected = export.model.predict_proba([TEXT])[0]
    for code in codes:
        np.testing.assert_allclose(printed_numbers(run_code(export.folder, code))[-2:], expected, atol=1e-4)
