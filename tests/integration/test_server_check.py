"""`classwright check`: what a server with these settings would lean on, tried before a client does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classwright_server.cli import main
from support.writing import Said, ScriptedEndpoint, Seen, echoed


def lists_tiny(seen: Seen) -> Said:
    """Answer as an endpoint that lists one model, which writes."""
    return Said(body=json.dumps({"data": [{"id": "tiny"}]}).encode()) if seen.method == "GET" else echoed(seen)


def test_it_says_that_workspace_encoder_and_endpoint_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedEndpoint(lists_tiny) as endpoint:
        options = ["--writer-url", endpoint.url, "--writer-model", "tiny"]
        code = main(["check", "--workspace", str(tmp_path / "new"), *options])

    said = capsys.readouterr().out
    assert code == 0
    assert "can be written" in said
    assert "384 dimensions" in said
    assert f"Model 'tiny' answers at 127.0.0.1:{endpoint.port}." in said


def test_it_names_the_endpoint_that_is_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedEndpoint(lists_tiny) as endpoint:
        url = endpoint.url
    code = main(["check", "--workspace", str(tmp_path), "--writer-url", url, "--writer-model", "tiny"])

    assert code == 2
    assert "model 'tiny': does not answer: 127.0.0.1" in capsys.readouterr().err


def test_it_finds_a_model_that_takes_no_small_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def thorough(seen: Seen) -> Said:
        if seen.method == "GET":
            return Said(body=b'{"data": []}')
        if seen.body["max_tokens"] < 100:
            return Said(400, b"Could not finish the message because max_tokens or model output limit was reached.")
        return echoed(seen)

    with ScriptedEndpoint(thorough) as endpoint:
        code = main(["check", "--workspace", str(tmp_path), "--writer-url", endpoint.url, "--writer-model", "tiny"])

    assert code == 0
    assert "Model 'tiny' answers" in capsys.readouterr().out


def test_it_says_who_writes_when_no_writer_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--workspace", str(tmp_path)]) == 0
    assert "the calling model writes the texts" in capsys.readouterr().out


def test_it_says_that_a_vllm_of_the_servers_own_is_started_later_or_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = ["check", "--workspace", str(tmp_path / "new"), "--vllm", "some/model"]
    missing = main(options)
    program = tmp_path / "vllm"
    program.touch(0o755)
    code = main(options)

    told = capsys.readouterr()
    assert (missing, code) == (2, 0)
    assert "--vllm: needs the program 'vllm'" in told.err
    assert f"Writer 'some/model' is started with the server, by {program}" in told.out
    assert "No writer is set" not in told.out
