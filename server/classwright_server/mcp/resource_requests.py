"""Requests for resources: an unknown URI is answered with the nearest one, a file with its MIME type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp_types import INVALID_PARAMS

from classwright_server.mcp.mime_types import mime_type
from classwright_server.sanitize import sanitized

MAX_URI_CHARS = 300
"""Of a URI in an error."""


class ResourceRequests:
    """A middleware around `resources/read`, for a server whose resources have the URIs `templates`."""

    def __init__(self, templates: Sequence[str], files: str) -> None:
        """Let through what one of `templates` fits; those that begin with `files` hold what their names tell."""
        self._templates = [UriTemplate.parse(template) for template in templates]
        self._files = files

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer one request.

        Raises:
            MCPError: -32602: there is no such resource, or its URI asks for something that it does not know.
        """
        uri = (ctx.params or {}).get("uri") if ctx.method == "resources/read" else None
        if not isinstance(uri, str):
            return await call_next(ctx)
        path = uri.partition("?")[0]
        fitting = next((template for template in self._templates if template.match(path) is not None), None)
        if fitting is None:
            raise MCPError(
                INVALID_PARAMS, sanitized(f"resource {uri[:MAX_URI_CHARS]!r}: does not exist. {self._nearest(uri)}")
            )
        _check_query(uri, fitting)
        result = _named(await call_next(replace(ctx, params={**(ctx.params or {}), "uri": _with_blanks(uri)})), uri)
        return _as_file(result, uri) if fitting.template.startswith(self._files) else result

    def _nearest(self, uri: str) -> str:
        """Return the resource that `uri` may have meant, with the names that stand in it."""
        import difflib  # it takes long to import

        given = uri.partition("?")[0][:MAX_URI_CHARS].split("/")
        candidates = [_filled(template.template.partition("{?")[0].split("/"), given) for template in self._templates]
        nearest = max(candidates, key=lambda one: difflib.SequenceMatcher(None, one, "/".join(given)).ratio())
        return f"The nearest is {nearest}; resources/templates/list has all of them."


def _filled(template: list[str], given: list[str]) -> str:
    """Return a template with what a URI has in the places of its names; a name that is lacking stays."""
    return "/".join(
        given[place] if "{" in part and place < len(given) and given[place] else part
        for place, part in enumerate(template)
    )


def _check_query(uri: str, template: UriTemplate) -> None:
    """Return if the resource knows everything that the URI asks for after its '?'; otherwise it would be ignored.

    Names are compared as they stand, as the SDK does: it decodes none, and takes the first of those that are repeated.
    """
    known, seen = sorted(template.query_variable_names), set[str]()
    for pair in filter(None, uri.partition("#")[0].partition("?")[2].split("&")):
        name = pair.partition("=")[0]
        reason = ""
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes nothing after a '?'"
            reason = f"is not known. The resource {takes}."
        elif name in seen:
            reason = "is given more than once. Give it once, and read the resource once for each value."
        if reason:
            raise MCPError(INVALID_PARAMS, sanitized(f"{name[:40]!r} in {uri[:MAX_URI_CHARS]!r}: {reason}"))
        seen.add(name)


def _with_blanks(uri: str) -> str:
    """Return `uri` with the '+' after its '?' as blanks, as forms write them; a plus itself is written '%2B'."""
    path, mark, query = uri.partition("?")
    return path + mark + query.replace("+", "%20")


def _named(result: HandlerResult, uri: str) -> HandlerResult:
    """Return what was read under the URI that was asked for."""
    assert isinstance(result, dict)
    return result | {"contents": [content | {"uri": uri} for content in result["contents"]]}


def _as_file(result: HandlerResult, uri: str) -> HandlerResult:
    """Return what was read of a file as the kind that its name tells."""
    assert isinstance(result, dict)
    kind = mime_type(uri.partition("?")[0])
    return result | {"contents": [content | {"mimeType": kind} for content in result["contents"]]}
