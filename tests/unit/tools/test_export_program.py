"""The program in an export, and the graphs that it runs: light, sound by ONNX's own checks, and as accurate."""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import quantize_dynamic

import classwright
from classwright.predict import GraphEngine
from classwright_server.cli import main
from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label, Task
from classwright_tools.export import quantised as quantising
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.classifier import assessed
from classwright_tools.learning.exports import embedding
from classwright_tools.learning.model import Model, load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import real_rows, save_rows, written_rows
from support.users import nobody

TEXTS = [row.text for row in real_rows(3)]
FOREIGN = "Mozart wrote his last symphony in 1788"


class Made:
    """A tuned model and its export."""

    def __init__(self, root: Path, encoder: str) -> None:
        self.workspace = Workspace(root / "workspace")
        labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
        self.workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
        save_rows(self.workspace, written_rows(), real_rows(10))
        self.context = ToolContext(workspace=self.workspace, run_key="training", encoder=encoder)
        request = TrainClassifierRequest(task="support", method="finetune", epochs=1)
        self.model_id = train_classifier(request, self.context).model
        before = os.umask(0o077)  # as a server's
        self.folder = self.export("export")
        os.umask(before)

    def export(self, run_key: str) -> Path:
        """Export the model once more."""
        context = replace(self.context, run_key=run_key)
        made = export_model(ExportModelRequest(model=self.model_id), context).export
        return self.workspace.artifact(made, "export").path

    @property
    def model(self) -> Model:
        """The model itself."""
        return load_model(self.workspace, self.model_id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> Made:
    """The model and its export, for all tests here."""
    return Made(tmp_path_factory.mktemp("exports"), shallow)


def answers_of(folder: Path, name: str) -> np.ndarray:
    """The probabilities that the graph `name` gives to the texts."""
    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["graph"]
    return GraphEngine(folder, facts | {"file": name}).answers(TEXTS, 4)[0]


def unset(home: Path) -> dict[str, str]:
    """The environment of somebody with a new `home`, who has said nothing of telemetry.

    What ONNX Runtime would send is noted there first.
    """
    home.mkdir(exist_ok=True)
    return {**{name: value for name, value in os.environ.items() if "TELEMETRY" not in name}, "HOME": str(home)}


def likeness_of(model: Model) -> np.ndarray:
    """How like the rows that the model learnt the texts are, by the model itself."""
    likeness = assessed(model.classifier, TEXTS, len(model.labels)).likeness
    assert likeness is not None
    return likeness


def test_the_graph_passes_the_checker_with_full_shape_inference(made: Made) -> None:
    graph = onnx.load(made.folder / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(graph, check_type=True, strict_mode=True, data_prop=True)

    shapes = [
        [dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim]
        for output in inferred.graph.output
    ]
    assert shapes == [["texts", 3], ["texts"]]
    facts = json.loads((made.folder / "labels.json").read_text(encoding="utf-8"))["graph"]
    proba, likeness = GraphEngine(made.folder, facts | {"file": "model.onnx"}).answers(TEXTS, 4)
    np.testing.assert_allclose(proba, made.model.predict_proba(TEXTS), atol=1e-4)
    np.testing.assert_allclose(likeness, likeness_of(made.model), atol=1e-4)


def test_onnx_runtimes_own_quantisation_takes_the_graph(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    quantize_dynamic(folder / "model.onnx", folder / "own.onnx")

    assert (folder / "own.onnx").stat().st_size < (folder / "model.onnx").stat().st_size / 3
    quantised, proba = answers_of(folder, "own.onnx"), made.model.predict_proba(TEXTS)
    np.testing.assert_array_equal(quantised.argmax(axis=1), proba.argmax(axis=1))
    assert np.abs(quantised - proba).mean() < 0.03  # a single answer moves more on some processors than on others


def test_a_graph_of_whole_numbers_is_kept_where_it_loses_little_for_who_asks_for_it_and_the_card_says_so(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = made.folder / "model.onnx"  # that of the same model, which takes long to make
    monkeypatch.setattr(embedding, "save_onnx", lambda path, *_, **__: shutil.copy(graph, path))
    monkeypatch.setattr(quantising, "LEAST_ROWS", 60)
    kept = made.export("kept")
    monkeypatch.setattr(quantising, "MOST_LOST", -1.0)
    refused = made.export("refused")
    cards = [(folder / "README.md").read_text(encoding="utf-8") for folder in (kept, refused)]

    assert (kept / "model.int8.onnx").stat().st_size < (kept / "model.onnx").stat().st_size / 3
    assert np.abs(answers_of(kept, "model.int8.onnx") - made.model.predict_proba(TEXTS)).max() < 0.1
    assert re.search(
        r"`model.int8.onnx`, for `predict.py --engine int8`, is of whole numbers: [\d.]+% other answers on 60 rows, "
        r"[\d.]+% that only one of both calls out of scope, "
        r"and accuracy [\d.]+ on these validation rows, [\d.]+ without that",
        cards[0],
    )
    whole, usual = (classwright.load(kept, engine).predict_proba(TEXTS) for engine in ("int8", "encoder"))
    # The range of the whole numbers is that of a batch: in other batches the answers are a little others.
    np.testing.assert_allclose(whole, answers_of(kept, "model.int8.onnx"), atol=0.05)
    np.testing.assert_allclose(usual, made.model.predict_proba(TEXTS), atol=1e-4)
    assert np.abs(whole - usual).max() > 1e-4
    assert not (refused / "model.int8.onnx").exists()
    assert "was left out: " in cards[1]
    with pytest.raises(ValueError, match="has no engine 'int8': export the model again, or use 'encoder'"):
        classwright.load(refused, "int8")


def test_predictions_in_python_are_labels_probabilities_and_whether_they_are_sure_and_in_scope(made: Made) -> None:
    model = classwright.load(made.folder)
    labels, probabilities, sure, out_of_scope = model.predict([*TEXTS, TEXTS[0]])

    expected, foreign = made.model.answers(TEXTS)
    assert labels[:-1] == [made.model.labels[place] for place in expected.argmax(axis=1)]
    assert np.abs(probabilities[:-1] - expected).max() < 0.1
    assert (probabilities[-1] == probabilities[0]).all()
    assert sure.tolist() == ((probabilities.max(axis=1) >= made.model.threshold) & ~out_of_scope).tolist()
    scope = made.model.card.scope
    assert scope
    clear = np.abs(likeness_of(made.model) - scope.likeness) > 0.03  # the graph is of whole numbers
    assert (out_of_scope[:-1] == foreign)[clear].all()
    assert made.model.answers([FOREIGN])[1].all()
    assert model.predict([FOREIGN]).out_of_scope.all()
    assert not model.predict([FOREIGN], threshold=0.0).sure.any()
    assert not model.predict(TEXTS, threshold=1.0).sure.any()
    assert model.predict([]).probabilities.shape == (0, 3)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ("one", "One str was given: pass a list"),
        (b"one", "One bytes was given"),
        ({"text": ["one"]}, "One dict was given: .* or a column of them"),
        (SimpleNamespace(columns=["text"]), "One SimpleNamespace was given"),  # as a table of pandas or polars
        (7, "One int was given"),
        ([("a", "b")], r"texts\[0\] .* single texts"),
    ],
)
def test_what_cannot_be_classified_is_told(made: Made, texts: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        classwright.load(made.folder).predict(texts)


def test_texts_may_come_in_whatever_holds_them_in_order(made: Made) -> None:
    model, texts = classwright.load(made.folder), TEXTS[:3]
    for given in (tuple(texts), np.array(texts), iter(texts)):
        assert model.predict(given).labels == model.predict(texts).labels


@pytest.mark.parametrize("bad", [2, -1, "0.5", float("nan")])
def test_a_threshold_or_a_batch_that_is_none_is_told(made: Made, bad: Any) -> None:
    model = classwright.load(made.folder)
    for given in ({"threshold": bad}, {"thresholds": {"refund": bad}}):
        with pytest.raises(ValueError, match=r"The threshold.*, .*, is no probability: pass one from 0 to 1"):
            model.predict(TEXTS, **given)
    with pytest.raises(ValueError, match="is no number of texts: pass a whole one from 1 on"):
        model.predict(TEXTS, batch=0.5 if bad == 2 else bad)


def test_a_text_that_cannot_be_read_has_no_answer_and_the_others_have_theirs(made: Made) -> None:
    model = classwright.load(made.folder)
    asked = [TEXTS[0], " ", TEXTS[1], None, float("nan"), "lone \ud83d", "x" * 20_001]
    found, others = model.predict(asked, threshold=0.0), model.predict(TEXTS[:2], threshold=0.0)  # type: ignore[arg-type]  # None

    assert [found.labels[0], found.labels[2]] == others.labels
    np.testing.assert_array_equal(found.probabilities[[0, 2]], others.probabilities)
    assert [found.labels[1], *found.labels[3:]] == [None] * 5
    assert np.isnan(found.probabilities[[1, 3, 4, 5, 6]]).all()
    assert found.sure.tolist() == [others.sure[0], False, others.sure[1], *[False] * 4]
    assert model.predict(["", ""]).labels == [None, None]
    why = [classwright.text_problem(text) for text in asked]
    assert why == [None, "is empty", None, "is no text", "is no text", "has broken characters", why[-1]]
    assert why[-1] == "has more than 20,000 characters: split it"


def test_a_folder_that_is_no_export_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="holds no export"):
            classwright.load(folder)


def test_an_export_says_what_it_is_in_values_that_are_logged_as_json(made: Made) -> None:
    about = json.loads(json.dumps(classwright.load(made.folder).about, allow_nan=False))

    card = made.model.card
    figures = about.pop("validation")
    assert about == {
        "model": made.model_id,
        "task": "support",
        "dataset": card.dataset,
        "encoder": Path(card.encoder.name).name,
        "classwright": classwright.__version__,
        "test": None,
    }
    assert figures["accuracy"] == pytest.approx(card.validation.accuracy.value, abs=1e-4)
    assert figures["low"] < figures["accuracy"] <= figures["high"]
    assert (figures["rows"], figures["data"]) == (card.validation.rows, "real")


def test_an_export_may_be_copied_and_read_by_any_user_whatever_the_servers_umask_was(made: Made) -> None:
    for path in (made.folder, *made.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o055 == (0o055 if path.is_dir() else 0o044), path


@pytest.mark.parametrize("closed", ["labels.json", "tokenizer.json", "model.onnx"])
def test_an_export_that_may_not_be_read_is_told_so(made: Made, tmp_path: Path, closed: str) -> None:
    folder = tmp_path / "closed"
    shutil.copytree(made.folder, folder)
    (folder / closed).chmod(0)
    with nobody(tmp_path), pytest.raises(ValueError, match=r"'closed' may not be read .*: `chmod -R a\+rX"):
        classwright.load(folder)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("labels.json", "{}", "labels.json cannot be used .*'labels'"),
        ("labels.json", '{"labels": ["a"', "labels.json cannot be used .*JSONDecodeError"),
        ("labels.json", None, "its model cannot be used .*3 labels, and labels.json has 4"),
        ("tokenizer.json", "{}", "tokenizer.json cannot be used"),
        ("tokenizer.json", "", "tokenizer.json cannot be used"),
        ("model.onnx", "no graph", "its model cannot be used .*model.onnx"),
    ],
)
def test_an_export_that_is_damaged_is_told_with_the_file(
    made: Made, tmp_path: Path, file: str, content: str | None, told: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(made.folder, folder)
    if content is None:
        facts = json.loads((folder / file).read_text(encoding="utf-8"))
        content = json.dumps(facts | {"labels": [*facts["labels"], "more"]})
    (folder / file).write_text(content, encoding="utf-8")
    if not content:
        (folder / file).unlink()
    with pytest.raises(ValueError, match=f"Export 'damaged' is damaged: {told}.* Copy the whole folder again"):
        classwright.load(folder)


def test_without_its_libraries_the_package_names_its_extra_and_the_program_the_libraries(made: Made) -> None:
    said, program = [], str(made.folder / "predict.py")
    for load in ("from classwright import load", f"import runpy; load = runpy.run_path({program!r})['load']"):
        script = f"import sys; sys.modules['numpy'] = None; {load}; load({str(made.folder)!r})"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        said.append(done.stderr.splitlines()[-1])

    assert said[0].endswith('Predictions need libraries: pip install "classwright[run]"')
    assert said[1].endswith("Predictions need libraries: pip install numpy onnxruntime tokenizers")


def test_the_program_classifies_a_file_from_any_folder_without_torch_and_without_classwright(
    made: Made, tmp_path: Path
) -> None:
    rows = [{"id": f"{n}", "text": text} for n, text in enumerate(["", *TEXTS])]
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "text"])
        writer.writeheader()
        writer.writerows(rows)
    blocked = ("torch", "transformers", "sentence_transformers", "classwright_tools", "classwright", "pydantic")
    script = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({blocked!r})); sys.argv[0] = 'predict.py';"
        f"runpy.run_path({str(made.folder / 'predict.py')!r}, run_name='__main__')"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, "in.csv", "-o", "out.csv"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=unset(tmp_path / "home"),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "home").rglob("*"))
    assert "1 row has no answer: row 1 is empty." in done.stderr
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        content = file.read()
    written = list(csv.DictReader(content.splitlines()))
    sure = sum(row["sure"] == "true" for row in written)
    assert f"It is sure of {sure}; the other labels are guesses." in done.stderr
    assert content.count("\r\n") == content.count("\n") == len(rows) + 1  # as the file that is read
    assert [row["id"] for row in written] == [row["id"] for row in rows]
    assert [row["label"] for row in written] == ["", *classwright.load(made.folder).predict(TEXTS).labels]
    assert {row["sure"] for row in written[1:]} <= {"true", "false"}


@pytest.mark.parametrize(
    ("first", "delimiter"), [("", ";"), ("", "\t"), ("", "|"), ("sep=|\n", "|"), ('"SEP=;"\r\n', ";")]
)
def test_the_program_keeps_the_delimiter_of_a_table_and_leaves_nothing_after_a_failure(
    made: Made, tmp_path: Path, first: str, delimiter: str
) -> None:
    rows = f'{first}date{delimiter}comment\n1{delimiter}"my package is late{delimiter} where"\n'
    (tmp_path / "in.csv").write_text(rows, encoding="utf-8-sig")
    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    asked = [str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]

    assert program(asked) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    assert program([*asked, "--text-column", "comment"]) == 0
    mark, (header, row) = "\ufeff", (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    names = ["label", "probability", "sure", "out_of_scope"]
    probable = [f"probability_{label}" for label in made.model.labels]
    assert header == mark + delimiter.join(["date", "comment", *names, *probable])
    assert next(csv.reader([row], delimiter=delimiter))[:3] == ["1", f"my package is late{delimiter} where", "delivery"]


def test_the_program_numbers_columns_of_one_name_and_asks_which_text_to_read(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("text,note,note\nwhere is it,x,y\n", encoding="utf-8")
    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    asked = [str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--text-column"]

    assert program([*asked, "text"]) == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert (header[:4], row[:3]) == (["text", "note_1", "note_2", "label"], ["where is it", "x", "y"])

    assert program([*asked, "note"]) == 1
    assert "has several columns 'note'. Rename the one to read" in capsys.readouterr().err


def test_a_row_that_is_too_short_is_told_by_its_line(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text('sep=;\ntext;date\n"a\nb";1\nc\n', encoding="utf-8")

    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 1

    mended = "line 5 has not as many fields as the header. Mend it, or take it out."
    assert f"The row of in.csv that begins in {mended}" in capsys.readouterr().err
    assert program(["-", "-o", str(tmp_path / "out.csv")]) == 1
    assert "- is not there, or no file: pass the path of a CSV file." in capsys.readouterr().err


def test_a_quote_that_is_not_closed_is_told_by_its_line(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text('sep=;\ntext;date\n"a\nb";1\n"c;2\nd;3\n', encoding="utf-8")

    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 1

    assert "The row of in.csv that begins in line 5 cannot be read (" in capsys.readouterr().err


def test_the_file_that_is_read_is_not_written_over(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("text\nwhere is it\n", encoding="utf-8")
    (tmp_path / "other.csv").symlink_to("in.csv")

    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / "other.csv")]) == 1

    assert "other.csv is the file to read: name another with --output." in capsys.readouterr().err
    assert (tmp_path / "in.csv").read_text(encoding="utf-8") == "text\nwhere is it\n"


def test_a_table_in_windows_1252_is_read_as_such_told_and_written_as_excel_reads_it(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_bytes("text\r\nzurückschicken\r\n".encode("cp1252"))

    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 0

    told = "in.csv is not in UTF-8 and is read as Windows-1252, as which Excel saves 'CSV': look whether the letters"
    assert told in capsys.readouterr().err
    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith(codecs.BOM_UTF8)
    assert "\r\nzurückschicken," in written.decode()


def test_a_table_that_is_not_in_utf_8_is_told_with_the_repair(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_bytes("text\nłóżko\n".encode("cp1250"))

    program = runpy.run_path(str(made.folder / "predict.py"))["main"]
    assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 1

    assert "in.csv is not in UTF-8 (line 2): save it as 'CSV UTF-8'." in capsys.readouterr().err


def test_the_command_classifies_by_an_exports_folder_without_torch_and_by_the_ids_of_exports_and_models(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in TEXTS), encoding="utf-8")
    blocked = ("torch", "transformers", "sentence_transformers", "sklearn", "dbos", "pyarrow")
    outputs = {}
    monkeypatch.chdir(tmp_path)
    for name in (str(made.folder), made.folder.name, made.model_id):
        arguments = ["classify", name, "in.csv", "-o", "out.jsonl", "--workspace", str(made.workspace.root)]
        only_light = f"sys.modules.update(dict.fromkeys({blocked!r}));" if name == str(made.folder) else ""
        script = f"import sys; {only_light} from classwright_server.cli import main; sys.exit(main(sys.argv[1:]))"
        if name == made.model_id:  # here, where torch is loaded
            before = os.umask(0o077)
            try:
                assert main(arguments) == 0
            finally:
                os.umask(before)
            told = capsys.readouterr().out
        else:
            done = subprocess.run(
                [sys.executable, "-c", script, *arguments],
                capture_output=True, text=True, check=False, env=unset(tmp_path / "home"),
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert not list((tmp_path / "home").rglob("*"))
            told = done.stdout
        assert f"{len(TEXTS)} rows" in told
        outputs[name] = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]

    by_folder, by_export, by_model = outputs.values()
    assert by_folder == by_export
    assert [row["text"] for row in by_model] == TEXTS
    assert [row["label"] for row in by_model] == [row["label"] for row in by_export]
    probable = {f"probability_{label}" for label in made.model.labels}
    assert by_model[0].keys() == {"text", "label", "probability", "sure", "out_of_scope", *probable}


def test_an_export_is_measured_by_the_command_without_what_the_server_needs_and_a_ci_hears_of_it(
    made: Made, tmp_path: Path
) -> None:
    rows = real_rows(10)
    rows[0] = rows[0].model_copy(update={"label": "delivery"})
    lines = "".join(f'"{row.text}",{row.label}\n' for row in rows)
    (tmp_path / "rows.csv").write_text(f"text,label\n{lines}what is this,spam\n", encoding="utf-8")
    blocked = ("transformers", "sentence_transformers", "sklearn", "dbos", "pyarrow", "safetensors")
    arguments = ["check", str(made.folder), "rows.csv", "--json", "--may-leave-out", "1", "--at-least"]
    done = [
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sys; sys.modules.update(dict.fromkeys({(*blocked, *more)!r}));"
                "from classwright_server.cli import main; sys.exit(main(sys.argv[1:]))",
                *arguments,
                *given,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        # scipy, which compares, asks what is in place of torch whether it is an array's module
        for more, given in ((("torch", "scipy"), ["0.1"]), ((), ["1", "--against", str(made.folder)]))
    ]

    answers = classwright.load(made.folder).predict([row.text for row in rows]).labels
    right = sum(answer == row.label for answer, row in zip(answers, rows, strict=True))
    assert right < len(rows)
    assert [one.returncode for one in done] == [0, 1], [one.stderr for one in done]
    for one in done:
        found = json.loads(one.stdout)
        assert (found["rows"], found["left_out"]) == (len(rows), 1)
        assert found["export"]["accuracy"]["value"] == pytest.approx(right / len(rows))
        assert found["export"]["about"]["model"] == made.model_id
        assert bool(found["failed"]) == bool(one.returncode)
    assert json.loads(done[1].stdout)["against"]["comparison"]["p"] == 1.0


def test_a_tuned_encoder_is_stored_once_in_half_precision_and_answers_to_the_bit(made: Made) -> None:
    own = made.workspace.artifact(made.model_id, "model").path / "encoder" / "model.safetensors"
    exported = made.folder / "model.safetensors"

    assert own.stat().st_size < 35e6  # 15.6 million weights
    assert own.samefile(exported)
    assert {weights.dtype.itemsize for weights in made.model.encoder.model.parameters()} == {4}
    from sentence_transformers import SentenceTransformer

    embedded = SentenceTransformer(str(made.folder)).encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedded, made.model.embed(TEXTS), atol=1e-6)
