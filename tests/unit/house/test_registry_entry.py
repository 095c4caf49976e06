"""`server.json`, the entry of the MCP registry: of the form that the registry takes, and true of this version.

The form is that of server.schema.json of 2025-12-11, said anew for the parts that the entry uses. What is not said here
is refused, so an entry with more needs its rule here first.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

import jsonschema
import pytest

from classwright_server.config.settings import settings_from
from support.paths import ROOT

MANIFEST: dict[str, Any] = json.loads((ROOT / "bundle/manifest.json").read_text(encoding="utf-8"))
ENTRY: dict[str, Any] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
WORDS = {"type": "string", "minLength": 1}


def exactly(needed: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Return the schema of an object with these fields and no others."""
    fields = {**needed, **optional}
    return {"type": "object", "properties": fields, "required": list(needed), "additionalProperties": False}


ARGUMENT = {
    "oneOf": [
        exactly({"type": {"const": "positional"}, "value": WORDS}),
        exactly({"type": {"const": "named"}, "name": WORDS}, value=WORDS),
    ]
}
PACKAGE = exactly(
    {
        "registryType": {"const": "pypi"},
        "identifier": WORDS,
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "transport": exactly({"type": {"const": "stdio"}}),
    },
    registryBaseUrl={"const": "https://pypi.org"},
    runtimeHint={"const": "uvx"},
    runtimeArguments={"type": "array", "items": ARGUMENT},
    packageArguments={"type": "array", "items": ARGUMENT},
    environmentVariables={
        "type": "array",
        "items": exactly(
            {"name": WORDS},
            description=WORDS,
            value=WORDS,
            default=WORDS,
            isSecret={"type": "boolean"},
            format={"enum": ["string", "number", "boolean", "filepath"]},
        ),
    },
)
FORM = exactly(
    {
        "name": {"type": "string", "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
        "description": {**WORDS, "maxLength": 100},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    },
    title={**WORDS, "maxLength": 100},
    packages={"type": "array", "items": PACKAGE},
    **{"$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"}},
)


def test_the_entry_has_the_form_that_the_registry_takes() -> None:
    jsonschema.Draft202012Validator(FORM).validate(ENTRY)


def test_an_entry_that_the_registry_refuses_is_found() -> None:
    with pytest.raises(jsonschema.ValidationError, match="too long"):
        jsonschema.Draft202012Validator(FORM).validate({**ENTRY, "description": "x" * 101})


def test_it_is_true_of_this_version_and_the_registry_finds_its_name_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [package] = ENTRY["packages"]
    [where] = package["runtimeArguments"]

    assert ENTRY["version"] == package["version"] == project["version"]
    assert package["identifier"] == project["name"]
    assert where == {"type": "named", "name": "--from", "value": f"{project['name']}[server]=={project['version']}"}
    assert f"<!-- mcp-name: {ENTRY['name']} -->" in (ROOT / project["readme"]).read_text(encoding="utf-8")


def test_its_variables_are_settings_of_the_server() -> None:
    [package] = ENTRY["packages"]
    values = {
        variable["name"]: variable.get("value", "http://w/v1" if variable["name"].endswith("URL") else "/ws")
        for variable in package["environmentVariables"]
    }
    settings = settings_from({}, values).tool_settings

    assert set(values) - {"CLASSWRIGHT_WORKSPACE"} == set(MANIFEST["server"]["mcp_config"]["env"])  # as the bundle's
    assert str(settings.workspace) == "/ws"
    assert settings.writer is not None
    assert set(settings.writer.key_variables) <= set(values)
