"""Settings that cannot be meant: a server refuses them at the start, and the doctor tells of the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_server import doctor
from classwright_server.cli import main
from classwright_server.config.settings import check_settings, settings_from
from classwright_server.http.tokens import shared_token
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings

REFUSED = [
    (["--http", "--token-env", "NOPE"], "environment variable 'NOPE': should hold the token"),
    (["--http", "--host", "0.0.0.0"], "can be reached by others"),
    (["--import-folder", "/nope"], "--import-folder='/nope': is not a folder"),
    (["--metrics"], "--metrics: has no effect without --http. Add --http, or take --metrics out."),
    (["--host", "0.0.0.0", "--token-env", "X"], "--host and --token-env: have no effect without --http"),
    (["--port", "9000"], "--port: has no effect"),
    (["--allow-host", "box.example"], "--allow-host: has no effect"),
    (["--calls-per-minute", "9"], "--calls-per-minute: has no effect"),
]


@pytest.mark.parametrize(("flags", "reason"), REFUSED)
def test_a_server_and_the_doctor_refuse_the_same_settings(
    flags: list[str],
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for other in ("_versions", "_encoder", "_gpu", "_writer", "_port"):
        monkeypatch.setattr(doctor, other, lambda *_: "is not tried here")

    assert main(["serve", "--workspace", str(tmp_path), *flags]) == 2
    assert reason in capsys.readouterr().err
    assert main(["doctor", "--workspace", str(tmp_path), *flags]) == 2
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1
    assert reason in wrong[0]


def test_an_authorization_server_is_refused_where_nothing_is_served_over_http() -> None:
    flags = {"jwks_url": "http://a/keys", "jwt_issuer": "http://a", "public_url": "http://b/mcp"}

    with pytest.raises(InvalidInput, match="--token-env and --jwks-url: have no effect without --http"):
        check_settings(settings_from({**flags, "token_env": "X"}, {}), serves=True)
    check_settings(settings_from({**flags, "http": True}, {}), serves=True)
    check_settings(settings_from(flags, {}), serves=False)


def test_a_switch_says_yes_or_no() -> None:
    assert settings_from({}, {"CLASSWRIGHT_METRICS": "Yes"}).metrics
    assert not settings_from({}, {"CLASSWRIGHT_METRICS": "0"}).metrics
    with pytest.raises(InvalidInput, match=r"--metrics='maybe': is none of 1, true, yes, 0, false, no"):
        settings_from({}, {"CLASSWRIGHT_METRICS": "maybe"})


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("WORKSPAC", "WORKSPACE"), ("IMPORT_FOLDERS", "IMPORT_FOLDER"), ("WRITER_MODELL", "WRITER_MODEL")],
)
def test_a_variable_with_a_slip_in_its_name_is_refused_with_the_one_that_is_meant(slip: str, meant: str) -> None:
    with pytest.raises(
        InvalidInput, match=rf"'CLASSWRIGHT_{slip}': names no setting. Did you mean CLASSWRIGHT_{meant}\?"
    ):
        settings_from({}, {f"CLASSWRIGHT_{slip}": "x"})


def test_variables_of_ones_own_are_left_alone() -> None:
    settings_from({}, {"CLASSWRIGHT_TOKEN": "a", "CLASSWRIGHT_WRITER_KEY": "b", "CLASSWRIGHT_DEPLOYMENT": "blue"})


def test_a_token_or_key_that_no_header_takes_is_refused() -> None:
    pasted = f"“{'x' * 40}”"
    with pytest.raises(InvalidInput, match="'T': holds characters that are in no key or token"):
        shared_token("T", {"T": pasted})
    writer = EndpointSettings(base_urls=("http://host/v1",), model="m", key_env="K")
    with pytest.raises(InvalidInput, match=r"'K': holds characters .*\. Set it to the writer's key"):
        writer.open({"K": "a-key\n"})
