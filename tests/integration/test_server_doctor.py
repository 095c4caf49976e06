"""`classwright doctor`: what a server with these settings would lean on, tried before a client does."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from classwright_server import doctor
from classwright_server.cli import main
from support.tokens import Authority
from support.writing import Said, ScriptedEndpoint, Seen, echoed


def lists_tiny(seen: Seen) -> Said:
    """Answer as an endpoint that lists one model, which writes."""
    return Said(body=json.dumps({"data": [{"id": "tiny"}]}).encode()) if seen.method == "GET" else echoed(seen)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Return the state of each thing that the doctor told of on stdout, and its words."""
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines() if line != "All is well."]
    return {what: (state, words) for state, what, words in lines}


def test_it_tells_of_everything_a_server_leans_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedEndpoint(lists_tiny) as endpoint:
        options = ["--writer-url", endpoint.url, "--writer-model", "tiny"]
        code = main(["doctor", "--workspace", str(tmp_path / "new"), *options])

    found = told(capsys)
    assert code == 0
    assert list(found) == [
        "versions",
        "extensions",
        "settings",
        "workspace",
        "encoder",
        "GPU",
        "writer",
        "logins",
        "port",
    ]
    assert {state for state, _ in found.values()} == {"ok"}
    assert "torch 2" in found["versions"][1]
    assert "GiB free" in found["workspace"][1]
    assert "384 dimensions, reads 2,034 tokens (256 at a time) of a text; made for: en." in found["encoder"][1]
    assert found["writer"][1] == f"Model 'tiny' answers at 127.0.0.1:{endpoint.port}."


def test_what_fails_is_told_with_its_repair_and_the_rest_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedEndpoint(lists_tiny) as endpoint:
        url = endpoint.url
    folder = tmp_path / "file"
    folder.touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        serving = ["--http", "--port", str(other.getsockname()[1])]
        writer = ["--writer-url", url, "--writer-model", "tiny"]
        code = main(["doctor", "--workspace", str(folder), "--encoder", "/no/encoder", *writer, *serving])

    found = told(capsys)
    assert code == 2
    assert [what for what, (state, _) in found.items() if state == "WRONG"] == [
        "workspace",
        "encoder",
        "writer",
        "port",
    ]
    assert "workspace 'file': cannot be written" in found["workspace"][1]
    assert found["encoder"][1] == "encoder 'encoder': is not a folder. Name a folder or a hub model."
    assert "model 'tiny': does not answer: 127.0.0.1" in found["writer"][1]
    assert found["port"][1].endswith("choose another --port or --host.")


def test_it_finds_a_model_that_takes_no_small_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def thorough(seen: Seen) -> Said:
        if seen.method == "GET":
            return Said(body=b'{"data": []}')
        if seen.body["max_tokens"] < 100:
            return Said(400, b"Could not finish the message because max_tokens or model output limit was reached.")
        return echoed(seen)

    with ScriptedEndpoint(thorough) as endpoint:
        code = main(["doctor", "--workspace", str(tmp_path), "--writer-url", endpoint.url, "--writer-model", "tiny"])

    assert code == 0
    assert "Model 'tiny' answers" in told(capsys)["writer"][1]


def test_a_library_that_is_broken_or_of_another_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> bool:
        raise RuntimeError("no driver\nat all")

    monkeypatch.setattr("classwright_server.doctor.version", lambda _: "0.1")
    monkeypatch.setattr("torch.cuda.is_available", broken)
    code = main(["doctor", "--workspace", str(tmp_path)])

    found = told(capsys)
    assert code == 2
    assert "torch is 0.1 and must be >=2.6" in found["versions"][1]
    assert 'Run `pip install --upgrade "classwright[server]"`.' in found["versions"][1]
    assert found["GPU"][0] == "WRONG"
    assert "RuntimeError: no driver at all. Install it anew" in found["GPU"][1]


def test_it_says_who_writes_when_no_writer_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--workspace", str(tmp_path)]) == 0
    assert "the calling model writes the texts" in told(capsys)["writer"][1]


def test_it_asks_no_writer_that_others_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(doctor, "run_doctor", lambda settings: said.append(doctor._writer(settings)) or 0)
    flags = ["--writer-url", "http://localhost:9/v1", "--writer-model", "m", "--writer-key-env", "CLASSWRIGHT_NO_KEY"]

    assert main(["doctor", "--jobs", "none", *flags]) == 0
    assert said == ["one is set, and --jobs leaves writing to others: it was not asked."]


def test_it_says_that_a_vllm_of_the_servers_own_is_started_later_or_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = ["doctor", "--workspace", str(tmp_path / "new"), "--vllm", "some/model"]
    missing = main(options)
    state, words = told(capsys)["writer"]
    program = tmp_path / "vllm"
    program.touch(0o755)
    code = main(options)

    assert (missing, state, code) == (2, "WRONG", 0)
    assert "--vllm: needs the program 'vllm'" in words
    assert f"'some/model' is started with the server, by {program}" in told(capsys)["writer"][1]


def test_it_asks_the_authorization_server_for_its_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Authority("http://127.0.0.1:8931/mcp") as authority:
        options = ["doctor", "--workspace", str(tmp_path), "--http", "--port", "0", *authority.flags()]
        code = main(options)
        well = told(capsys)["logins"]
        authority.is_down = True
        codes = (code, main(options))
        down = told(capsys)["logins"]

    assert codes == (0, 2)
    assert well == ("ok", f"{authority.url} gives 2 keys to check tokens by.")
    assert down[0] == "WRONG"
    assert f"--jwks-url='{authority.url}': gives no keys" in down[1]
