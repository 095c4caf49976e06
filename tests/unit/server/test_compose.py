"""compose.yaml, without an engine, with a GPU or none: its settings are understood, and no container runs as root."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from classwright_server.cli import parser
from classwright_server.config.chosen import PREFIX
from classwright_server.config.settings import DEFAULT_PORT, settings_from
from classwright_tools.workspace.database import postgres_url
from support.paths import ROOT

SET = {"CLASSWRIGHT_TOKEN": "t" * 64, "POSTGRES_PASSWORD": "p" * 64}


FILES = {"without a GPU": ("compose.yaml",), "with a GPU": ("compose.yaml", "compose.gpu.yaml")}


@pytest.fixture(scope="module", params=FILES.values(), ids=FILES)
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The services, with the variables that compose fills in."""
    found: dict[str, Any] = {}
    for name in request.param:
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: SET.get(found[1], found[2] or ""), text)
        found = _merged(found, yaml.safe_load(text)["services"])
    return found


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the mappings of both, as compose merges its files; of what is none the other's counts."""
    both = {name: _merged(one[name], other[name]) for name in one.keys() & other if isinstance(one[name], dict)}
    return {**one, **other, **both}


def own(services: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The variables of the services that are Classwright's own, by service."""
    return {name: service["environment"] for name, service in services.items() if "build" in service}


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    flags = vars(parser().parse_args(["serve"]))
    known = {PREFIX + name.upper() for name in flags}
    known |= {"CLASSWRIGHT_TOKEN", "CLASSWRIGHT_WRITER_KEY"}  # which the image's command and a setting name

    assert {variable for variables in own(services).values() for variable in variables} <= known


def test_the_server_leaves_the_jobs_to_the_worker_and_both_share_one_database(services: dict[str, Any]) -> None:
    server, worker = (settings_from({}, own(services)[name]) for name in ("server", "worker"))

    assert server.jobs == ()
    assert worker.jobs == ("short", "long", "writing")
    assert server.tool_settings.writer == worker.tool_settings.writer
    assert (server.tool_settings.writer is not None) == ("vllm" in services)
    assert server.tool_settings.import_folders == worker.tool_settings.import_folders == (Path("/import"),)
    assert all(services[name]["volumes"][-1].endswith(":/import:ro") for name in ("server", "worker"))
    assert server.tool_settings.index_url == worker.tool_settings.index_url
    assert {name: services[name].get("hostname") for name in ("server", "worker")} == {  # a new container has another
        "server": "server",
        "worker": "worker",
    }
    url = postgres_url(server.tool_settings.index_url or "")
    postgres = services["postgres"]["environment"]
    assert (url.username, url.password, url.host, url.database) == (
        postgres["POSTGRES_USER"],
        postgres["POSTGRES_PASSWORD"],
        "postgres",
        postgres["POSTGRES_DB"],
    )


def test_no_container_runs_as_root_or_is_reached_from_outside_but_the_server_on_loopback(
    services: dict[str, Any],
) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user = re.search(r"^USER (\S+)", dockerfile, re.MULTILINE)
    [uid] = re.findall(r"useradd .*--uid (\d+)", dockerfile)

    assert user is not None
    assert user[1] == "classwright"
    assert services.get("vllm", {"user": uid})["user"].partition(":")[0] == uid  # who owns /models
    for name, service in services.items():
        assert "build" in service or service["user"].partition(":")[0] not in ("root", "0"), name
        assert service["cap_drop"] == ["ALL"]
        assert service["mem_limit"]
        assert service.get("ports", []) == (["127.0.0.1:8931:8931"] if name == "server" else [])


def test_what_the_image_runs_by_itself_is_understood_and_its_health_asked_for_at_the_port_that_is_set() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    health, command = map(json.loads, re.findall(r"\bCMD\s+(\[.*\])$", dockerfile, re.MULTILINE))
    serve = parser().parse_args(["serve", *command])
    settings = settings_from(vars(serve), {"CLASSWRIGHT_PORT": "9000"})
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urllib.request, "urlopen", lambda url, **_: asked.append(url))
        for port in ("", "9000"):
            patch.setenv("CLASSWRIGHT_PORT", port)
            exec(health[-1], {})  # as the engine runs it

    assert (settings.http, settings.port, settings.token_env) == (True, 9000, "CLASSWRIGHT_TOKEN")
    assert asked == [f"http://127.0.0.1:{port}/health" for port in (DEFAULT_PORT, 9000)]


def test_the_token_goes_to_the_server_only(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "CLASSWRIGHT_TOKEN" in service["environment"]] == ["server"]


def test_the_key_of_an_endpoint_goes_to_the_worker_only_which_writes(services: dict[str, Any]) -> None:
    named = {"CLASSWRIGHT_WRITER_URL": "https://api.example/v1", "CLASSWRIGHT_WRITER_MODEL": "m"}
    environment = own(services)["worker"] | named
    writer = settings_from({}, environment).tool_settings.writer

    assert writer
    assert [environment[name] for name in writer.key_variables] == ["none"]  # what compose puts for a key that is unset
    having = [name for name, service in services.items() if "CLASSWRIGHT_WRITER_KEY" in service["environment"]]
    assert having == ["worker"]


def test_only_with_the_file_for_it_is_a_gpu_asked_for(services: dict[str, Any]) -> None:
    asking = {name for name, service in services.items() if "deploy" in service}

    assert asking == ({"worker", "vllm"} if "vllm" in services else set())
    assert all("latest" not in service["image"] for service in services.values())
