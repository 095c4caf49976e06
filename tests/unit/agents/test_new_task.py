"""`classwright-agent init`: a task file from a sentence or from answers, which a build can be made from."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer

from classwright_agents.cli import main
from classwright_agents.draft_labels import BROADER, MOST_DRAFTED, _apart, _groups, _Quiet
from classwright_agents.journal import Journal
from classwright_agents.server import Server
from classwright_agents.steps import Steps
from classwright_agents.task_loading import load_task_file
from support.agent import TOLD, imported, topics
from support.paths import BANKING12


@pytest.mark.parametrize(
    ("sentence", "task", "labels"),
    [
        (
            "Tell complaints, questions and praise apart in hotel reviews.",
            "hotel_reviews",
            ["complaints", "questions", "praise"],
        ),
        (
            "sort support e-mails into orders, how-to questions, or late/lost refunds",
            "support_e_mails",
            ["orders", "how_to_questions", "late_lost_refunds"],
        ),
        ("Distinguish spam from ham in 7 kinds of SMS", "task_7_kinds_of_sms", ["spam", "ham"]),
        ("Tell praise and complaints apart", "praise_complaints", ["praise", "complaints"]),
        ("Classify tweets of St. Louis into praise and complaints", "tweets_of_st_louis", ["praise", "complaints"]),
        (
            "Build a classifier that tells complaints and praise apart in reviews. It is for a chain of hotels.",
            "reviews",
            ["complaints", "praise"],
        ),
    ],
)
def test_a_sentence_becomes_a_task_file_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sentence: str, task: str, labels: list[str]
) -> None:
    path = tmp_path / "new.yaml"

    assert main(["init", sentence, "--output", str(path)]) == 0

    made = load_task_file(path)
    assert (made.task, list(made.label_names)) == (task, labels)
    assert made.instruction.lower().rstrip(".") == sentence.lower().rstrip(".")
    said = capsys.readouterr()
    assert said.out == f"{path}\n"
    assert f"classwright-agent build {path}" in said.err


def test_every_other_field_stands_in_the_file_as_a_comment_with_its_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "task.yaml"
    assert main(["init", "Tell praise and complaints apart", "--output", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    bare = load_task_file(path)

    comments = [line.removeprefix("# ").partition("  # ")[0] for line in text.splitlines() if line.startswith("# ")]
    begins = comments.index("server:")
    writer, settings = comments[begins : begins + 2], comments[begins + 3 :]
    path.write_text("\n".join([text, *settings]), encoding="utf-8")

    assert "method: auto" in settings
    assert load_task_file(path) == bare
    path.write_text("\n".join([text, *writer]), encoding="utf-8")
    assert "--writer-url" in (load_task_file(path).server.command or ())
    assert "names nobody who writes the texts" in capsys.readouterr().err


def test_answers_become_a_task_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nIt was loud.,complaint\n", encoding="utf-8")
    answers = ["reviews of hotels", "Hotel Reviews", "complaint: tells of something: wrong"]
    answers += ["", "Complaint", "Great praise", "", "no"]  # a question is asked again where an answer does not fit
    answers += ["english", "en, de", "row.csv", "rows.csv"]
    answers += ["127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", "tiny", "THE_KEY"]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))

    assert main(["init", "--output", str(tmp_path / "task.yaml")]) == 0

    said = capsys.readouterr().err
    for again in (
        "Two labels at least",
        "label 'complaint' already",
        "such as en, de",
        "no file 'row.csv'",
        "such as http://",
    ):
        assert said.count(again) == 1, again
    made = load_task_file(tmp_path / "task.yaml")
    assert made.task == "hotel_reviews"
    assert [(label.name, label.description) for label in made.labels] == [
        ("complaint", "tells of something: wrong"),
        ("great_praise", ""),
    ]
    assert not made.multi_label
    assert made.languages == ("en", "de")
    assert made.validation == tmp_path / "rows.csv"
    assert made.server.command is not None
    assert made.server.command[-6:] == (
        "--writer-url",
        "http://127.0.0.1:8000/v1",
        "--writer-model",
        "tiny",
        "--writer-key-env",
        "THE_KEY",
    )


def test_the_answer_that_a_text_may_have_several_labels_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nLoud and dear.,noise|price\nHello.,\n", encoding="utf-8")
    answers = ["hotel reviews", "", "noise", "price", "", "Yes", "", "rows.csv", ""]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))

    assert main(["init", "--output", str(tmp_path / "task.yaml")]) == 0

    assert load_task_file(tmp_path / "task.yaml").multi_label


@pytest.mark.parametrize(
    ("words", "answers", "told"),
    [
        (["Make me rich."], "", "does not name the labels in a form that is understood. Write it as"),
        (["Tell praise and praise apart"], "", "task file 'task.yaml', field 'labels'"),
        (
            ["Tell praise apart"],
            "",
            "at least 2 are needed. Add some. Of texts whose kinds nobody knows `cl",
        ),
        (
            ["Tell a and b apart", "--texts", "mail.csv"],
            "",
            "names labels, and --texts drafts them. Leave",
        ),
        (["--texts", "no such file.csv"], "", "file 'no such file.csv': does not exist. Name a file of texts"),
        ([], "hotel reviews\n", "the questions: were not answered to their end. Say it in a sentence instead"),
    ],
)
def test_what_makes_no_task_is_told_and_leaves_no_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    answers: str,
    told: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))

    assert main(["init", *words, "--output", str(tmp_path / "task.yaml")]) == 1

    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_labels_are_drafted_from_the_groups_of_texts_whose_kinds_nobody_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (BANKING12 / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = ("card_arrival", "compromised_card", "request_refund", "failed_transfer")
    texts = [row["text"] for row in map(json.loads, lines) if row["label"] in kinds]
    with (tmp_path / "in box.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["number", "message"], *enumerate(texts)])
    words = ["--texts", str(tmp_path / "in box.csv"), "--text-column", "message"]

    assert main(["init", *words, "--output", str(tmp_path / "task.yaml")]) == 0

    made, said = load_task_file(tmp_path / "task.yaml"), capsys.readouterr()
    assert made.task == "in_box"
    assert len(made.labels) not in (1, BROADER)
    assert {text for label in made.labels for text in label.examples} <= set(texts)
    assert all(label.examples for label in made.labels)
    assert f"{len(texts)} of {len(texts)} rows were imported" in said.err
    assert "Its labels are groups by meaning" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in box.csv", "task.yaml"]


@pytest.mark.anyio
@pytest.mark.parametrize(("kinds", "drafted"), [(MOST_DRAFTED, MOST_DRAFTED), (MOST_DRAFTED + 1, BROADER)])
async def test_of_more_groups_than_one_reads_there_are_broader_ones(tmp_path: Path, kinds: int, drafted: int) -> None:
    server = MCPServer("grouping")

    def find_examples(task: str, groups: int, offset: int) -> dict[str, Any]:
        group = {"words": "where, parcel", "rows": 3, "share": 0.01, "typical": {"0" * 16: "where is my parcel"}}
        return TOLD | {"groups": [group] * (groups or kinds)}

    def import_examples(task: str, split: str, path: str, text_column: str) -> dict[str, Any]:
        return imported()

    def propose_topics(task: str, instruction: str) -> dict[str, Any]:
        return topics()

    for tool in (find_examples, import_examples, propose_topics):
        server.add_tool(tool)
    with closing(Journal(tmp_path)) as journal:
        async with Client(server) as client:
            steps = Steps(journal, Server(client, log=None), _Quiet())
            found = await _groups(steps, "in.csv", "message", "mail", "Sort the texts.")

    assert len(found) == drafted


def test_a_file_whose_column_is_not_named_is_told_with_its_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("number,message\n1,hello\n", encoding="utf-8")

    assert main(["init", "--texts", str(tmp_path / "in.csv"), "--output", str(tmp_path / "task.yaml")]) == 1

    assert "has no column 'text'; it has 'number', 'message'" in capsys.readouterr().err


def test_drafted_labels_of_one_name_are_told_apart_by_a_number_that_is_free() -> None:
    labels = [{"name": name} for name in ("card", "card_2", "card", "card")]

    assert _apart(labels) == ["card", "card_2", "card_3", "card_4"]


def test_a_folder_that_is_not_there_is_told_before_the_texts_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--texts", "none.csv", "--output", str(tmp_path / "none" / "task.yaml")]) == 1

    assert "'task.yaml': is in a folder that cannot be written. Make the folder" in capsys.readouterr().err


def test_a_file_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "task.yaml"
    path.write_text("mine", encoding="utf-8")

    assert main(["init", "Tell praise and complaints apart", "--output", str(path)]) == 1

    assert "exists already. Remove it, or name another with --output." in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "mine"
