"""The startup notice: where the server is, its workspace, who writes, which jobs it runs, how to stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_server.config.settings import settings_from
from classwright_server.startup_notice import print_startup_notice, writer_of


def test_it_tells_what_a_person_wants_to_know_at_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_from({"workspace": str(tmp_path), "jobs": ["compute"]}, {})

    print_startup_notice("serves MCP at http://127.0.0.1:8931/mcp", settings, stop="Ctrl-C.")

    told = capsys.readouterr()
    first, *lines = told.err.splitlines()
    assert told.out == ""
    assert first.endswith("serves MCP at http://127.0.0.1:8931/mcp")
    assert dict(line.split(maxsplit=1) for line in lines) == {
        "workspace": str(tmp_path),
        "writer": "the calling model: no other is set",
        "jobs": "short, long",
        "stop": "Ctrl-C. Jobs under way go on at the next start.",
    }


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            {"writer_url": ["http://me:secret@gpu:8000/v1", "http://gpu2/v1"], "writer_model": "M"},
            "--writer-url http://gpu:8000/v1 http://gpu2/v1 --writer-model M",
        ),
        ({"vllm": "M"}, "--vllm M"),
        ({"recorded": ["/a.jsonl", "/b.jsonl"]}, "--recorded /a.jsonl /b.jsonl"),
    ],
)
def test_the_writer_is_told_by_its_flags_and_without_a_secret(flags: dict[str, object], told: str) -> None:
    assert writer_of(settings_from(flags, {"KEY": "k"})) == told


def test_a_text_that_would_move_the_cursor_of_a_terminal_is_shown_plain(capsys: pytest.CaptureFixture[str]) -> None:
    print_startup_notice("\x1b[2J", settings_from({"jobs": ["none"]}, {}), stop="Ctrl-C.")

    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "none: workers run them" in said
