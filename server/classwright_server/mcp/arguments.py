"""The arguments of a tool: a request's fields, flat, and for a long tool how long the call may wait."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import BaseModel, Field, create_model

from classwright_server.mcp.schemas import NULL

Q = TypeVar("Q", bound=BaseModel)
WAIT = "wait_seconds"
DEFAULT_WAIT_SECONDS = 20
MAX_WAIT_SECONDS = 50
"""Many hosts give up on a call after 60 s."""


def wait_field(description: str) -> Any:
    """Return the field that says how long a call may wait for a job."""
    return Field(default=DEFAULT_WAIT_SECONDS, ge=0, le=MAX_WAIT_SECONDS, description=description)


def arguments_of(name: str, request: type[BaseModel]) -> type[ArgModelBase]:
    """Return the model of the arguments of the tool `name`: the fields and rules of `request`."""
    return _made(name, request, waits=False, dry_run=False)


def waiting_arguments_of(name: str, request: type[BaseModel], *, dry_run: bool) -> type[ArgModelBase]:
    """Return the arguments of a tool that makes a job: those of `request`, and how long the call waits for it.

    With `dry_run` a call may ask for what it would take alone.
    """
    return _made(name, request, waits=True, dry_run=dry_run)


@cache
def _made(name: str, request: type[BaseModel], *, waits: bool, dry_run: bool) -> type[ArgModelBase]:
    """Return the arguments of a tool, made once in a process: that takes longer than all else of a further server."""
    more: dict[str, Any] = {}
    if waits:
        more[WAIT] = (int, wait_field("Then a job_id."))
    if dry_run:
        more["dry_run"] = (bool, Field(default=False, description="Only estimate."))
    bases: Any = (request, ArgModelBase)
    made: Any = create_model(f"{name}_arguments", __base__=bases, **more)
    return cast("type[ArgModelBase]", made)


def request_of(arguments: BaseModel, request: type[Q]) -> Q:
    """Return the `request` in `arguments` of one of the models above, which were checked when they were made.

    What was not sent counts as not set there too.
    """
    fields = {name: getattr(arguments, name) for name in request.model_fields}
    return request.model_construct(_fields_set=arguments.model_fields_set & fields.keys(), **fields)


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
