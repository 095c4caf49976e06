"""The arguments of a tool: a request's fields, flat, and for a long tool how long the call may wait."""

from __future__ import annotations

from typing import Any, cast

from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import BaseModel, Field, create_model

from classwright_server.mcp.schemas import NULL

DEFAULT_WAIT_SECONDS = 20
MAX_WAIT_SECONDS = 50
"""Many hosts give up on a call after 60 s."""


def wait_field(default: int = DEFAULT_WAIT_SECONDS) -> Any:
    """Return the field that says how long a call may wait for its job."""
    return Field(
        default=default,
        ge=0,
        le=MAX_WAIT_SECONDS,
        description="Seconds to wait before a job_id is returned, to pass to get_job; 0 returns at once.",
    )


def arguments_of(name: str, request: type[BaseModel], *, waits: bool) -> type[ArgModelBase]:
    """Return the model of the arguments of the tool `name`: the fields and rules of `request`, others refused."""
    extra: dict[str, Any] = {"wait_seconds": (int, wait_field())} if waits else {}
    bases: Any = (request, ArgModelBase)
    made: Any = create_model(f"{name}_arguments", __base__=bases, **extra)
    return cast("type[ArgModelBase]", made)


def as_left_out(value: Any, schema: dict[str, Any], defs: dict[str, Any], *, outermost: bool = True) -> Any:
    """Return arguments without what clients send for optional ones that they leave out: null, and outermost also "".

    Where the schema offers null it has a meaning of its own and stays.
    """
    schema = defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, list):
        return [as_left_out(item, schema.get("items", {}), defs, outermost=False) for item in value]
    if not isinstance(value, dict):
        return value
    named, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: as_left_out(item, named.get(name, {}), defs, outermost=False)
        for name, item in value.items()
        if name not in named
        or name in required
        or not ((item is None and NULL not in named[name].get("anyOf", ())) or (item == "" and outermost))
    }
