"""What no file of the packages calls: readers that run code, shells, writers of tables, unescaped markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_tools.domain.writer import WriterUnavailable
from classwright_tools.writing.backends.local_generation import CausalModel
from support.hostile import CODE, pickled
from support.paths import PACKAGES, ROOT

SOURCES = sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))
TEMPLATES = sorted(path for folder in PACKAGES.values() for path in (*folder.rglob("*.html"), *folder.rglob("*.j2")))
# They run what they read. (`joblib.dump` writes the head that the setfit library wants; nothing reads it here.)
RUNS_WHAT_IT_READS = re.compile(
    r"^(?:(?:pickle|dill|cloudpickle|marshal|shelve)\..*|joblib\.load|torch\.load|eval|exec|compile|"
    r"yaml\.(?:load|unsafe_load|full_load)(?:_all)?|pd\.read_pickle|pandas\.read_pickle|runpy\..*)$"
)
SHELLS = re.compile(r"^(?:os\.(?:system|popen|spawn\w*)|subprocess\.(?:getoutput|getstatusoutput))$")
# A cell that starts with = + - or @ is a formula to a spreadsheet. No table for one is written: rows go out as JSON and
# Parquet, which are read as data. But who asks for a CSV file of the rows of their own file, or of a dataset, gets
# them as they are.
ASKED_FOR = (
    "tools/classwright/predict.py: csv.writer",
    "tools/classwright_tools/bulk/outputs.py: csv.writer",
    "tools/classwright_tools/export/dataset_files.py: write_csv",
)
TABLE_WRITERS = re.compile(r"(?:^|\.)(?:csv\.writer|DictWriter|to_csv|to_excel|write_csv|CSVWriter)$")
UNPACKERS = re.compile(r"^(?:zipfile|tarfile)\.|(?:^|\.)(?:unpack_archive|extractall)$")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield the name, such as "torch.load", of everything that a file calls, and the call."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize(
    ("forbidden", "called"),
    [
        (RUNS_WHAT_IT_READS, "torch.load"),
        (SHELLS, "os.system"),
        (TABLE_WRITERS, "frame.to_csv"),
        (UNPACKERS, "zipfile.ZipFile"),
    ],
    ids=["runs what it reads", "shells", "writes tables", "unpacks archives"],
)
def test_no_file_calls_it(forbidden: re.Pattern[str], called: str) -> None:
    assert forbidden.search(called)
    found = [
        f"{path.relative_to(ROOT)}: {name}" for path in SOURCES for name, _ in calls(path) if forbidden.search(name)
    ]
    assert not set(found) - set(ASKED_FOR)


def test_what_could_run_code_is_switched_off_wherever_it_is_named() -> None:
    off = {"trust_remote_code": False, "allow_pickle": False, "shell": False, "weights_only": True, "autoescape": True}
    prompts = "tools/classwright_tools/writing/prompts/render.py"  # its templates make no HTML
    for path in SOURCES:
        for name, call in calls(path):
            for keyword in call.keywords:
                if keyword.arg in off and not (keyword.arg == "autoescape" and str(path.relative_to(ROOT)) == prompts):
                    given = ast.literal_eval(keyword.value)
                    assert given is off[keyword.arg], f"{path.relative_to(ROOT)}: {name}({keyword.arg}={given})"


def test_models_are_opened_without_code_and_without_pickles_by_name() -> None:
    """What is left open is left to a library's default, and some of these change."""
    for path in SOURCES:
        for name, call in calls(path):
            given = {keyword.arg for keyword in call.keywords}
            if name.endswith(".from_pretrained"):
                assert "trust_remote_code" in given, f"{path.relative_to(ROOT)}: {name}"
            if name.endswith("Model.from_pretrained") or name.startswith("AutoModel"):
                assert "use_safetensors" in given, f"{path.relative_to(ROOT)}: {name}"
            if name == "SentenceTransformer" and any(keyword.arg == "local_files_only" for keyword in call.keywords):
                assert {"trust_remote_code", "model_kwargs"} <= given, f"{path.relative_to(ROOT)}: {name}"
            if name.endswith("Environment") and "loader" in given:
                assert "autoescape" in given, f"{path.relative_to(ROOT)}: {name}"


def test_no_template_lets_markup_through() -> None:
    assert len(TEMPLATES) >= 4
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(?:safe|forceescape|unescape)\b|\{%-?\s*autoescape", text), path.name
        assert not re.search(r"<script|\son[a-z]+\s*=|javascript:", text, re.IGNORECASE), path.name
        # A value outside quotes could begin an attribute of its own.
        assert not re.search(r"=\{\{", text), path.name


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.pt", "pytorch_model.bin.index.json"])
def test_a_language_model_of_pickles_or_with_code_is_refused_unopened(tmp_path: Path, weights: str) -> None:
    song, folder = tmp_path / "sang", tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"model_type": "mine", "architectures": ["Mine"], "tokenizer_class": "Mine", "auto_map": {'
        '"AutoConfig": "mine.Name", "AutoModelForCausalLM": "mine.Name", "AutoTokenizer": ["mine.Name", null]}}'
    )
    (folder / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["mine.Name", null]}}')
    (folder / "mine.py").write_text(CODE.format(song=str(song)))
    (folder / weights).write_bytes(pickled(song))

    with pytest.raises(WriterUnavailable, match="cannot be loaded"):
        CausalModel(str(folder), "mine")._load()
    assert not song.exists()


def test_a_language_model_whose_only_weights_are_pickles_is_refused_unopened(tmp_path: Path) -> None:
    """Of a kind that transformers knows by itself: its tokenizer and configuration load."""
    from transformers import GPT2Config

    from classwright_tools.learning.encoder_folders import embedded_folder

    song, folder = tmp_path / "sang", tmp_path / "model"
    GPT2Config(vocab_size=32, n_positions=16, n_embd=8, n_layer=1, n_head=1).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((embedded_folder() / name).read_bytes())
    (folder / "pytorch_model.bin").write_bytes(pickled(song))

    with pytest.raises(WriterUnavailable, match="safetensors"):
        CausalModel(str(folder), "mine")._load()
    assert not song.exists()
