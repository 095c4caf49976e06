"""The task file: what it may hold, and errors that name the field and the repair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from classwright_agents.errors import TaskFileError
from classwright_agents.rows import batches, read_rows
from classwright_agents.task_file import TaskFile
from classwright_agents.task_loading import load_task_file

GOOD: dict[str, Any] = {
    "task": "support",
    "instruction": "Classify a message.",
    "labels": [{"name": "refund"}, {"name": "delivery"}],
}


def load(folder: Path, **changes: Any) -> TaskFile:
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes), encoding="utf-8")
    return load_task_file(path)


def test_the_least_task_file_has_defaults_for_the_rest(tmp_path: Path) -> None:
    task = load(tmp_path)

    assert task.method == "auto"
    assert task.target.metric == "accuracy"
    assert task.server.url is None


def test_paths_are_relative_to_the_task_file(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"text": "hi", "label": "refund"}\n', encoding="utf-8")

    assert load(tmp_path, test="test.jsonl").test == tmp_path / "test.jsonl"


def test_a_command_may_be_one_string(tmp_path: Path) -> None:
    task = load(tmp_path, server={"command": "classwright serve --recorded 'a b.jsonl'"})

    assert task.server.command == ("classwright", "serve", "--recorded", "a b.jsonl")


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"labels": [{"name": "refund"}]}, "labels", "holds 1, where at least 2 are needed"),
        ({"labels": [{"name": "refund"}, {"title": "delivery"}]}, "labels[1].title", "is no field of a task file"),
        ({"task": "Support Desk"}, "task", "has another form"),
        ({"target": {"accuracy": 1.5}}, "target.accuracy", "less than or equal to 1"),
        ({"target": {"accuracy": 0.9, "macro_f1": 0.9}}, "target", "name one metric"),
        ({"rows": 0}, "rows", "greater than or equal to 1"),
        ({"rows": 10, "rows_per_cell": 2}, "", "not both"),
        ({"method": "matcher"}, "", "method 'matcher' does not train on single texts: use one of auto, probe"),
        ({"multi_label": True, "final_method": "contrastive"}, "", "several labels: use one of auto, probe, finetune"),
        ({"methd": "probe", "instruction": ""}, "methd", "is no field of a task file"),
        ({"method": "magic"}, "method", "'auto'"),
        ({"budget": {"tokens": -1}}, "budget.tokens", "greater than or equal to 1"),
        ({"server": {"command": "x", "url": "http://localhost:1/mcp"}}, "server", "not both"),
        (
            {"server": {"url": "http://host:port/mcp"}},
            "server.url",
            "port could not be cast to integer value as 'port'",
        ),
        ({"driver": {"url": "http://host:99999/v1", "model": "m"}}, "driver.url", "port out of range 0-65535"),
        ({"server": {"command": "x", "token_env": "TOKEN"}}, "server", "goes with 'url'"),
        ({"server": {"url": "ftp://localhost"}}, "server.url", "has another form"),
        ({"server": {"url": "http://h", "token_env": "a b"}}, "server.token_env", "has another form"),
        ({"validation": "nowhere.jsonl"}, "validation", "does not exist"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(TaskFileError) as caught:
        load(tmp_path, **changes)

    assert f"field {field!r}" in caught.value.subject if field else "field" not in caught.value.subject
    assert reason in caught.value.reason
    assert caught.value.repair


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": "en"}, "field 'languages': is not a list. Write a list: [en]."),
        ({"languages": {"en": 1}}, "field 'languages': is not a list. Write a list: [...]."),
        ({"languages": [False]}, "field 'languages[0]': is true or false to YAML, not a text. Put it in quotes."),
        ({"instruction": 2026}, "field 'instruction': is a number to YAML, not a text. Put it in quotes."),
        ({"instruction": None}, "field 'instruction': is not a text. Write a text."),
        (
            {"labels": ["a", {"name": "b"}]},
            "'labels[0]': holds no fields of its own. Write {name: refund, description:",
        ),
        ({"target": 0.9}, "field 'target': holds no fields of its own. Write {accuracy: 0.9}."),
        ({"budget": 5}, "field 'budget': holds no fields of its own. Write {minutes: 60}."),
        ({"server": "classwright serve"}, "Write {command: classwright serve} or {url: 'http://127.0.0.1:8931/mcp'}."),
        ({"validation": "."}, "field 'validation': '.' is a folder. Name a file."),
    ],
)
def test_a_beginners_mistake_is_told_in_the_words_of_yaml_with_the_repair(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(TaskFileError) as caught:
        load(tmp_path, **changes)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"task: [", "not YAML"),
        (b"since: 2026-13-45", "month must be in"),
        (b"- a\n- b\n", "no fields"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "no fields"),
    ],
)
def test_a_file_that_is_no_task_file_is_refused_in_words(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_bytes(content)

    with pytest.raises(TaskFileError, match=reason):
        load_task_file(path)


def test_a_missing_task_file_is_told_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(TaskFileError) as caught:
        load_task_file(tmp_path / "task.yaml")

    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", '{"text": "a, b", "label": "x"}\n\n{"text": "c", "label": 1}\n'),
        ("rows.csv", '\ufefflabel,text,extra\nx,"a, b",1\n1,c,2\n'),
        ("rows.CSV", 'text;label\n"a, b";x\nc;1\n'),
        ("rows.tsv", "text\tlabel\na, b\tx\nc\t1\n"),
    ],
)
def test_rows_are_read_from_jsonl_csv_and_tsv(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    read = read_rows(tmp_path / name, ("x", "1", "2"))

    assert [row["text"] for row in read.rows] == ["a, b", "c"]
    assert [row["label"] for row in read.rows] == ["x", "1"]
    assert read.remark == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"', "line 2: not a JSON object: write {"),
        ("rows.jsonl", '{"text": "a", "label": "x"}\n{"text": "b \\ud83d", "label": "x"}\n', "line 2: broken char"),
        ("rows.jsonl", '\n{"text": null, "label": "x"}\n{"text": "a", "label": "x"}\n', "line 2: no text"),
        ("rows.jsonl", '{"text": "a", "label": "x"}\n{"text": "' + "b " * 60_000 + '"}', "line 2: too long"),
        ("rows.csv", "text,label\na,x\na\n", "line 3: fewer fields than the header: 1 where the header has 2"),
        ("rows.csv", "label,text\nx,a, b\nx,a\n", "line 2: more fields than the header: 3 where the header has 2"),
        ("rows.csv", 'label,text\nx,"a\nx,a\n', "line 2: quote not closed"),
        ("rows.csv", f"text,label\na,x\n{'b' * 1_100_000},x\n", "line 3: too long"),
    ],
    ids=range(8),
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_left_out_and_named_by_its_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    read = read_rows(tmp_path / name, ("x", "y"))

    assert [(row["text"], row["label"]) for row in read.rows] == [("a", "x")]
    assert read.remark.startswith(f"file '{name}': 1 of 2 rows is left out: {said}")
    assert read.left_out.total() == 1


def test_a_file_in_windows_1252_is_read_as_such_and_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("label,text\nx,caf\u00e9\nx\n".encode("cp1252"))

    read = read_rows(tmp_path / "rows.csv", ("x", "y"))

    assert [row["text"] for row in read.rows] == ["caf\u00e9"]
    assert read.remark.startswith("File 'rows.csv' is not in UTF-8 and is read as Windows-1252")
    assert "file 'rows.csv': 1 of 2 rows is left out: line 3" in read.remark


def test_many_rows_that_are_left_out_are_counted_and_the_first_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("label,text\nx,a\n" + "x,a,b\n" * 12, encoding="utf-8")

    told = read_rows(tmp_path / "rows.csv", ("x", "y")).remark

    assert told.startswith("file 'rows.csv': 12 of 13 rows are left out: line 3: more fields than the header")
    assert told.endswith("; and 7 more")
    assert told.count("line ") == 5


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("rows.jsonl", '{"text": 1, "label": "x"}\n', r"no row of it can be used\. .*line 1: text is not a"),
        ("rows.jsonl", "[]\n", "'rows.jsonl': holds a JSON array.*one JSON object a line"),
        ("rows.csv", "text,lable\na,x\n", "no column 'label'; it has 'text', 'lable'.*columns 'text' and 'label'"),
        ("rows.jsonl", '{"text": "a", "label": "x"}\n\n{"text": "b", "label": "xx"}', "line 3.*'xx'.* not in the task"),
        ("rows.csv", 'label,text\nx,"a\nz,b\n', "line 3: has the label 'z'"),
        ("rows.docx", "PK", "of no kind that is read"),
        ("rows.csv", "PK\x03\x04", "is a zip archive.*save the sheet as CSV"),
        ("rows.jsonl", "\n", "no rows"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_with_the_line_or_the_repair(
    tmp_path: Path, name: str, content: str, place: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(TaskFileError, match=place):
        read_rows(tmp_path / name, ("x", "y"))


def test_labels_are_found_as_the_server_finds_them_and_a_misspelt_one_with_its_repair(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,Lost Card\nb,lost-card\nc,\n", encoding="utf-8")
    assert [row["label"] for row in read_rows(path, ("lost_card", "refund")).rows] == ["Lost Card", "lost-card", ""]

    path.write_text("text,label\na,refnud\n", encoding="utf-8")
    with pytest.raises(TaskFileError, match="Did you mean 'refund'"):
        read_rows(path, ("lost_card", "refund"))


def test_rows_with_several_labels_are_read_and_one_of_which_nobody_has_said_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"text": "a", "labels": ["Refund", "lost card"]},
        {"text": "b", "labels": "refund"},
        {"text": "c", "labels": []},
        {"text": "d", "labels": None},
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    read = read_rows(path, ("lost_card", "refund"), several=True)

    assert [row["label"] for row in read.rows] == ['["lost_card", "refund"]', '["refund"]', "[]"]
    assert read.remark == "file 'rows.jsonl': 1 of 4 rows is left out: line 4: no labels"
    path.write_text('{"text": "a", "labels": ["refund", "lots_card"]}\n', encoding="utf-8")
    with pytest.raises(TaskFileError, match=r"has the label 'lots_card', .* Did you mean 'lost_card'"):
        read_rows(path, ("lost_card", "refund"), several=True)


@pytest.mark.parametrize("labels", [("-1", "1"), ("A-", "A"), ("C++", "C"), ("#1", "1")])
def test_a_sign_of_a_label_is_no_blank(tmp_path: Path, labels: tuple[str, str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"text,label\na,{labels[0]}\n", encoding="utf-8")

    assert read_rows(path, labels).rows == [{"text": "a", "label": labels[0]}]
    with pytest.raises(TaskFileError, match=r"line 2: has the label"):
        read_rows(path, (labels[1], "other"))


def test_labels_of_other_types_are_told_as_a_text_file_would_hold_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"text": "a", "label": true}\n{"text": "b", "label": 1.0}\n{"text": "c", "label": null}\n', encoding="utf-8"
    )

    assert [row["label"] for row in read_rows(path, ("True", "1")).rows] == ["true", "1.0", ""]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_file_of_real_rows_is_read_with_the_task_file(tmp_path: Path, split: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "hi", "label": "greeting"}\n', encoding="utf-8")

    with pytest.raises(TaskFileError, match=r"file 'rows\.jsonl', line 1: has the label 'greeting'"):
        load(tmp_path, **{split: "rows.jsonl"})


def test_batches_hold_every_row_in_order_within_the_limits() -> None:
    rows = [{"text": "x" * (100 * (n % 7)), "label": str(n)} for n in range(100)]

    made = list(batches(rows, max_rows=9, max_bytes=2_000))  # type: ignore[arg-type]  # plain dictionaries are rows

    assert [row for batch in made for row in batch] == rows
    assert all(len(batch) <= 9 for batch in made)
    assert all(sum(len(r["text"]) for r in batch) <= 2_000 for batch in made)


@pytest.mark.parametrize(
    ("content", "field", "lines"),
    [
        ("task: a\ninstruction: tell\ntask: b\n", "task", "1 and 3"),
        ("task: a\ntarget: {accuracy: 0.9, accuracy: 0.8}\n", "accuracy", ""),
        ("task: a\nlabels:\n- name: x\n  name: y\n- name: z\n", "name", "3 and 4"),
    ],
)
def test_a_field_given_twice_is_refused_by_name_at_any_depth(
    tmp_path: Path, content: str, field: str, lines: str
) -> None:
    (tmp_path / "task.yaml").write_text(content)

    with pytest.raises(TaskFileError, match=f"field '{field}': is given twice, in lines {lines}"):
        load_task_file(tmp_path / "task.yaml")


def test_two_labels_that_look_alike_are_refused_and_told_apart(tmp_path: Path) -> None:
    labels = "labels: [{name: caf\u00e9}, {name: cafe\u0301}]"
    (tmp_path / "task.yaml").write_text(f"task: a\ninstruction: tell them apart\n{labels}\n", encoding="utf-8")

    with pytest.raises(TaskFileError) as refusal:
        load_task_file(tmp_path / "task.yaml")

    assert r"label 'cafe\u0301' repeats 'caf\xe9'" in str(refusal.value)
