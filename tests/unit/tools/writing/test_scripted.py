"""The scripted writer: texts of a file, each once, and the answers of a function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.errors import InvalidInput, WriterFailed
from classwright_tools.writing.backends.scripted import Script, ScriptedSettings, ScriptedWriter
from support.writing import writing_request


def two_about(request: WritingRequest) -> Sequence[str]:
    """Answer any request."""
    return [f"one about {request.kind}", f"another about {request.kind}"]


def written(writer: object, request: WritingRequest) -> tuple[str, ...]:
    assert isinstance(writer, ScriptedWriter)
    return asyncio.run(writer.write(request)).items


def test_each_text_of_a_file_is_written_once_for_its_label(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps({"refund": ["one", "two", "three"], "delivery": ["four"]}))
    writer = ScriptedSettings(script=str(path)).open({})

    assert written(writer, writing_request(count=2)) == ("one", "two")
    assert written(writer, writing_request(cell=Cell(label="delivery"))) == ("four",)
    assert written(writer, writing_request("another", count=2)) == ("three",)
    with pytest.raises(WriterFailed, match="no text left for label 'refund'"):
        written(writer, writing_request("a third"))


def test_what_no_text_depends_on_is_numbered_and_never_twice_the_same(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text("{}")
    writer = ScriptedSettings(script=str(path)).open({})
    first = written(writer, writing_request(kind="source_types", cell=None))

    assert first == ("source types 1", "source types 2")
    assert not set(first) & set(written(writer, writing_request(kind="source_types", cell=None, avoid=first)))


def test_a_function_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "script_of_a_test.py").write_text("def answer(request):\n    return [request.kind] * request.count\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    writer = ScriptedSettings(script="script_of_a_test:answer").open({})

    assert written(writer, writing_request(count=3)) == ("examples",) * 3
    assert written(ScriptedWriter(two_about), writing_request()) == ("one about examples", "another about examples")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("absent.json", "script 'absent.json': is no file of texts by label"),
        ("list.json", "script 'list.json': is no file of texts by label"),
        ("no_such_module:answer", "cannot be imported .ModuleNotFoundError: No module named 'no_such_module'."),
        ("json:no_such_function", "cannot be imported"),
        ("not a name", "cannot be imported"),
        ("json:decoder", "script 'json:decoder': is no function"),
    ],
)
def test_a_script_that_is_none_is_named(script: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    script = str(tmp_path / script) if script.endswith(".json") else script

    with pytest.raises(InvalidInput, match=told):
        ScriptedSettings(script=script).open({})


@pytest.mark.parametrize("answer", ["one text", None, [1, 2]])
def test_an_answer_that_is_no_list_of_texts_is_refused_by_the_name_of_its_script(answer: object) -> None:
    def careless(_request: WritingRequest) -> object:
        return answer

    with pytest.raises(InvalidInput, match=r"script 'careless': returned .*, which is no list of texts"):
        written(ScriptedWriter(cast("Script", careless)), writing_request())


@pytest.mark.parametrize(
    ("file", "script", "before", "after"),
    [
        ("texts.json", "{folder}/texts.json", '{"refund": ["one"]}', '{"refund": ["two"]}'),
        ("mended_script.py", "mended_script:answer", "def answer(r): return ['a']", "def answer(r): return ['b']"),
    ],
)
def test_a_script_that_was_mended_is_asked_anew_and_one_that_was_not_is_not(
    file: str, script: str, before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))

    def identity(code: str) -> str:
        (tmp_path / file).write_text(code)
        return ScriptedSettings(script=script.format(folder=tmp_path)).open({}).identity

    assert identity(before) == identity(before) != identity(after)
