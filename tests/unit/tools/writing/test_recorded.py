"""The recorded writer: what was recorded is answered, anything else is named."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.errors import InvalidInput, NotFound, WriterFailed
from classwright_tools.writing.backends.recorded import RecordedWriter
from support.writing import writing_request

CELL = {"label": "refund", "topic": "damaged goods", "subtopic": "broken on arrival", "source_type": "email"}
LINES = [
    {"kind": "source_types", "items": ["email", "chat"]},
    {"kind": "topics", "label": "refund", "items": ["damaged goods", "late goods"]},
    {"kind": "topics", "label": "delivery", "items": ["lost parcels"]},
    {"kind": "subtopics", "label": "refund", "topic": "damaged goods", "items": ["broken on arrival"]},
    {"kind": "examples", **CELL, "round": 0, "items": ["one", "two", "three"]},
    {"kind": "examples", **CELL, "source_type": "chat", "round": 0, "items": ["four"]},
    {"kind": "examples", **CELL, "round": 1, "items": ["five"]},
    {
        "kind": "contrast",
        "label": "refund",
        "contrast": "delivery",
        "source_type": "chat",
        "round": 1,
        "items": ["six"],
    },
]


def recording(folder: Path, *lines: object) -> Path:
    path = folder / "recording.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def writer(tmp_path: Path) -> RecordedWriter:
    return RecordedWriter([recording(tmp_path, *LINES)])


def items(writer: RecordedWriter, request: WritingRequest) -> tuple[str, ...]:
    return asyncio.run(writer.write(request)).items


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("one", "two", "three")),
        ({"count": 50}, ("one", "two", "three")),
        ({"round": 1}, ("five",)),
        ({"cell": Cell(label="refund", topic="damaged goods")}, ("one", "two", "three", "four")),
        ({"kind": "topics", "cell": Cell(label="refund")}, ("damaged goods", "late goods")),
        ({"kind": "topics", "cell": Cell(label="refund"), "round": 3}, ("damaged goods", "late goods")),
        ({"kind": "subtopics", "cell": Cell(label="refund", topic="damaged goods")}, ("broken on arrival",)),
        ({"kind": "source_types", "cell": None}, ("email", "chat")),
        ({"kind": "contrast", "cell": Cell(label="refund"), "contrast": "delivery", "round": 1}, ("six",)),
    ],
)
def test_a_request_is_answered_by_what_was_recorded_for_it(
    writer: RecordedWriter, changes: dict[str, object], expected: tuple[str, ...]
) -> None:
    assert items(writer, writing_request(**changes)) == expected


def test_requests_of_several_topics_share_a_recording_that_names_none(tmp_path: Path) -> None:
    line = {"kind": "contrast", "label": "refund", "contrast": "delivery", "items": [str(n) for n in range(7)]}
    writer = RecordedWriter([recording(tmp_path, line)])
    asked = {"kind": "contrast", "contrast": "delivery", "round": 0, "count": 3}
    cells = [Cell(label="refund", topic="damaged goods", subtopic=f"case {n}") for n in range(4)]

    shares = [items(writer, writing_request(**asked, cell=cell)) for cell in cells[:3]]

    assert shares == [("0", "1", "2"), ("3", "4", "5"), ("6",)]
    with pytest.raises(WriterFailed, match="other topics have used up what was recorded"):
        items(writer, writing_request(**asked, cell=cells[3]))
    assert len(items(writer, writing_request(**asked, cell=Cell(label="refund")))) == 7


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"round": 2}, "round 2"),
        ({"cell": Cell(**{**CELL, "source_type": "letter"})}, "source_type 'letter'"),
        ({"cell": Cell(label="delivery")}, "label 'delivery'"),
        ({"kind": "contrast", "cell": Cell(label="delivery"), "contrast": "refund", "round": 1}, "contrast 'refund'"),
    ],
)
def test_what_was_not_recorded_is_named(writer: RecordedWriter, changes: dict[str, object], named: str) -> None:
    with pytest.raises(WriterFailed, match="was not recorded") as caught:
        items(writer, writing_request(**changes))

    assert named in str(caught.value)


def test_a_further_attempt_is_not_answered_with_the_same_texts(writer: RecordedWriter) -> None:
    with pytest.raises(WriterFailed, match="the recording holds no further completion"):
        items(writer, writing_request(attempt=1))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"kind": "examples", "items": ["cut', "is not JSON"),
        ('["no object"]', "valid dictionary"),
        ({"kind": "poems", "items": ["a"]}, "kind"),
        ({"kind": "topics", "items": []}, "items"),
        ({"kind": "topics", "items": [1]}, "items.0"),
        ({"kind": "topics", "items": ["a"], "lable": "x"}, "lable"),
    ],
)
def test_a_broken_line_is_named_by_file_and_number(tmp_path: Path, line: object, reason: str) -> None:
    path = recording(tmp_path, LINES[0], "", line)

    with pytest.raises(InvalidInput, match=r"recording 'recording.jsonl', line 3") as caught:
        RecordedWriter([path])

    assert reason in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_broken_utf8_is_named_by_file_and_number(tmp_path: Path) -> None:
    path = recording(tmp_path, LINES[0])
    path.write_bytes(path.read_bytes() + b'\n{"kind": "topics", "items": ["\xff"]}')

    with pytest.raises(InvalidInput, match="line 2: is not JSON in UTF-8"):
        RecordedWriter([path])


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_text('{"kind": "source_types", "items": ["one\u2028line\x85\x1c"]}', encoding="utf-8")

    with pytest.raises(InvalidInput):  # a control character must be escaped in JSON
        RecordedWriter([path])
    path.write_text('{"kind": "source_types", "items": ["one\u2028line\x85"]}', encoding="utf-8")
    assert items(RecordedWriter([path]), writing_request(kind="source_types", cell=None)) == ("one\u2028line\x85",)


def test_a_missing_file_and_no_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"recording 'absent.jsonl'"):
        RecordedWriter([tmp_path / "absent.jsonl"])
    with pytest.raises(InvalidInput):
        RecordedWriter([])


def test_a_changed_recording_is_another_writer(tmp_path: Path) -> None:
    first = RecordedWriter([recording(tmp_path, *LINES)]).identity
    second = RecordedWriter([recording(tmp_path, *LINES[:-1])]).identity

    assert first != second
